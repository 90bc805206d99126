//! `wasi:keyvalue@0.2.0-draft2`, which has what `spin:key-value` lacks: a write that is made only if the value is still
//! the one that was read.

use std::sync::Arc;

use futures::future::try_join_all;
use wasmtime::component::Resource;

use super::binding::{MAX_OPEN, StoreHandle};
use super::{Change, Expected, KeyValue, KeyValueError, KvView};
use crate::bindings::keyvalue::wasi::keyvalue::atomics::{self, CasError};
use crate::bindings::keyvalue::wasi::keyvalue::batch;
use crate::bindings::keyvalue::wasi::keyvalue::store::{self, Error, KeyResponse};

/// Keys that one call may name.
const MAX_KEYS: usize = 10_000;
/// How often an increment is tried again when others are faster.
const TRIES: usize = 100;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl From<KeyValueError> for Error {
    fn from(error: KeyValueError) -> Self {
        Self::Other(error.0)
    }
}

/// A key with the value that it had when it was looked at.
#[expect(unreachable_pub, reason = "generated code re-exports it")]
pub struct Cas {
    store: Arc<dyn KeyValue>,
    key: String,
    seen: Option<Vec<u8>>,
}

impl Cas {
    async fn look(store: Arc<dyn KeyValue>, key: String) -> Result<Self, KeyValueError> {
        let seen = store.get(&key).await?;
        Ok(Self { store, key, seen })
    }
}

impl KvView<'_> {
    fn store(&self, bucket: &Resource<StoreHandle>) -> wasmtime::Result<Arc<dyn KeyValue>> {
        Ok(Arc::clone(&self.table.get(bucket)?.0))
    }

    fn full<T>(&self) -> Option<Result<T, Error>> {
        let full = *self.open >= MAX_OPEN;
        full.then(|| Err(Error::Other("too many stores are open".to_owned())))
    }

    fn push(&mut self, cas: Cas) -> wasmtime::Result<Resource<Cas>> {
        let cas = self.table.push(cas)?;
        *self.open += 1;
        Ok(cas)
    }
}

fn too_many<T>(keys: usize) -> Option<Result<T, Error>> {
    (keys > MAX_KEYS).then(|| Err(Error::Other(format!("one call names at most {MAX_KEYS} keys"))))
}

impl store::Host for KvView<'_> {
    async fn open(&mut self, identifier: String) -> Answer<Resource<StoreHandle>> {
        let Some(store) = self.stores.get(&identifier) else {
            return Ok(Err(Error::AccessDenied));
        };
        if let Some(full) = self.full() {
            return Ok(full);
        }
        let handle = self.table.push(StoreHandle(Arc::clone(store)))?;
        *self.open += 1;
        Ok(Ok(handle))
    }
}

impl store::HostBucket for KvView<'_> {
    async fn get(&mut self, bucket: Resource<StoreHandle>, key: String) -> Answer<Option<Vec<u8>>> {
        let store = self.store(&bucket)?;
        Ok(store.get(&key).await.map_err(Error::from))
    }

    async fn set(
        &mut self,
        bucket: Resource<StoreHandle>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let store = self.store(&bucket)?;
        Ok(store.set(&key, value).await.map_err(Error::from))
    }

    async fn delete(&mut self, bucket: Resource<StoreHandle>, key: String) -> Answer<()> {
        let store = self.store(&bucket)?;
        Ok(store.delete(&key).await.map_err(Error::from))
    }

    async fn exists(&mut self, bucket: Resource<StoreHandle>, key: String) -> Answer<bool> {
        let store = self.store(&bucket)?;
        Ok(store.get(&key).await.map(|value| value.is_some()).map_err(Error::from))
    }

    /// All keys at once: no cursor is ever given, so none can come.
    async fn list_keys(
        &mut self,
        bucket: Resource<StoreHandle>,
        cursor: Option<String>,
    ) -> Answer<KeyResponse> {
        if cursor.is_some() {
            return Ok(Err(Error::Other("there is no such cursor".to_owned())));
        }
        let store = self.store(&bucket)?;
        let keys = store.keys().await;
        Ok(keys.map(|keys| KeyResponse { keys, cursor: None }).map_err(Error::from))
    }

    async fn drop(&mut self, bucket: Resource<StoreHandle>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        *self.open -= 1;
        Ok(())
    }
}

