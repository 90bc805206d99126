//! The one file that is deployed: a policy in a form of which an instance reads only what its
//! request needs, and of which nothing is believed before it is verified.
//!
//! | part | what |
//! | --- | --- |
//! | magic | a line that names the form and the release that wrote it |
//! | sections | the operator's part, then each tenant by identifier, then the buckets of the host index |
//! | header | place and SHA-256 of the operator's part and of each bucket |
//! | trailer | length of the header, and the root: SHA-256 over magic and header |
//!
//! A bucket holds, for about 64 hosts, SHA-256 of the host's name with place and SHA-256 of its
//! tenant's section. So the root stands for every byte (a Merkle tree), an instance verifies what
//! it reads without reading the rest, and the root is the policy's digest. The hashes find damage;
//! they do not say who wrote the file.
//!
//! | place | what |
//! | --- | --- |
//! | `format` | the parts, their bounds and how they are hashed |
//! | `write` | [`compile()`] |
//! | `read` | [`Deployed`]: the policy of one request |
//! | `whole` | [`read()`]: all of it, down to the last byte |

mod format;
mod read;
mod whole;
mod write;

pub use format::{MAX_COMPILED, MAX_SECTION};
pub use read::{Deployed, Stored};
pub use whole::read;
pub(super) use write::digest;
pub use write::{TooLarge, compile};

use std::fmt;

/// The name under which a gateway finds a compiled policy in its mount.
pub const FILE: &str = "policy.sekisho";

/// Why a compiled policy is not judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corrupt {
    /// It is no compiled policy.
    Foreign,
    /// Another release wrote it, so its parts may mean something else.
    OtherRelease,
    /// It is not what was written; the place that shows it.
    Damaged(&'static str),
    /// It could not be read; what the host says.
    Unreadable(String),
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a compiled policy, or not the whole of one"),
            Self::OtherRelease => write!(
                f,
                "the policy was compiled by another release than this one, {}",
                env!("CARGO_PKG_VERSION")
            ),
            Self::Damaged(place) => write!(f, "the compiled policy is damaged: {place}"),
            Self::Unreadable(why) => write!(f, "the compiled policy can't be read: {why}"),
        }
    }
}

impl std::error::Error for Corrupt {}
