//! An origin that behaves as its paths say, and remembers what happened to it.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

type AnyBody = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicUsize,
    pub(crate) requests: AtomicUsize,
    /// Answers that were given up on before their end.
    pub(crate) cancelled: AtomicUsize,
}

pub(crate) struct Origin {
    pub(crate) addr: SocketAddr,
    pub(crate) counts: Arc<Counts>,
}

/// Counts a cancellation unless told that all went well.
struct Guard(Arc<Counts>, bool);

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.1 {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct Guarded<B>(B, Guard);

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for Guarded<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = Pin::new(&mut self.0).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.1.1 = true;
        }
        frame
    }
}

impl Origin {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn cancelled(&self) -> usize {
        self.counts.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let counts = Arc::<Counts>::default();
        let origin = Self { addr, counts: Arc::clone(&counts) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counts.connections.fetch_add(1, Ordering::SeqCst);
                let counts = Arc::clone(&counts);
                let service = service_fn(move |request| answer(request, Arc::clone(&counts)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        origin
    }

    /// Answers every connection with `bytes` as they are, and closes it.
    pub(crate) async fn raw(bytes: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 1024];
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await;
                stream.write_all(bytes).await.unwrap();
            }
        });
        addr
    }
}

async fn answer(
    request: Request<Incoming>,
    counts: Arc<Counts>,
) -> Result<Response<AnyBody>, Infallible> {
    counts.requests.fetch_add(1, Ordering::SeqCst);
    let mut guard = Guard(counts, false);
    let path = request.uri().path().to_owned();
    let full = |text: String| Full::new(Bytes::from(text)).boxed_unsync();
    let body = match path.as_str() {
        "/hang" => std::future::pending().await,
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(500)).await;
            full("slow".to_owned())
        }
        "/upload" => {
            let mut size = 0;
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                size += frame.unwrap().data_ref().map_or(0, Bytes::len);
            }
            full(size.to_string())
        }
        "/events" => {
            let events = futures::stream::unfold(0, |n| async move {
                if n > 0 {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                let event = Bytes::from(format!("data: {n}\n\n"));
                (n < 4).then(|| (Ok(Frame::data(event)), n + 1))
            });
            return Ok(Response::builder()
                .header("content-type", "text/event-stream")
                .body(Guarded(Box::pin(StreamBody::new(events)), guard).boxed_unsync())
                .unwrap());
        }
        "/endless" => {
            let events = futures::stream::unfold((), |()| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok(Frame::data(Bytes::from_static(b"more\n"))), ()))
            });
            return Ok(Response::new(
                Guarded(Box::pin(StreamBody::new(events)), guard).boxed_unsync(),
            ));
        }
        "/silent" => {
            let events = futures::stream::unfold(0, |n| async move {
                if n > 0 {
                    std::future::pending::<()>().await;
                }
                Some((Ok(Frame::data(Bytes::from_static(b"first\n"))), n + 1))
            });
            return Ok(Response::new(
                Guarded(Box::pin(StreamBody::new(events)), guard).boxed_unsync(),
            ));
        }
        "/seen" => {
            let (request, body) = request.into_parts();
            body.collect().await.unwrap();
            let mut text = format!("{} {}\n", request.method, request.uri);
            for (name, value) in &request.headers {
                writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
            }
            full(text)
        }
        path => match path.strip_prefix("/download/") {
            Some(size) => {
                let chunks = size.parse::<usize>().unwrap() / CHUNK;
                let data = Bytes::from(vec![b'x'; CHUNK]);
                let stream =
                    futures::stream::iter((0..chunks).map(move |_| Ok(Frame::data(data.clone()))));
                StreamBody::new(stream).boxed_unsync()
            }
            None => full("ok".to_owned()),
        },
    };
    guard.1 = true;
    Ok(Response::new(body))
}

/// Bytes of one chunk of a download.
const CHUNK: usize = 64 * 1024;
