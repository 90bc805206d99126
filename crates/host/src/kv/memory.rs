//! A store in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, ready};

use super::{KeyValue, KeyValueError, check_entry};

#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValue for Memory {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(ready(Ok(self.entries().get(key).cloned())))
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(ready(check_entry(key, &value).map(|()| {
            self.entries().insert(key.to_owned(), value);
        })))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        self.entries().remove(key);
        Box::pin(ready(Ok(())))
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<String>, KeyValueError>> {
        Box::pin(ready(Ok(self.entries().keys().cloned().collect())))
    }
}
