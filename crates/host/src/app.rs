//! The running application: its components, and the way of a request through them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::handler::{InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::Limits;
use crate::in_progress::{InProgress, client};
use crate::inbound::{self, set_client_address, set_in_flight};
use crate::instance::{Blueprint, Generation};
use crate::kv::Stores;
use crate::observe::{Observed, Refused};
use crate::outbound::{self, Pools};
use crate::response::{Body, plain};
use crate::routes::{self, Route};
use crate::scope::{ClientGuard, Scope};

/// One set of files with the components that read it.
pub(crate) struct Handlers {
    pub(crate) by_name: HashMap<String, ProxyHandler<Generation>>,
    /// Copies of files, removed when no request uses them any more.
    pub(crate) _staged: Vec<TempDir>,
}

pub(crate) struct App {
    pub(crate) routes: Vec<(Route, String)>,
    pub(crate) blueprints: HashMap<String, Arc<Blueprint>>,
    pub(crate) handlers: RwLock<Arc<Handlers>>,
    pub(crate) pools: Pools,
    pub(crate) stores: Stores,
    pub(crate) limits: Limits,
    pub(crate) observed: Observed,
    /// How long compiling took.
    pub(crate) compiled_in: std::time::Duration,
    /// One permit for each request that may be in progress.
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) peers: InProgress<IpAddr>,
    pub(crate) hosts: InProgress<String>,
}

impl App {
    /// Answers a client's request.
    pub(crate) async fn serve<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
        https: bool,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let of_peer = self.peers.admit(client(peer.ip()), self.limits.requests_per_peer);
        let Some((of_peer, _)) = of_peer else {
            self.observed.refused(Refused::RequestsPerPeer);
            return plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests of this client in progress\n",
            );
        };
        let Ok(of_host) = Arc::clone(&self.requests).try_acquire_owned() else {
            self.observed.refused(Refused::Requests);
            return plain(StatusCode::SERVICE_UNAVAILABLE, "too many requests in progress\n");
        };
        let mut for_name = None;
        let response = match inbound::canonical(request, peer, https, &self.limits) {
            Err((status, reason)) => {
                self.observed.refused(Refused::Malformed);
                plain(status, reason)
            }
            Ok(mut request) => {
                let name = request.uri().host().unwrap_or_default().to_ascii_lowercase();
                let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
                for_name = self.hosts.admit(name, usize::MAX);
                let in_flight = for_name.as_ref().map_or(0, |(_, count)| *count);
                set_in_flight(request.headers_mut(), in_flight);
                match routes::find(&self.routes, request.uri().path()) {
                    None => {
                        self.observed.refused(Refused::NoRoute);
                        plain(StatusCode::NOT_FOUND, "no such route\n")
                    }
                    Some(component) => {
                        let scope = Scope::new(peer, 0);
                        let response = self.run(component, request, Arc::clone(&scope)).await;
                        if !scope.has_sent() {
                            // An answer of the component's own, which its client may leave unread for long.
                            for_name = None;
                        }
                        response
                    }
                }
            }
        };
        let for_name = for_name.map(|(counted, _)| counted);
        response.map(|body| body.holding((of_host, of_peer, for_name)))
    }

    /// Answers one component's request to another.
    pub(crate) async fn chain(
        &self,
        component: &str,
        caller: Option<&Scope>,
        mut request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        if !self.blueprints.contains_key(component) {
            return Err(Error::DestinationNotFound);
        }
        // A caller whose own request has ended may still clean up, but not start a chain.
        let caller = caller.ok_or(Error::LoopDetected)?;
        let depth = caller.depth + 1;
        if depth > self.limits.chain_depth {
            return Err(Error::LoopDetected);
        }
        set_client_address(request.headers_mut(), caller.peer);
        let scope = Scope::new(caller.peer, depth);
        // Boxed, because a chain is recursion.
        let response = Box::pin(self.run(component, request, scope));
        tokio::select! {
            response = response => Ok(response.map(BodyExt::boxed_unsync)),
            () = caller.until_client_gone() => Err(outbound::client_gone()),
        }
    }

    async fn run(
        &self,
        component: &str,
        request: Request<WasiBody>,
        scope: Arc<Scope>,
    ) -> Response<Body> {
        // Taken here and not earlier: a reload that has returned is seen by every request that comes after it.
        let handlers = Arc::clone(&self.handlers.read().unwrap_or_else(PoisonError::into_inner));
        let Some(handler) = handlers.by_name.get(component) else {
            return plain(StatusCode::NOT_FOUND, "no such route\n");
        };
        let guard = ClientGuard::new(Arc::clone(&scope));
        let to_head = request.method() == Method::HEAD;
        match handler.handle(Arc::clone(&scope), request).await {
            Ok(response) => {
                let has_content = !to_head
                    && !matches!(
                        response.status(),
                        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
                    );
                response.map(|body| Body::of_component(body, has_content, scope, guard))
            }
            Err(error) if error.is::<InstantiationError<Arc<Scope>>>() => {
                self.observed.refused(Refused::NoInstance);
                tracing::error!(component, "no instance could be made: {error:#}");
                plain(StatusCode::SERVICE_UNAVAILABLE, "no capacity\n")
            }
            Err(error) => {
                self.observed.refused(Refused::ComponentFailed);
                tracing::error!(component, "a request failed: {error:#}");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the component failed\n")
            }
        }
    }
}
