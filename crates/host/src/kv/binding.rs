//! `spin:key-value/key-value@3.0.0`.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, HasData, Resource, ResourceTable, StreamReader};

use super::KeyValue;
use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::observe::Observed;

/// Stores that one instance may hold open.
pub(super) const MAX_OPEN: usize = 1024;

/// What an open `store` resource stands for.
#[expect(unreachable_pub, reason = "generated code re-exports it")]
pub struct StoreHandle(pub(super) Arc<dyn KeyValue>);

/// Marks the key-value part of the store's data.
pub(crate) struct Kv;

/// A component's view: its own labels only.
pub(crate) struct KvView<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) stores: &'a HashMap<String, Arc<dyn KeyValue>>,
    pub(crate) open: &'a mut usize,
    pub(crate) observed: &'a Observed,
}

impl HasData for Kv {
    type Data<'a> = KvView<'a>;
}

impl Host for KvView<'_> {}

impl HostStore for KvView<'_> {
    fn drop(&mut self, store: Resource<StoreHandle>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        *self.open -= 1;
        Ok(())
    }
}

/// The store behind a resource, and who is told how it answers.
fn handle<T>(
    accessor: &Accessor<T, Kv>,
    store: &Resource<StoreHandle>,
) -> wasmtime::Result<(Arc<dyn KeyValue>, Observed)> {
    accessor.with(|mut access| {
        let view = access.get();
        Ok((Arc::clone(&view.table.get(store)?.0), view.observed.clone()))
    })
}

impl From<super::KeyValueError> for Error {
    fn from(error: super::KeyValueError) -> Self {
        Self::Other(error.0)
    }
}

impl<T: 'static> HostStoreWithStore<T> for Kv {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<StoreHandle>, Error>> {
        accessor.with(|mut access| {
            let view = access.get();
            let Some(store) = view.stores.get(&label) else {
                return Ok(Err(Error::AccessDenied));
            };
            if *view.open >= MAX_OPEN {
                return Ok(Err(Error::StoreTableFull));
            }
            let handle = view.table.push(StoreHandle(Arc::clone(store)))?;
            *view.open += 1;
            Ok(Ok(handle))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreHandle>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let (store, observed) = handle(accessor, &store)?;
        Ok(observed.state("get", store.get(&key)).await.map_err(Error::from))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreHandle>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let (store, observed) = handle(accessor, &store)?;
        Ok(observed.state("set", store.set(&key, value)).await.map_err(Error::from))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreHandle>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let (store, observed) = handle(accessor, &store)?;
        Ok(observed.state("delete", store.delete(&key)).await.map_err(Error::from))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreHandle>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let (store, observed) = handle(accessor, &store)?;
        let value = observed.state("exists", store.get(&key)).await;
        Ok(value.map(|value| value.is_some()).map_err(Error::from))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<StoreHandle>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (store, observed) = handle(accessor, &store)?;
        let (keys, result) = match observed.state("keys", store.keys()).await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(Error::from(error))),
        };
        accessor.with(|mut access| {
            Ok((
                StreamReader::new(&mut access, keys)?,
                FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?,
            ))
        })
    }
}
