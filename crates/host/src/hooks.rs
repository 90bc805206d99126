//! A component's outgoing requests, tied to the incoming request they are made for.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use http::Request;
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, GuestTaskId, HasData, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client;
use wasmtime_wasi_http::p3::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p3::{Request as WasiRequest, Response as WasiResponse};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::instance::{Blueprint, Ctx};
use crate::outbound;
use crate::scope::Scope;

/// Transmission results that wasmtime wants beside a response.
type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// One instance's side of HTTP.
pub(crate) struct Hooks {
    blueprint: Arc<Blueprint>,
    /// The requests the instance works on, by the guest's task.
    tasks: HashMap<GuestTaskId, Weak<Scope>>,
    /// The request that the guest is sending for, set for the moment of the call.
    current: Option<Arc<Scope>>,
}

impl Hooks {
    pub(crate) fn new(blueprint: Arc<Blueprint>) -> Self {
        Self { blueprint, tasks: HashMap::new(), current: None }
    }

    pub(crate) fn started(&mut self, task: GuestTaskId, scope: &Arc<Scope>) {
        self.tasks.retain(|_, scope| scope.strong_count() > 0);
        self.tasks.insert(task, Arc::downgrade(scope));
    }
}

impl WasiHttpHooks for Hooks {
    /// hyper sets `Host` from the URI for HTTP/1.1, and HTTP/2 has `:authority`.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send> {
        let blueprint = Arc::clone(&self.blueprint);
        let scope = self.current.take();
        Box::new(async move {
            let response = outbound::send(&blueprint, scope, request, options).await?;
            Ok((response, Box::new(std::future::ready(Ok(()))) as Io))
        })
    }
}

/// wasmtime's own HTTP client interface, told for which incoming request it is called.
pub(crate) struct ScopedClient;

impl HasData for ScopedClient {
    type Data<'a> = WasiHttpCtxView<'a>;
}

impl client::HostWithStore<Ctx> for ScopedClient {
    async fn send(
        accessor: &Accessor<Ctx, Self>,
        request: Resource<WasiRequest>,
    ) -> Result<Resource<WasiResponse>, TrappableError<ErrorCode>> {
        accessor.with(|mut access| {
            let mut store = access.as_context_mut();
            let callers: Vec<_> = store.async_call_stack().map_err(TrappableError::trap)?.collect();
            let hooks = &mut store.data_mut().hooks;
            hooks.current =
                callers.iter().find_map(|task| hooks.tasks.get(task)).and_then(Weak::upgrade);
            Ok::<_, TrappableError<ErrorCode>>(())
        })?;
        // The hook reads `current` at this future's first poll, before any other task of the instance can run.
        let accessor = accessor.with_getter::<WasiHttp>(Ctx::http);
        <WasiHttp as client::HostWithStore<Ctx>>::send(&accessor, request).await
    }
}

/// Adds `wasi:http` 0.3.
pub(crate) fn add_to_linker(linker: &mut Linker<Ctx>) -> wasmtime::Result<()> {
    client::add_to_linker::<_, ScopedClient>(linker, Ctx::http)?;
    types::add_to_linker::<_, WasiHttp>(linker, Ctx::http)
}
