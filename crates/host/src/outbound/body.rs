//! Bodies on their way to and from an origin.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, WasiBody};

use super::errors;

/// Resolves when the client that a response is for has gone.
pub(super) type Gone = Pin<Box<dyn Future<Output = ()> + Send>>;

/// When the request last moved.
#[derive(Clone)]
pub(super) struct Sent(Arc<Mutex<Instant>>);

impl Default for Sent {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Sent {
    fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Resolves when nothing of the request was sent for `limit`, so that a long upload does not count as waiting
    /// for the answer.
    pub(super) async fn idle_for(&self, limit: Duration) {
        self.touch();
        loop {
            let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        if frame.is_ready() {
            self.sent.touch();
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
    between: Duration,
    silence: Pin<Box<Sleep>>,
    client_gone: Option<Gone>,
}

impl ResponseBody {
    pub(super) fn boxed(inner: Incoming, between: Duration, client_gone: Gone) -> WasiBody {
        let silence = Box::pin(tokio::time::sleep(between));
        Self { inner, between, silence, client_gone: Some(client_gone) }.boxed_unsync()
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
                Poll::Ready(frame.map(|frame| frame.map_err(|error| errors::of_body(&error))))
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
