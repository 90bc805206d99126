//! The files a component may read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::HostError;
use crate::instance::Mount;
use crate::manifest::{ComponentSpec, Files, Manifest};

/// Directories to mount for one component; `staged` holds copies of the files that globs select.
pub(crate) struct Mounted {
    pub(crate) mounts: Vec<Mount>,
    pub(crate) staged: Option<TempDir>,
}

/// Finds a component's directories, with those in `overrides` instead of the manifest's at the same guest path.
pub(crate) fn mount(
    manifest: &Manifest,
    spec: &ComponentSpec,
    overrides: &BTreeMap<String, PathBuf>,
) -> Result<Mounted, HostError> {
    let mut mounts = Vec::new();
    let mut staged = None;
    for files in &spec.files {
        match files {
            Files::Directory { source, destination, span } => {
                let (host, overridden) = match overrides.get(destination) {
                    Some(directory) => (directory, true),
                    None => (source, false),
                };
                if !host.is_dir() {
                    let message = format!("{} is not a directory", host.display());
                    return Err(if overridden {
                        HostError::new(message)
                            .help(format!("It was to be mounted at {destination}"))
                    } else {
                        manifest.error(span, message).help("Create it, or correct `source`")
                    });
                }
                mounts.push(Mount { host: host.clone(), guest: destination.clone(), grows: false });
            }
            Files::Glob { pattern, span } => {
                let root = match &staged {
                    Some(directory) => directory,
                    None => staged.insert(TempDir::new().map_err(|error| cannot_copy(&error))?),
                };
                let copied = copy_matching(manifest.directory(), pattern, root.path())
                    .map_err(|error| cannot_copy(&error))?;
                if copied == 0 {
                    return Err(manifest.error(span, format!("no file matches \"{pattern}\"")));
                }
            }
        }
    }
    if let Some(directory) = &staged {
        let (host, guest) = (directory.path().to_owned(), "/".to_owned());
        mounts.push(Mount { host, guest, grows: false });
    }
    for guest in &spec.places {
        let Some(host) = overrides.get(guest) else { continue };
        if !host.is_dir() {
            return Err(HostError::new(format!("{} is not a directory", host.display()))
                .help(format!("It was to be mounted at {guest}")));
        }
        mounts.push(Mount { host: host.clone(), guest: guest.clone(), grows: true });
    }
    Ok(Mounted { mounts, staged })
}

fn cannot_copy(error: &std::io::Error) -> HostError {
    HostError::new(format!("cannot copy a component's files: {error}"))
}

fn copy_matching(root: &Path, pattern: &str, to: &Path) -> std::io::Result<usize> {
    let pattern: Vec<_> = pattern.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let mut found = Vec::new();
    walk(root, &pattern, Path::new(""), &mut found)?;
    for relative in &found {
        let target = to.join(relative);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(root.join(relative), target)?;
    }
    Ok(found.len())
}

/// Collects the files under `at` that the rest of a pattern selects; a directory that the whole pattern names is
/// taken with everything in it.
fn walk(root: &Path, pattern: &[&str], at: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let Some((first, rest)) = pattern.split_first() else {
        if root.join(at).is_dir() {
            return walk(root, &["**"], at, found);
        }
        found.push(at.to_owned());
        return Ok(());
    };
    let directory = root.join(at);
    if !directory.is_dir() {
        return Ok(());
    }
    if *first == "**" && !rest.is_empty() {
        walk(root, rest, at, found)?;
    }
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let next = at.join(name);
        if *first == "**" {
            // Not through symbolic links, which can form a cycle.
            if entry.file_type()?.is_dir() {
                walk(root, pattern, &next, found)?;
            } else if rest.is_empty() {
                found.push(next);
            }
        } else if matches(first.as_bytes(), name.as_bytes()) {
            walk(root, rest, &next, found)?;
        }
    }
    Ok(())
}

/// `*` is any run of bytes, `?` is any byte.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => matches(rest, name),
        (Some((b'*', rest)), Some((_, tail))) => matches(rest, name) || matches(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => matches(rest, tail),
        (Some((a, rest)), Some((b, tail))) => a == b && matches(rest, tail),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_select_files() {
        let root = tempfile::tempdir().unwrap();
        for file in ["a.txt", "b.md", "d/c.txt", "d/e/f.txt"] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        for (pattern, expected) in [
            ("a.txt", &["a.txt"][..]),
            ("*.txt", &["a.txt"]),
            ("?.*", &["a.txt", "b.md"]),
            ("**/*.txt", &["a.txt", "d/c.txt", "d/e/f.txt"]),
            ("d", &["d/c.txt", "d/e/f.txt"]),
            ("d/**", &["d/c.txt", "d/e/f.txt"]),
            ("d/*/f.txt", &["d/e/f.txt"]),
            ("nothing*", &[]),
        ] {
            let pattern_parts: Vec<_> = pattern.split('/').collect();
            let mut found = Vec::new();
            walk(root.path(), &pattern_parts, Path::new(""), &mut found).unwrap();
            found.sort();
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{pattern}");
            let to = tempfile::tempdir().unwrap();
            assert_eq!(copy_matching(root.path(), pattern, to.path()).unwrap(), expected.len());
            for file in expected {
                assert_eq!(std::fs::read_to_string(to.path().join(file)).unwrap(), *file);
            }
        }
    }
}
