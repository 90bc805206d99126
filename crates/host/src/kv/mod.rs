//! Key-value stores.

mod binding;
mod disk;
mod draft;
mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

#[expect(unreachable_pub, reason = "generated code re-exports it")]
pub use self::binding::StoreHandle;
pub(crate) use self::binding::{Kv, KvView};
#[expect(unreachable_pub, reason = "generated code re-exports it")]
pub use self::draft::Cas;
use crate::HostError;

/// The name of the file of a state on disk.
pub const STATE_FILE: &str = "state.redb";

/// Longest key, in bytes.
const MAX_KEY: usize = 4 * 1024;
/// Largest value, in bytes.
const MAX_VALUE: usize = 16 * 1024 * 1024;

/// Where the application's key-value stores live.
#[derive(Clone)]
pub enum State {
    /// In memory, gone with the host.
    Memory,
    /// In `state.redb` under this directory; a write that was answered survives a crash.
    Disk(PathBuf),
    /// In the Redis at this address, `redis://[user:password@]host[:port][/database]` or `rediss://…` over TLS. It is
    /// connected when it is first asked.
    Redis(String),
}

impl fmt::Debug for State {
    /// Without the password that an address may have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("Memory"),
            Self::Disk(directory) => f.debug_tuple("Disk").field(directory).finish(),
            Self::Redis(_) => f.write_str("Redis"),
        }
    }
}

/// Why a store could not answer, in one sentence.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct KeyValueError(pub(crate) String);

impl KeyValueError {
    /// For a store of another kind.
    pub fn new(why: String) -> Self {
        Self(why)
    }
}

/// Keys and their values.
pub type Entries = Vec<(String, Vec<u8>)>;

/// Whether changes were made, all of them; or none, because of one.
pub type Made = Result<(), Conflict>;

/// One key-value store.
pub trait KeyValue: Send + Sync {
    /// The value of `key`, if there is one.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>>;
    /// Sets `key` to `value`, durably for a store on disk.
    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>>;
    /// Removes `key`; it is no error if it is not there.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>>;
    /// All keys, in order.
    fn keys(&self) -> BoxFuture<'_, Result<Vec<String>, KeyValueError>>;
    /// All keys that start with `prefix` and their values, in order. Of one moment each, but for a store on disk.
    fn entries<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Entries, KeyValueError>>;
    /// Makes all of the changes at once; or none, when a key has not the value that its change expects, and says which
    /// key that is.
    fn change(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Made, KeyValueError>>;
}

/// One change of several that are made together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// The key; one stands once.
    pub key: String,
    /// What its value must be now.
    pub expected: Expected,
    /// Its value afterwards; `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// What the value of a key must be for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Expected {
    /// Whatever it is.
    Anything,
    /// There is none.
    Absent,
    /// This one.
    Value(Vec<u8>),
}

impl Expected {
    fn is_met_by(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => value.is_none(),
            Self::Value(expected) => value == Some(expected),
        }
    }
}

/// The key whose value was not the expected one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conflict(pub String);

/// What [`open`] finds.
pub enum Opened {
    /// The store that components know as `default`.
    Store(Arc<dyn KeyValue>),
    /// Another process has the file open.
    InUse,
}

/// Opens the store that components know as `default`, apart from any application.
pub fn open(state: &State) -> Result<Opened, HostError> {
    match Stores::open(state) {
        Ok(stores) => Ok(Opened::Store(stores.store(redis::LABEL))),
        Err(error) if error.is_in_use() => Ok(Opened::InUse),
        Err(error) => Err(error),
    }
}

/// The stores of one host, by label.
pub(crate) enum Stores {
    Memory(Mutex<BTreeMap<String, Arc<memory::Memory>>>),
    Disk(disk::Disk),
    Redis(Arc<redis::Redis>),
}

impl Stores {
    pub(crate) fn open(state: &State) -> Result<Self, HostError> {
        Ok(match state {
            State::Memory => Self::Memory(Mutex::default()),
            State::Disk(directory) => {
                private_directory(directory)?;
                Self::Disk(disk::Disk::open(&directory.join(STATE_FILE))?)
            }
            State::Redis(url) => Self::Redis(Arc::new(redis::Redis::new(url)?)),
        })
    }

    /// Finishes waiting writes and frees the file, if there is one; later calls fail.
    pub(crate) async fn close(&self) {
        if let Self::Disk(disk) = self {
            disk.close().await;
        }
    }

    /// Whether there can be a store of this label.
    pub(crate) fn has(&self, label: &str) -> bool {
        !matches!(self, Self::Redis(_)) || label == redis::LABEL
    }

    pub(crate) fn store(&self, label: &str) -> Arc<dyn KeyValue> {
        match self {
            Self::Memory(stores) => {
                let mut stores = stores.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(stores.entry(label.to_owned()).or_default()) as Arc<dyn KeyValue>
            }
            Self::Disk(disk) => Arc::new(disk.store(label)),
            Self::Redis(redis) => Arc::clone(redis) as Arc<dyn KeyValue>,
        }
    }
}

/// Creates a directory that only its owner may enter.
pub(crate) fn private_directory(directory: &Path) -> Result<(), HostError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| {
        HostError::new(format!("cannot create the directory {}: {error}", directory.display()))
    })
}

fn check_key(key: &str) -> Result<(), KeyValueError> {
    if key.len() > MAX_KEY {
        return Err(KeyValueError(format!("a key has at most {MAX_KEY} bytes")));
    }
    Ok(())
}

fn check_change(change: &Change) -> Result<(), KeyValueError> {
    check_entry(&change.key, change.value.as_deref().unwrap_or_default())
}

fn check_entry(key: &str, value: &[u8]) -> Result<(), KeyValueError> {
    check_key(key)?;
    if value.len() > MAX_VALUE {
        return Err(KeyValueError(format!("a value has at most {MAX_VALUE} bytes")));
    }
    Ok(())
}
