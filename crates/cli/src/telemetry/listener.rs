//! The listener for machines that watch this one: `/metrics`, `/healthz` and `/readyz`, and nothing else.

use super::metrics::Metrics;
use crate::report::{Failure, say};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use sekisho_host::KeyValue;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How many may be connected at once: a Prometheus or two, and an orchestrator.
const CONNECTIONS: usize = 16;
/// How long a request's head, and all of a connection, may take.
const HEAD: Duration = Duration::from_secs(5);
const CONNECTION: Duration = Duration::from_secs(15);
const BUFFER: usize = 16 * 1024;
const HEADERS: usize = 64;

/// Listens, or says why not.
pub(super) async fn bind(addr: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(addr).await.map_err(|error| {
        Failure::invalid(format!("cannot listen on {addr} for metrics: {error}"))
            .help("give --metrics another address or port")
    })?;
    let addr = listener.local_addr().unwrap_or(addr);
    say(format_args!("metrics on http://{addr}/metrics"));
    if !addr.ip().is_loopback() {
        say(format_args!(
            "{addr} can be reached from other machines: whoever can connect reads the names of tenants, routes and issuers"
        ));
    }
    Ok(listener)
}

/// What answers are made of.
pub(super) struct Watched {
    pub(super) metrics: Arc<Metrics>,
    pub(super) store: Arc<dyn KeyValue>,
    /// The gateway serves, and does not end yet.
    pub(super) is_ready: watch::Receiver<bool>,
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, watched: Arc<Watched>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: accepting again at once would spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let watched = Arc::clone(&watched);
        tokio::spawn(async move {
            // Whoever is slower is not told why.
            let _ = tokio::time::timeout(CONNECTION, connection(stream, watched)).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, watched: Arc<Watched>) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let watched = Arc::clone(&watched);
        async move { Ok::<_, Infallible>(answer(&request, &watched).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        // A question every few seconds is worth no place that others wait for.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(request: &Request<Incoming>, watched: &Watched) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if !matches!(path, "/metrics" | "/healthz" | "/readyz") {
        return text(StatusCode::NOT_FOUND, "there is /metrics, /healthz and /readyz\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if *watched.is_ready.borrow() => text(StatusCode::OK, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "ending\n"),
        _ => match watched.metrics.text(&*watched.store).await {
            Ok(metrics) => {
                let mut answer = text(StatusCode::OK, metrics);
                let is = HeaderValue::from_static(CONTENT_TYPE);
                answer.headers_mut().insert(header::CONTENT_TYPE, is);
                answer
            }
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n"),
        },
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}