impl atomics::HostCas for KvView<'_> {
    async fn new(&mut self, bucket: Resource<StoreHandle>, key: String) -> Answer<Resource<Cas>> {
        if let Some(full) = self.full() {
            return Ok(full);
        }
        let store = self.store(&bucket)?;
        match Cas::look(store, key).await {
            Ok(cas) => Ok(Ok(self.push(cas)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Answer<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&cas)?.seen.clone()))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        *self.open -= 1;
        Ok(())
    }
}

impl atomics::Host for KvView<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<StoreHandle>,
        key: String,
        delta: i64,
    ) -> Answer<i64> {
        let store = self.store(&bucket)?;
        Ok(increment(&*store, &key, delta).await)
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        let Cas { store, key, seen } = self.table.delete(cas)?;
        *self.open -= 1;
        let change = Change { key, expected: expected(seen), value: Some(value) };
        let key = change.key.clone();
        match store.change(vec![change]).await {
            Ok(Ok(())) => Ok(Ok(())),
            Ok(Err(_)) => Ok(Err(match Cas::look(store, key).await {
                Ok(cas) => CasError::CasFailed(self.push(cas)?),
                Err(error) => CasError::StoreError(error.into()),
            })),
            Err(error) => Ok(Err(CasError::StoreError(error.into()))),
        }
    }
}

fn expected(seen: Option<Vec<u8>>) -> Expected {
    seen.map_or(Expected::Absent, Expected::Value)
}

/// Adds to a number that is kept as eight bytes, the last one first, as Spin's own stores keep it.
async fn increment(store: &dyn KeyValue, key: &str, delta: i64) -> Result<i64, Error> {
    for _ in 0..TRIES {
        let seen = store.get(key).await?;
        let number = match seen.as_deref().map(<[u8; 8]>::try_from) {
            None => 0,
            Some(Ok(bytes)) => i64::from_le_bytes(bytes),
            Some(Err(_)) => return Err(Error::Other("the value is no number".to_owned())),
        };
        let sum = number
            .checked_add(delta)
            .ok_or_else(|| Error::Other("the number would be too large".to_owned()))?;
        let value = Some(sum.to_le_bytes().to_vec());
        let change = Change { key: key.to_owned(), expected: expected(seen), value };
        if store.change(vec![change]).await?.is_ok() {
            return Ok(sum);
        }
    }
    Err(Error::Other("others were faster each time".to_owned()))
}

impl batch::Host for KvView<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<StoreHandle>,
        keys: Vec<String>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        if let Some(too_many) = too_many(keys.len()) {
            return Ok(too_many);
        }
        let store = self.store(&bucket)?;
        let gets = keys.iter().map(|key| store.get(key));
        let values = match try_join_all(gets).await {
            Ok(values) => values,
            Err(error) => return Ok(Err(error.into())),
        };
        Ok(Ok(keys.into_iter().zip(values).collect()))
    }

    async fn set_many(
        &mut self,
        bucket: Resource<StoreHandle>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Answer<()> {
        if let Some(too_many) = too_many(entries.len()) {
            return Ok(too_many);
        }
        let store = self.store(&bucket)?;
        let sets = entries.iter().map(|(key, value)| store.set(key, value.clone()));
        Ok(try_join_all(sets).await.map(drop).map_err(Error::from))
    }

    async fn delete_many(
        &mut self,
        bucket: Resource<StoreHandle>,
        keys: Vec<String>,
    ) -> Answer<()> {
        if let Some(too_many) = too_many(keys.len()) {
            return Ok(too_many);
        }
        let store = self.store(&bucket)?;
        let deletes = keys.iter().map(|key| store.delete(key));
        Ok(try_join_all(deletes).await.map(drop).map_err(Error::from))
    }
}
