//! The file of the gateway's own keys.

use crate::input;
use crate::report::Failure;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::{MAX_OWN_SET, OwnKeys, Status, private_jwk};
use sekisho_testing::clock;
use serde_json::{Value, json};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;
use tempfile::NamedTempFile;

/// The kinds of keys that a gateway has.
pub(super) const KINDS: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::HS256];

/// Reads and checks a file: its text, and the keys.
pub(super) fn read(path: &Path) -> Result<(String, OwnKeys), Failure> {
    let bytes = input::bounded_file(path, MAX_OWN_SET)?;
    let keys = OwnKeys::parse(&bytes)
        .map_err(|why| Failure::invalid(format!("{}: {why}", path.display())))?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), keys))
}

/// When the key of this identifier was made, in seconds since 1970, where it is one of ours.
pub(super) fn made(id: &str) -> Option<u64> {
    id.split_once('-')?.0.parse().ok()
}

/// A new key, whose identifier tells when it was made.
pub(super) fn key(algorithm: Algorithm, status: Status) -> Result<Value, Failure> {
    let id = format!("{}-{:08x}", clock::unix_seconds(), u32::from_ne_bytes(random()?));
    private_jwk(algorithm, &id, status, random()?).map_err(Failure::fault)
}

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::fault(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// Writes a set into a file that is not there yet, for its owner's eyes.
pub(super) fn create(path: &Path, keys: &[Value]) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::invalid(format!("{} exists already", path.display()))
                .help("name another file; `sekisho keys rotate` renews the keys in one")
        }
        _ => cannot_write(path, &error),
    };
    written(path, keys)?.persist_noclobber(path).map(drop).map_err(|error| failed(error.error))
}

/// Writes a set in the place of the one that there is, in one step, for whoever could read that one.
pub(super) fn replace(path: &Path, keys: &[Value]) -> Result<(), Failure> {
    let failed = |error: io::Error| cannot_write(path, &error);
    // Of a link, what it leads to.
    let path = path.canonicalize().map_err(failed)?;
    let before = path.metadata().map_err(failed)?;
    let file = written(&path, keys)?;
    let (owner, group) = (before.uid(), before.gid());
    let ours = file.as_file().metadata().map_err(failed)?;
    if (ours.uid(), ours.gid()) != (owner, group) {
        fchown(file.as_file(), Some(owner), Some(group)).map_err(failed)?;
    }
    file.as_file().set_permissions(before.permissions()).map_err(failed)?;
    file.persist(&path).map(drop).map_err(|error| failed(error.error))
}

/// A file beside `path` with a set that is sound.
fn written(path: &Path, keys: &[Value]) -> Result<NamedTempFile, Failure> {
    let failed = |error: io::Error| cannot_write(path, &error);
    let text = format!("{:#}\n", json!({"keys": keys}));
    OwnKeys::parse(text.as_bytes())
        .map_err(|why| Failure::invalid(format!("the new set would not be one: {why}")))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Such a file is readable for its owner alone from the moment that it is made.
    let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::invalid(format!("cannot write {}: {error}", path.display()))
}
