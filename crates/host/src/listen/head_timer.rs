//! A deadline for an HTTP/1.1 request head that starts with its first byte, so that an idle connection may wait
//! longer than a slow head.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use crate::response::Body;

/// Whether a connection is reading a request head; shared by its stream and its service.
#[derive(Clone, Default)]
pub(super) struct HeadTimer(Arc<AtomicBool>);

impl HeadTimer {
    /// A head has been read: until its response ends, bytes are its body.
    pub(super) fn head_complete(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn in_request(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Has the connection wait for the next head when `body` has ended.
    pub(super) fn until_end(self, body: Body) -> TimedBody {
        TimedBody { body, timer: self }
    }
}

/// A response body at whose end the next request head may begin.
pub(super) struct TimedBody {
    body: Body,
    timer: HeadTimer,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.timer.0.store(false, Ordering::Release);
    }
}

/// A stream that fails when a request head takes too long.
pub(super) struct HeadTimed<S> {
    stream: S,
    timer: HeadTimer,
    limit: Duration,
    /// Set while a head has begun and not ended.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> HeadTimed<S> {
    pub(super) fn new(stream: S, timer: HeadTimer, limit: Duration) -> Self {
        Self { stream, timer, limit, deadline: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadTimed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if this.timer.in_request() {
            this.deadline = None;
            return read;
        }
        if read.is_ready() && buf.filled().len() > before && this.deadline.is_none() {
            this.deadline =
                Some(Box::pin(tokio::time::sleep_until((Instant::now() + this.limit).into())));
        }
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadTimed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
