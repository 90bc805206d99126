//! The file of the gateway's own keys.

use crate::input;
use crate::report::Failure;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::{MAX_OWN_SET, OwnKeys, Status, private_jwk};
use sekisho_testing::clock;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;

/// The kinds of keys that a gateway has.
pub(super) const KINDS: [Algorithm; 2] = [Algorithm::EdDSA, Algorithm::HS256];

/// Reads and checks a file: its text, and the keys.
pub(super) fn read(path: &Path) -> Result<(String, OwnKeys), Failure> {
    let bytes = input::bounded_file(path, MAX_OWN_SET)?;
    let keys = OwnKeys::parse(&bytes)
        .map_err(|why| Failure::invalid(format!("{}: {why}", path.display())))?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), keys))
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

/// Writes the set for its owner's eyes: into a new file, or in one step in place of the one there is.
pub(super) fn write(path: &Path, keys: &[Value], new: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::invalid(format!("{} exists already", path.display()))
                .help("name another file; `sekisho keys rotate` renews the keys in one")
        }
        _ => Failure::invalid(format!("cannot write {}: {error}", path.display())),
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Such a file is readable for its owner alone from the moment that it is made.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let text = format!("{:#}\n", json!({"keys": keys}));
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    let kept = if new { file.persist_noclobber(path) } else { file.persist(path) };
    kept.map(drop).map_err(|error| failed(error.error))
}
