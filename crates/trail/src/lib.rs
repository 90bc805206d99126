//! The audit trail of a gateway on disk.
//!
//! A directory has one chain of records, one JSON line each, in total order. The writer ends each line with three
//! members of its own:
//!
//! ```json
//! {"v":1,…,"chain":"<32 hex digits>","seq":7,"prev":"<SHA-256 of line 6, without its line feed>"}
//! ```
//!
//! so that whoever edits, removes, inserts or moves a record breaks the chain there, and [`verify()`] says where.
//! The end of a chain has no record after it: [`Point`]s that were signed, stand in the `head` file, or were kept
//! elsewhere guard it.
//!
//! | place | what |
//! | --- | --- |
//! | [`link`] | the three members and the hash |
//! | `record` | what a component printed, as the beginning of a record |
//! | [`directory`] | names and order of the files |
//! | `disk` | rights of the files, the lock of the one writer, what is durable |
//! | [`writer`] | [`Trail`]: appends, turns files, signs checkpoints, makes durable |
//! | [`read`] | records by time and by what they say, the newest first or page by page, and those that are still to come |
//! | [`verify()`] | every run of faults, by kind and place |
//! | [`backup`] | generations of copies, and the way back |
//!
//! A component of WebAssembly can read a trail, and nothing else: the rest is for a system with owners and locks.
//!
//! Nothing here knows what a request is, what a key is, or who writes: a function signs, and a function checks.

pub mod directory;
mod error;
mod event;
pub mod link;
pub mod read;

#[cfg(unix)]
pub mod backup;
#[cfg(unix)]
mod disk;
#[cfg(unix)]
pub mod head;
#[cfg(unix)]
mod record;
#[cfg(unix)]
pub mod verify;
#[cfg(unix)]
pub mod writer;

pub use error::{Error, Result};
#[cfg(unix)]
pub use head::Point;
#[cfg(unix)]
pub use verify::verify;
#[cfg(unix)]
pub use writer::{Options, Signer, Trail};
