//! The files of a trail: one for each UTC day and for each so many bytes, `YYYY-MM-DD-NNNN.jsonl`.

use crate::error::{Error, Result};
use jiff::civil::Date;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file that the one writer has locked.
const LOCK: &str = "lock";
const SUFFIX: &str = ".jsonl";
/// How long a writer waits for the one before it to be gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// A file's place in the order of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// The UTC day on which its records were written, or a later one where the clock was set back.
    pub day: Date,
    /// Its number among those of that day; the first is 1.
    pub number: u32,
}

impl FileName {
    /// What the name of a file says, if it is one of a trail's.
    pub fn of(name: &str) -> Option<Self> {
        let (day, number) = name.strip_suffix(SUFFIX)?.rsplit_once('-')?;
        let name_is = Self { day: day.parse().ok()?, number: number.parse().ok()? };
        (name_is.to_string() == name).then_some(name_is)
    }

    /// The first name after this one on that day or later.
    pub(crate) fn next(self, today: Date) -> Self {
        if today > self.day {
            Self { day: today, number: 1 }
        } else {
            Self { day: self.day, number: self.number.saturating_add(1) }
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}{SUFFIX}", self.day, self.number)
    }
}

/// The files of a trail, in order.
pub fn files(directory: &Path) -> Result<Vec<(FileName, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(Error::of("read", directory))? {
        let entry = entry.map_err(Error::of("read", directory))?;
        if let Some(name) = entry.file_name().to_str().and_then(FileName::of) {
            files.push((name, entry.path()));
        }
    }
    files.sort_unstable_by_key(|(name, _)| *name);
    Ok(files)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling_and_an_order() {
        for name in ["2026-11-28-0001.jsonl", "2026-11-28-9999.jsonl", "2026-11-28-10000.jsonl"] {
            assert_eq!(FileName::of(name).unwrap().to_string(), name);
        }
        for name in [
            "2026-11-28-1.jsonl",
            "2026-11-28-0001.json",
            "2026-11-31-0001.jsonl",
            "20261128-0001.jsonl",
            "head",
            ".jsonl",
        ] {
            assert_eq!(FileName::of(name), None, "{name}");
        }
        let directory = tempfile::tempdir().unwrap();
        for name in
            ["2026-11-28-10000.jsonl", "2026-11-28-9999.jsonl", "2026-11-27-0001.jsonl", "x"]
        {
            File::create(directory.path().join(name)).unwrap();
        }
        let numbers: Vec<u32> =
            files(directory.path()).unwrap().iter().map(|(name, _)| name.number).collect();
        assert_eq!(numbers, [1, 9999, 10000]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_earlier_file() {
        let name = FileName::of("2026-11-28-0007.jsonl").unwrap();
        let next = |day: &str| name.next(day.parse().unwrap()).to_string();
        assert_eq!(next("2026-11-28"), "2026-11-28-0008.jsonl");
        assert_eq!(next("2026-11-29"), "2026-11-29-0001.jsonl");
        assert_eq!(next("2026-11-20"), "2026-11-28-0008.jsonl");
    }
}
