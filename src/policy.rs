//! The policy that the host mounts at `/policy`, read once by each instance: a mount does not
//! change under a running instance, and the host replaces instances when the policy changes.

use sekisho_core::policy::{Fault, Files, MAX_FILE, is_policy_file, load};
use sekisho_core::{Denial, Policy, Reason};
use std::cell::OnceCell;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::rc::Rc;

const DIRECTORY: &str = "/policy";

thread_local! {
    static CURRENT: OnceCell<Result<Rc<Policy>, Denial>> = const { OnceCell::new() };
}

/// The policy, or a refusal: without a policy nothing is permitted.
pub(crate) fn current() -> Result<Rc<Policy>, Denial> {
    CURRENT.with(|current| current.get_or_init(read).clone())
}

fn read() -> Result<Rc<Policy>, Denial> {
    let unavailable = |why: String| Denial::new(Reason::PolicyUnavailable, why);
    let files = files(Path::new(DIRECTORY)).map_err(unavailable)?;
    load(&files).map(Rc::new).map_err(|faults| {
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
    fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(std::io::Error::other("larger than 16 MiB"));
    }
    Ok(bytes)
}
