//! A policy, as a directory of files or compiled, as the values that core takes.

use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::deployed::FILE as COMPILED;
use sekisho_core::policy::{self, Checked, Fault, Files, is_policy_file, max_size};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

/// Reads the policy's files and nothing else: `gateway.toml`, `tenants/*.toml` and `keys/*.json`,
/// or `policy.sekisho`, each at most [`max_size`] bytes. A compiled policy may also be named by
/// itself, whatever it is called: it is read as the directory that has nothing else. Symbolic links are followed, as a deployment that swaps
/// directories (Kubernetes `ConfigMap`s) needs it.
///
/// # Errors
/// Names the directory or file that can't be read, is no regular file or is too large. That a
/// file is missing is not an error here but a fault that [`policy::load`] finds.
pub fn read(directory: &Path) -> Result<Files, Failure> {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(metadata) if metadata.is_file() => {
            return Ok(Files::from([(COMPILED.to_owned(), file(directory, COMPILED)?)]));
        }
        Ok(_) => {
            return Err(Failure::invalid(format!("{} is not a directory", directory.display()))
                .help("a policy is a directory with gateway.toml, tenants/ and keys/, or one file that sekisho compile wrote"));
        }
        Err(error) => return Err(unreadable(directory, &error)),
    }
    let mut files = Files::new();
    for folder in ["", "tenants", "keys"] {
        let path = if folder.is_empty() { directory.to_owned() } else { directory.join(folder) };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&path, &error))?;
            let Some(name) = relative(folder, &entry.file_name()) else {
                continue;
            };
            if is_policy_file(&name) {
                let bytes = file(&entry.path(), &name)?;
                files.insert(name, bytes);
            }
        }
    }
    if files.len() == 1 && files.contains_key(COMPILED) {
        stands_alone(directory)?;
    }
    Ok(files)
}

/// A gateway refuses every request by a compiled policy beside the folders of one, even without a
/// file of a policy in them.
fn stands_alone(directory: &Path) -> Result<(), Failure> {
    let beside = ["tenants", "keys"].iter().find(|folder| directory.join(folder).exists());
    match beside {
        None => Ok(()),
        Some(folder) => Err(Failure::invalid(format!(
            "{} has both {COMPILED} and {folder}",
            directory.display()
        ))
        .help("a compiled policy stands in a directory of its own")),
    }
}

/// Reads and checks a policy: a directory, or a compiled one.
pub fn load(directory: &Path) -> Result<(Files, Policy), Failure> {
    let files = read(directory)?;
    match policy::load(&files) {
        Ok(policy) => Ok((files, policy)),
        Err(faults) => Err(Failure::policy(directory, &files, &faults)),
    }
}

/// As [`load`], for what needs the files as people write them.
pub fn load_written(directory: &Path) -> Result<Files, Failure> {
    let (files, _) = load(directory)?;
    if files.contains_key(COMPILED) {
        return Err(Failure::invalid(format!("{} is a compiled policy", directory.display()))
            .help("name the directory that it was compiled from"));
    }
    Ok(files)
}

/// As [`load`], with what is dangerous in the policy.
pub fn check(directory: &Path) -> Result<(Files, Policy, Vec<Fault>), Failure> {
    let files = read(directory)?;
    let Checked { policy, faults } = policy::check(&files);
    match policy {
        Some(policy) => Ok((files, policy, faults)),
        None => Err(Failure::policy(directory, &files, &faults)),
    }
}

/// Writes a policy's files into an empty directory.
pub fn write(directory: &Path, files: &Files) -> io::Result<()> {
    for (name, bytes) in files {
        let path = directory.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// A name that is not UTF-8 is kept as near as it can be: dropping it would make a tenant vanish
/// without a word, and this way core refuses it by name.
fn relative(folder: &str, name: &OsStr) -> Option<String> {
    let name = name.to_string_lossy();
    if name.is_empty() {
        return None;
    }
    Some(if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") })
}

/// The file at a path, which is this one of a policy.
fn file(path: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    // Before opening: to open a pipe is to wait for its writer.
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(Failure::invalid(format!("{} is not a regular file", path.display()))
            .help("move it out of the policy directory"));
    }
    crate::input::bounded_file(path, max_size(name))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::invalid(format!("{path} does not exist"))
            .help("name a policy directory, such as policy/ of the repository"),
        _ => Failure::invalid(format!("cannot read {path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_core::policy::MAX_FILE;

    #[test]
    fn only_the_policys_own_files_are_read() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("tenants/deeper")).unwrap();
        for file in [
            "gateway.toml",
            "README.md",
            "tenants/acme.toml",
            "tenants/acme.toml~",
            "tenants/.acme.toml",
        ] {
            fs::write(root.path().join(file), file).unwrap();
        }
        fs::write(root.path().join("outside.json"), "{}").unwrap();
        fs::create_dir(root.path().join("keys")).unwrap();
        std::os::unix::fs::symlink("../outside.json", root.path().join("keys/idp.jwks.json"))
            .unwrap();
        let files = read(root.path()).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["gateway.toml", "keys/idp.jwks.json", "tenants/acme.toml"]);
        assert_eq!(files["keys/idp.jwks.json"], b"{}");
        let copy = tempfile::tempdir().unwrap();
        write(copy.path(), &files).unwrap();
        assert_eq!(read(copy.path()).unwrap(), files);
    }

    #[test]
    fn a_compiled_policy_beside_an_empty_folder_is_none_that_a_gateway_reads() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(COMPILED), "").unwrap();
        assert!(read(root.path()).is_ok());
        fs::create_dir(root.path().join("keys")).unwrap();
        let refused = format!("{:?}", read(root.path()).unwrap_err());
        assert!(refused.contains("has both policy.sekisho and keys"), "{refused}");
    }

    #[test]
    fn what_can_not_be_read_is_named() {
        let root = tempfile::tempdir().unwrap();
        let missing = format!("{:?}", read(&root.path().join("nowhere")).unwrap_err());
        assert!(missing.contains("nowhere does not exist"), "{missing}");
        let device = format!("{:?}", read(Path::new("/dev/null")).unwrap_err());
        assert!(device.contains("is not a directory"), "{device}");
        fs::create_dir_all(root.path().join("tenants/acme.toml")).unwrap();
        let directory = format!("{:?}", read(root.path()).unwrap_err());
        assert!(directory.contains("acme.toml is not a regular file"), "{directory}");
        fs::remove_dir(root.path().join("tenants/acme.toml")).unwrap();
        fs::write(root.path().join("gateway.toml"), vec![b'#'; MAX_FILE + 1]).unwrap();
        let large = format!("{:?}", read(root.path()).unwrap_err());
        assert!(large.contains("gateway.toml is larger than 16 MiB"), "{large}");
    }
}
