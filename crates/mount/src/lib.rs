//! The policy that the host mounts at `/policy`: a compiled one, of which an instance reads what
//! its requests need, or the directory of files that it would be compiled from, read once by each
//! instance. A mount does not change under a running instance, and the host replaces instances
//! when the policy changes. For components: it needs nothing of a host but files.

use sekisho_core::policy::deployed::{self, Deployed, Stored};
use sekisho_core::policy::{Fault, Files, MAX_FILE, is_policy_file, load};
use sekisho_core::{Denial, Policy, Reason, Request};
use std::cell::{OnceCell, RefCell};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

const DIRECTORY: &str = "/policy";

thread_local! {
    static CURRENT: OnceCell<Result<Current, Denial>> = const { OnceCell::new() };
}

enum Current {
    Whole(Arc<Policy>),
    Compiled(RefCell<Deployed<Mounted>>),
}

/// The policy for a request, or a refusal: without a policy nothing is permitted.
pub fn for_request(request: &Request) -> Result<Arc<Policy>, Denial> {
    CURRENT.with(|current| match current.get_or_init(open) {
        Ok(Current::Whole(policy)) => Ok(Arc::clone(policy)),
        Ok(Current::Compiled(deployed)) => {
            deployed.borrow_mut().policy_for(request).map_err(|why| unavailable(why.to_string()))
        }
        Err(denial) => Err(denial.clone()),
    })
}

fn unavailable(why: String) -> Denial {
    Denial::new(Reason::PolicyUnavailable, why)
}

fn open() -> Result<Current, Denial> {
    let root = Path::new(DIRECTORY);
    if exists(&root.join(deployed::FILE)).map_err(unavailable)? {
        compiled(root).map_err(unavailable)
    } else {
        whole(root)
    }
}

fn exists(path: &Path) -> Result<bool, String> {
    path.try_exists().map_err(|error| format!("{}: {error}", path.display()))
}

/// A compiled policy, which must stand alone: beside the files of one, nobody could say which of
/// the two is meant.
fn compiled(root: &Path) -> Result<Current, String> {
    for other in ["gateway.toml", "tenants", "keys"] {
        if exists(&root.join(other))? {
            return Err(format!(
                "{DIRECTORY} has both {} and {other}: mount one of them alone",
                deployed::FILE
            ));
        }
    }
    let mounted = Mounted::open(&root.join(deployed::FILE)).map_err(|error| error.to_string())?;
    let deployed = Deployed::open(mounted).map_err(|why| why.to_string())?;
    Ok(Current::Compiled(RefCell::new(deployed)))
}

/// A file of the mount.
struct Mounted {
    file: File,
    length: u64,
}

impl Mounted {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl Stored for Mounted {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; length];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

fn whole(root: &Path) -> Result<Current, Denial> {
    let files = files(root).map_err(unavailable)?;
    load(&files).map(|policy| Current::Whole(Arc::new(policy))).map_err(|faults| {
        for fault in &faults {
            eprintln!("policy: {}", located(fault, &files));
        }
        unavailable(faults.first().map_or_else(String::new, |fault| located(fault, &files)))
    })
}

fn located(fault: &Fault, files: &Files) -> String {
    let text = files.get(&fault.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.and_then(|text| fault.position(text)) {
        Some((line, column)) => format!("line {line}, column {column} of {fault}"),
        None => fault.to_string(),
    }
}

/// The policy's files: `gateway.toml` and those directly in `tenants` and `keys`.
fn files(root: &Path) -> Result<Files, String> {
    let mut files = Files::new();
    for folder in ["", "tenants", "keys"] {
        let entries = match fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            // A folder that is not there has no files; what is missed then is a fault of `load`.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{DIRECTORY}/{folder}: {error}")),
        };
        for entry in entries {
            let entry = entry.map_err(|error| format!("{DIRECTORY}/{folder}: {error}"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let relative = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if is_policy_file(&relative) {
                let bytes =
                    bounded(&entry.path()).map_err(|error| format!("{relative}: {error}"))?;
                files.insert(relative, bytes);
            }
        }
    }
    Ok(files)
}

fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(std::io::Error::other("larger than 16 MiB"));
    }
    Ok(bytes)
}
