//! The digest that every audit record names.

use super::Files;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Names and contents, each with its length before it, so that no two directories share a digest.
pub(super) fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for (file, bytes) in files {
        part(file.as_bytes());
        part(bytes);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
