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
//! | [`directory`] | names, rights and order of the files, and the lock of the one writer |
//! | [`writer`] | [`Trail`]: appends, turns files, signs checkpoints, makes durable |
//! | [`read`] | records by time and by what they say, and those that are still to come |
//! | [`verify()`] | every run of faults, by kind and place |
//! | [`backup`] | generations of copies, and the way back |
//!
//! Nothing here knows what a request is, what a key is, or who writes: a function signs, and a function checks.

pub mod backup;
pub mod directory;
mod error;
pub mod head;
pub mod link;
pub mod read;
mod record;
pub mod verify;
pub mod writer;

pub use error::{Error, Result};
pub use head::Point;
pub use verify::verify;
pub use writer::{Options, Signer, Trail};
