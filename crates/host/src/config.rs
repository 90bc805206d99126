//! `spin:variables/variables@3.0.0`: a component reads the variables its manifest entry lists.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use wasmtime::component::{Accessor, HasData};

use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::variables::is_variable_name;

/// Marks the variables part of the store's data.
pub(crate) struct Config;

/// A component's variables.
pub(crate) struct ConfigView<'a>(pub(crate) &'a RwLock<HashMap<String, String>>);

impl HasData for Config {
    type Data<'a> = ConfigView<'a>;
}

impl Host for ConfigView<'_> {}

impl<T: 'static> HostWithStore<T> for Config {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, Error>> {
        let value = accessor.with(|mut access| {
            access.get().0.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
        });
        Ok(match value {
            Some(value) => Ok(value),
            None if is_variable_name(&name) => Err(Error::Undefined(name)),
            None => Err(Error::InvalidName(name)),
        })
    }
}
