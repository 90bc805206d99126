//! The listener that every double runs on.

use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::body::Body;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Above any gateway's limit, so that it is never the double that refuses.
const MAX_FIELDS: usize = 512;
const MAX_HEADER_LIST: u32 = 1 << 20;

/// Where a double listens. The default is plain HTTP on a free loopback port.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub addr: SocketAddr,
    /// TLS settings, see [`crate::pki::Pki::server_config`]; `None` is plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for Listen {
    fn default() -> Self {
        Self { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tls: None }
    }
}

impl Listen {
    /// TLS on a free loopback port.
    pub fn tls(config: Arc<ServerConfig>) -> Self {
        Self { tls: Some(config), ..Self::default() }
    }

    /// The same on another address.
    #[must_use]
    pub fn on(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }
}

/// A handler's way to close the connection without an answer (in HTTP/2: to reset the stream).
#[derive(Debug, thiserror::Error)]
#[error("the double closes the connection on purpose")]
pub struct Abort;

/// What a handler can know about a connection besides the request.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
    /// Whether it came over TLS.
    pub tls: bool,
}

/// An accept loop and its connections, all ended when dropped; every answer is a function's.
pub struct Server {
    addr: SocketAddr,
    scheme: &'static str,
    connections: Arc<AtomicU64>,
    accept: JoinHandle<()>,
}

impl Server {
    /// Starts listening.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn start<H, F>(listen: Listen, handler: H) -> io::Result<Self>
    where
        H: Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Abort>> + Send + 'static,
    {
        let listener = TcpListener::bind(listen.addr).await.map_err(|e| {
            io::Error::new(e.kind(), format!("cannot listen on {}: {e}", listen.addr))
        })?;
        let addr = listener.local_addr()?;
        let connections = Arc::new(AtomicU64::new(0));
        let scheme = if listen.tls.is_some() { "https" } else { "http" };
        let tls = listen.tls.map(TlsAcceptor::from);
        let accept = tokio::spawn(accept_loop(listener, tls, connections.clone(), handler));
        Ok(Self { addr, scheme, connections, accept })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Closes the listener and every connection, and returns when the port refuses.
    pub async fn stop(&mut self) {
        self.accept.abort();
        // The only error is that the task was aborted, which is what was asked for.
        let _ = (&mut self.accept).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept_loop<H, F>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    connections: Arc<AtomicU64>,
    handler: H,
) where
    H: Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Abort>> + Send + 'static,
{
    // Dropping the set ends every connection with the loop.
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, addr)) = accepted else {
                    // Out of file descriptors, as a rule: wait for connections to close.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                connections.fetch_add(1, Ordering::Relaxed);
                open.spawn(connection(stream, addr, tls.clone(), handler.clone()));
            }
        }
    }
}

/// A connection that fails is the peer's doing and the peer's test sees it; the double lives on.
async fn connection<H, F>(stream: TcpStream, addr: SocketAddr, tls: Option<TlsAcceptor>, handler: H)
where
    H: Fn(Request<Incoming>, Peer) -> F,
    F: Future<Output = Result<Response<Body>, Abort>> + Send + 'static,
{
    // Without it an event waits for the acknowledgement of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match tls {
        None => serve(stream, Peer { addr, tls: false }, handler).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                serve(stream, Peer { addr, tls: true }, handler).await;
            }
        }
    }
}

async fn serve<S, H, F>(stream: S, peer: Peer, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request<Incoming>, Peer) -> F,
    F: Future<Output = Result<Response<Body>, Abort>> + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_headers(MAX_FIELDS);
    builder.http2().max_header_list_size(MAX_HEADER_LIST);
    let service = service_fn(|request| handler(request, peer));
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// The value of `name` in a query string, undecoded.
pub(crate) fn query<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
        .map(|p| p.1)
}

/// An answer of `status` with a JSON body.
pub(crate) fn json(status: http::StatusCode, value: &impl Display) -> Response<Body> {
    let mut response = Response::new(crate::body::full(value.to_string()));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
