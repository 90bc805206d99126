//! Bodies on their way to and from an origin.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

use super::errors;

const GRPC: &[u8] = b"application/grpc";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Resolves when the client that a response is for has gone.
pub(super) type Gone = Pin<Box<dyn Future<Output = ()> + Send>>;

/// When the request last moved, and how its body fares.
#[derive(Clone)]
pub(super) struct Sent(Arc<Progress>);

struct Progress {
    last: Mutex<Instant>,
    broke_off: AtomicBool,
    awaits_client: AtomicBool,
}

impl Default for Sent {
    fn default() -> Self {
        Self(Arc::new(Progress {
            last: Mutex::new(Instant::now()),
            broke_off: AtomicBool::new(false),
            awaits_client: AtomicBool::new(false),
        }))
    }
}

impl Sent {
    fn touch(&self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// More of the body is to come, and whoever sends it is waited for.
    pub(super) fn awaits_client(&self) -> bool {
        self.0.awaits_client.load(Ordering::Acquire)
    }

    /// Whoever sends the body did not bring it to its end: what comes of that is not the origin's doing.
    pub(super) fn broke_off(&self) -> bool {
        self.0.broke_off.load(Ordering::Acquire)
    }

    /// Resolves when nothing of the request was sent for `limit`, so that a long upload does not count as waiting
    /// for the answer.
    pub(super) async fn idle_for(&self, limit: Duration) {
        self.touch();
        loop {
            let last = *self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= limit {
                return;
            }
            tokio::time::sleep_until((last + limit).into()).await;
        }
    }
}

/// A request's body, which reports that it moves.
pub(super) struct RequestBody {
    inner: WasiBody,
    sent: Sent,
}

impl RequestBody {
    pub(super) fn new(inner: WasiBody, sent: Sent) -> Self {
        Self { inner, sent }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        self.sent.0.awaits_client.store(frame.is_pending(), Ordering::Release);
        if frame.is_ready() {
            self.sent.touch();
        }
        if let Poll::Ready(Some(Err(_))) = &frame {
            self.sent.0.broke_off.store(true, Ordering::Release);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response's body: fails when the origin falls silent for too long, or when the client it is for has gone.
pub(super) struct ResponseBody {
    inner: Incoming,
    /// A component passes it on by handle.
    by_handle: bool,
    between: Duration,
    silence: Pin<Box<Sleep>>,
    client_gone: Option<Gone>,
}

impl ResponseBody {
    pub(super) fn boxed(
        response: Response<Incoming>,
        between: Duration,
        client_gone: Gone,
    ) -> Response<WasiBody> {
        let by_handle = response.headers().contains_key(CONTENT_LENGTH)
            || (response.headers().contains_key(GRPC_STATUS) && is_grpc(response.headers()));
        let silence = Box::pin(tokio::time::sleep(between));
        response.map(|inner| {
            Self { inner, by_handle, between, silence, client_gone: Some(client_gone) }
                .boxed_unsync()
        })
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.silence.as_mut().reset((Instant::now() + this.between).into());
                let by_handle = this.by_handle;
                let judged = |frame| if by_handle { without_unseen_trailers(frame) } else { frame };
                Poll::Ready(
                    frame.map(|frame| frame.map(judged).map_err(|error| errors::of_body(&error))),
                )
            }
            Poll::Pending => {
                if let Some(gone) = &mut this.client_gone
                    && gone.as_mut().poll(cx).is_ready()
                {
                    this.client_gone = None;
                    return Poll::Ready(Some(Err(Error::ConnectionTerminated)));
                }
                this.silence.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

/// Keeps of a response's trailers what gRPC needs. A component that passes a body on by handle does not see its trailers,
/// and this host does not show them to it (wasmtime hands the body on as it is), so everything else would reach the
/// client unjudged. What has neither a length nor a status of gRPC in its head the gateway copies, and judges itself.
fn without_unseen_trailers(frame: Frame<Bytes>) -> Frame<Bytes> {
    let mut trailers = match frame.into_trailers() {
        Ok(trailers) => trailers,
        Err(frame) => return frame,
    };
    let dropped: Vec<HeaderName> =
        trailers.keys().filter(|name| !name.as_str().starts_with("grpc-")).cloned().collect();
    for name in dropped {
        trailers.remove(name);
    }
    if trailers.is_empty() {
        // An empty data frame, which every reader skips.
        return Frame::data(Bytes::new());
    }
    Frame::trailers(trailers)
}
