//! A store in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, ready};

use super::{Change, Conflict, Entries, KeyValue, KeyValueError, Made, check_change, check_entry};

#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_now(&self, changes: Vec<Change>) -> Result<Made, KeyValueError> {
        changes.iter().try_for_each(check_change)?;
        let mut entries = self.entries();
        let unmet = |change: &&Change| {
            !change.expected.is_met_by(entries.get(&change.key).map(Vec::as_slice))
        };
        if let Some(change) = changes.iter().find(unmet) {
            return Ok(Err(Conflict(change.key.clone())));
        }
        for Change { key, value, .. } in changes {
            match value {
                Some(value) => drop(entries.insert(key, value)),
                None => drop(entries.remove(&key)),
            }
        }
        Ok(Ok(()))
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

    fn entries<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Entries, KeyValueError>> {
        let entries = self.entries();
        let found = entries.range(prefix.to_owned()..);
        let found = found.take_while(|(key, _)| key.starts_with(prefix));
        Box::pin(ready(Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())))
    }

    fn change(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Made, KeyValueError>> {
        Box::pin(ready(self.change_now(changes)))
    }
}
