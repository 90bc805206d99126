//! State records by key, for core to judge.

use sekisho_core::session::Records;

/// Fetches records in one round. Whatever goes wrong is [`Record::Unavailable`], never
/// [`Record::Absent`].
///
/// [`Record::Unavailable`]: sekisho_core::session::Record::Unavailable
/// [`Record::Absent`]: sekisho_core::session::Record::Absent
#[cfg(feature = "spin")]
pub(crate) async fn fetch(keys: &[String]) -> Records {
    use sekisho_core::session::Record;
    use spin_sdk::key_value::Store;

    let store = match Store::open_default().await {
        Ok(store) => store,
        Err(error) => {
            eprintln!("state: {error:?}");
            return Records::new();
        }
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
    futures::future::join_all(keys.iter().map(get)).await.into_iter().collect()
}

/// Without a store no record can be read, and core refuses whatever needs one.
#[cfg(not(feature = "spin"))]
#[allow(clippy::unused_async, reason = "the same signature as with a store")]
pub(crate) async fn fetch(_keys: &[String]) -> Records {
    Records::new()
}
