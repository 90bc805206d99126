//! Listeners: TCP, TLS, HTTP/1.1 and HTTP/2.

mod activity;
mod head_timer;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use self::activity::Activity;
use self::head_timer::{HeadTimed, HeadTimer};
use crate::app::App;
use crate::drain::Drain;
use crate::observe::Refused;
use crate::{HostError, Limits, Tls};

/// HTTP/2 flow control windows, in bytes: what one connection may have in flight towards this process.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const STREAM_WINDOW: u32 = 256 * 1024;
/// Bytes of a response that may wait in one HTTP/2 stream, and of an HTTP/1.1 connection's buffers.
const BUFFER: usize = 64 * 1024;
/// Silence on an HTTP/2 connection after which a ping asks for life, and how long the answer may take.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);
/// How often a connection is looked at: an eighth of the shortest wait it may make others bear, within these bounds.
const MIN_TICK: Duration = Duration::from_millis(10);
const MAX_TICK: Duration = Duration::from_secs(5);

/// An address to serve.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The address; port 0 takes a free one, see [`crate::Host::addrs`].
    pub addr: SocketAddr,
    /// TLS, or plain HTTP/1.1.
    pub tls: Option<Tls>,
    /// Requests count as if over TLS, because something in front of the listener ended it.
    pub tls_ended: bool,
}

/// A listener that is bound and not yet served.
pub(crate) struct Bound {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    tls_ended: bool,
    pub(crate) addr: SocketAddr,
}

impl Listener {
    pub(crate) async fn bind(&self) -> Result<Bound, HostError> {
        let tls = match &self.tls {
            None => None,
            Some(tls) => Some(TlsAcceptor::from(Arc::new(tls.server_config()?))),
        };
        let cannot = |error: io::Error| {
            let error = match error.kind() {
                io::ErrorKind::AddrInUse => "another program is listening there".to_owned(),
                io::ErrorKind::PermissionDenied => "this user may not use that port".to_owned(),
                _ => error.to_string(),
            };
            HostError::new(format!("cannot listen on {}: {error}", self.addr))
                .help("Choose another address or port")
        };
        let listener = TcpListener::bind(self.addr).await.map_err(cannot)?;
        let addr = listener.local_addr().map_err(cannot)?;
        Ok(Bound { listener, tls, tls_ended: self.tls_ended, addr })
    }
}

/// Accepts connections until the drain begins.
pub(crate) async fn serve(bound: Bound, app: Arc<App>, connections: Arc<Semaphore>, drain: Drain) {
    loop {
        let accepted = tokio::select! {
            accepted = bound.listener.accept() => accepted,
            () = drain.begins() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("accepting a connection failed: {error}");
                // Out of descriptors, most likely: accepting again at once would spin.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            app.observed.refused(Refused::Connections);
            tracing::warn!("a connection was closed: too many are open");
            continue;
        };
        let (app, tls, drain) = (Arc::clone(&app), bound.tls.clone(), drain.clone());
        let https = bound.tls_ended;
        tokio::spawn(async move {
            let cut = drain.clone();
            tokio::select! {
                () = connection(stream, (peer, https), tls, app, drain) => {}
                () = cut.cuts() => {}
            }
            drop(permit);
        });
    }
}

async fn connection(
    stream: TcpStream,
    (peer, https): (SocketAddr, bool),
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    drain: Drain,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("{peer}: {error}");
    }
    let Some(tls) = tls else {
        return h1(stream, peer, https, app, drain).await;
    };
    match tokio::time::timeout(app.limits.handshake, tls.accept(stream)).await {
        Err(_) => tracing::debug!("{peer}: no TLS handshake in time"),
        Ok(Err(error)) => tracing::debug!("{peer}: no TLS handshake: {error}"),
        Ok(Ok(stream)) => match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => h2(stream, peer, app, drain).await,
            _ => h1(stream, peer, true, app, drain).await,
        },
    }
}

async fn h1<S>(stream: S, peer: SocketAddr, https: bool, app: Arc<App>, drain: Drain)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let timer = HeadTimer::default();
    let stream = HeadTimed::new(stream, timer.clone(), app.limits.head_read);
    let limits = app.limits.clone();
    let activity = Activity::new();
    let requests = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        timer.head_complete();
        let (app, timer, exchange) = (Arc::clone(&app), timer.clone(), requests.begin());
        async move {
            let response = app.serve(request, peer, https).await;
            Ok::<_, Infallible>(response.map(|body| exchange.answer(timer.until_end(body))))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper's timer runs from the end of the request before; `HeadTimed` bounds the head itself.
        .header_read_timeout(limits.keep_alive)
        .max_buf_size(BUFFER)
        .max_header_size(limits.head_size)
        .max_headers(limits.head_fields)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, http1::Connection::graceful_shutdown, peer, &activity, &limits, &drain).await;
}

async fn h2<S>(stream: S, peer: SocketAddr, app: Arc<App>, drain: Drain)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = app.limits.clone();
    let activity = Activity::new();
    let requests = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, exchange) = (Arc::clone(&app), requests.begin());
        async move {
            let response = app.serve(request, peer, true).await;
            Ok::<_, Infallible>(response.map(|body| exchange.answer(body)))
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.head_size).unwrap_or(u32::MAX))
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_send_buf_size(BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, http2::Connection::graceful_shutdown, peer, &activity, &limits, &drain).await;
}

/// Runs a connection to its end: gracefully when the host drains or no request has come for long, at once when the
/// client does not take what it asked for.
async fn drive<C>(
    connection: C,
    graceful_shutdown: impl Fn(Pin<&mut C>),
    peer: SocketAddr,
    activity: &Activity,
    limits: &Limits,
    drain: &Drain,
) where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = std::pin::pin!(connection);
    let period = limits.write_stall.min(limits.keep_alive) / 8;
    let mut tick = tokio::time::interval(period.clamp(MIN_TICK, MAX_TICK));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ending = false;
    let result = loop {
        tokio::select! {
            result = connection.as_mut() => break result,
            () = drain.begins(), if !ending => {}
            _ = tick.tick() => {
                if activity.stalled(limits.write_stall) {
                    return tracing::debug!("{peer}: the client does not read its answer");
                }
                // Asked to end and still here: it has bytes left that the client does not take.
                if activity.idle(limits.keep_alive * 2) {
                    return tracing::debug!("{peer}: the client does not let its connection end");
                }
                if ending || !activity.idle(limits.keep_alive) {
                    continue;
                }
            }
        }
        ending = true;
        graceful_shutdown(connection.as_mut());
    };
    if let Err(error) = result {
        tracing::debug!("{peer}: {error}");
    }
}
