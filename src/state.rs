//! State records by key: fetched for core to judge, and written as core says.

use sekisho_core::limit::Write;
use sekisho_core::records::Records;
#[cfg(feature = "spin")]
use {
    futures::future::{join, join_all},
    sekisho_core::records::Record,
    spin_sdk::key_value::Store,
};

/// Fetches records in one round. Whatever goes wrong is [`Record::Unavailable`], never
/// [`Record::Absent`].
///
/// [`Record::Unavailable`]: sekisho_core::records::Record::Unavailable
/// [`Record::Absent`]: sekisho_core::records::Record::Absent
#[cfg(feature = "spin")]
pub(crate) async fn fetch(keys: &[String]) -> Records {
    let Some(store) = open().await else {
        return Records::new();
    };
    let get = async |key: &String| {
        let record = match store.get(key).await {
            Ok(None) => Record::Absent,
            Ok(Some(bytes)) => Record::Found(bytes),
            Err(error) => {
                eprintln!("state: {error:?}");
                Record::Unavailable
            }
        };
        (key.clone(), record)
    };
    join_all(keys.iter().map(get)).await.into_iter().collect()
}

/// Does the work, and writes the buckets of a permitted request beside it. Both are done when it
/// ends, so that a client's next request meets what this one took. A bucket that can't be written
/// counts the request too little; that is no reason to refuse it.
#[cfg(feature = "spin")]
pub(crate) async fn writing<T>(writes: &[Write], work: impl Future<Output = T>) -> T {
    if writes.is_empty() {
        return work.await;
    }
    let write = async {
        let Some(store) = open().await else {
            return;
        };
        let set = async |(key, value): &Write| {
            if let Err(error) = store.set(key, value).await {
                eprintln!("state: {error:?}");
            }
        };
        join_all(writes.iter().map(set)).await;
    };
    join(work, write).await.0
}

/// The value of one key, where the store has it and says so. For what is kept beside the verdicts.
#[cfg(feature = "spin")]
pub(crate) async fn get(key: &str) -> Option<Vec<u8>> {
    let store = open().await?;
    store.get(key).await.inspect_err(|error| eprintln!("state: {error:?}")).ok()?
}

/// Sets the value of one key. For what is kept beside the verdicts: nothing is lost where it fails.
#[cfg(feature = "spin")]
pub(crate) async fn set(key: &str, value: &[u8]) {
    if let Some(store) = open().await
        && let Err(error) = store.set(key, value).await
    {
        eprintln!("state: {error:?}");
    }
}

#[cfg(feature = "spin")]
async fn open() -> Option<Store> {
    Store::open_default().await.inspect_err(|error| eprintln!("state: {error:?}")).ok()
}

/// Without a store no record can be read, and core refuses whatever needs one.
#[cfg(not(feature = "spin"))]
#[allow(clippy::unused_async, reason = "the same signature as with a store")]
pub(crate) async fn fetch(_keys: &[String]) -> Records {
    Records::new()
}

/// Without a store there is no bucket to write: what needs one was refused.
#[cfg(not(feature = "spin"))]
pub(crate) async fn writing<T>(_writes: &[Write], work: impl Future<Output = T>) -> T {
    work.await
}

/// Without a store nothing is kept.
#[cfg(not(feature = "spin"))]
#[allow(clippy::unused_async, reason = "the same signature as with a store")]
pub(crate) async fn get(_key: &str) -> Option<Vec<u8>> {
    None
}

/// Without a store nothing can be kept.
#[cfg(not(feature = "spin"))]
#[allow(clippy::unused_async, reason = "the same signature as with a store")]
pub(crate) async fn set(_key: &str, _value: &[u8]) {}
