//! What a writer does to a trail's directory.

use crate::error::{Error, Result};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file that the one writer has locked.
const LOCK: &str = "lock";
/// How long a writer waits for the one before it to be gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// Makes a directory for its owner alone, with those above it. One that is there keeps its rights, which may be for others.
pub(crate) fn create(directory: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(Error::of("create", directory))
}

/// How a file is opened that its owner alone may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Makes what was created, renamed or removed in a directory durable.
pub(crate) fn sync(directory: &Path) -> Result<()> {
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(Error::of("make durable", directory))
}

/// Takes the lock of a directory's one writer; it is free again when the file is closed, however the process ends.
pub(crate) fn lock(directory: &Path) -> Result<File> {
    let path = directory.join(LOCK);
    let file = private().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::of("open", &path))?;
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::Locked(directory.to_owned())),
            Err(TryLockError::Error(error)) => return Err(Error::of("lock", &path)(error)),
        }
    }
}

/// Writes a file in one step in the place of the one that there may be, durably.
pub(crate) fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = || -> io::Result<()> {
        let mut file = private().create(true).truncate(true).write(true).open(&new)?;
        io::Write::write_all(&mut file, text)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().map_err(Error::of("write", path))?;
    sync(path.parent().unwrap_or(Path::new(".")))
}
