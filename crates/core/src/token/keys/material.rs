//! What a key is made of: cheap to store and to read back, unlike the key that is built from it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The numbers of a key, as they stood in its JWK. They are judged where a key is built from them.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Material {
    /// A compressed Edwards point (RFC 8032, section 5.1.2).
    Ed25519(Vec<u8>),
    /// An uncompressed point (SEC 1, section 2.3.3).
    P256(Vec<u8>),
    /// An uncompressed point (SEC 1, section 2.3.3).
    P384(Vec<u8>),
    /// Modulus and exponent, big-endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A shared secret.
    Secret(Vec<u8>),
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519(_) => "Ed25519",
            Self::P256(_) => "P-256",
            Self::P384(_) => "P-384",
            Self::Rsa { .. } => "RSA",
            Self::Secret(_) => "a secret",
        })
    }
}
