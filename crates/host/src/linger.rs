//! An HTTP/1 answer that comes before the request's body was read.
//!
//! To close the connection at once would have the client's kernel throw the answer away with the bytes it can no
//! longer send (RFC 9112, section 9.6). So the rest is read on and discarded for a moment; a client that expects
//! `100 Continue` has sent nothing yet, and must not be asked to.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::EXPECT;
use http::{Version, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// How long the rest is read.
const TIME: Duration = Duration::from_secs(5);
/// How much of it, in bytes.
const BYTES: usize = 32 * 1024 * 1024;

/// A body whose rest is discarded when it is dropped before its end.
pub(crate) struct Lingering<B: Body<Data = Bytes> + Send + 'static> {
    body: Option<Pin<Box<B>>>,
    lingers: bool,
}

impl<B: Body<Data = Bytes> + Send + 'static> Lingering<B> {
    pub(crate) fn new(head: &request::Parts, body: B) -> Self {
        let lingers = head.version <= Version::HTTP_11 && !head.headers.contains_key(EXPECT);
        Self { body: Some(Box::pin(body)), lingers }
    }
}

impl<B: Body<Data = Bytes> + Send + 'static> Body for Lingering<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.body {
            Some(body) => body.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Send + 'static> Drop for Lingering<B> {
    fn drop(&mut self) {
        if self.lingers
            && let Some(body) = self.body.take().filter(|body| !body.is_end_stream())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(TIME, discard(body)));
        }
    }
}

async fn discard<B: Body<Data = Bytes>>(mut body: Pin<Box<B>>) {
    let mut left = BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let read = frame.data_ref().map_or(0, Buf::remaining);
        let Some(rest) = left.checked_sub(read) else { return };
        left = rest;
    }
}
