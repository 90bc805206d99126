//! The parts of a compiled policy, their bounds and how they are hashed.

use super::Corrupt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The largest compiled policy that is read whole, in bytes.
pub const MAX_COMPILED: usize = 1024 * 1024 * 1024;

/// The largest section, in bytes: what one read may take of an instance's memory.
pub const MAX_SECTION: usize = 64 * 1024 * 1024;

/// What every compiled policy starts with.
pub(super) const FAMILY: &[u8] = b"sekisho policy ";

/// The first line. The sections do not describe themselves, so only the release that wrote them
/// reads them, and within a release the layout of the types has a number: a test pins it.
pub(super) const MAGIC: &[u8] =
    concat!("sekisho policy ", env!("CARGO_PKG_VERSION"), " layout 6\n").as_bytes();

/// Length of the header, little-endian, and the root.
pub(super) const TRAILER: usize = 4 + 32;

/// How many hosts a bucket of the index holds on average: one bucket is read for a host, and the
/// header grows by one place for a bucket.
pub(super) const HOSTS_PER_BUCKET: usize = 64;

/// SHA-256.
pub(super) type Hash = [u8; 32];

/// Where a section is, and what it must be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) hash: Hash,
}

/// What the root stands for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// Bytes before the header: magic and sections.
    pub(super) body: u64,
    pub(super) operator: Place,
    pub(super) buckets: Vec<Place>,
}

/// A host of the index.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Of the canonical name.
    pub(super) host: Hash,
    pub(super) tenant: Place,
}

pub(super) fn hash(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The root of a header as it is stored.
pub(super) fn root(header: &[u8]) -> Hash {
    hash(&[MAGIC, header])
}

/// The bucket of a host among this many; none among none.
pub(super) fn bucket(host: &Hash, buckets: usize) -> Option<usize> {
    let [a, b, c, d, ..] = *host;
    usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?.checked_rem(buckets)
}

/// A section's value, of exactly these bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8], place: &'static str) -> Result<T, Corrupt> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(Corrupt::Damaged(place)),
    }
}
