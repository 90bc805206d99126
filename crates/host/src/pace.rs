//! A minimum pace for a request's body, so that a client cannot hold a place in the host by sending next to nothing.
//!
//! Only the time in which somebody waits for the client counts: a component that reads slowly, or an origin that
//! takes slowly, does not make the client slow.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use crate::Limits;

/// A body that fails when its sender has been waited for longer than [`Limits::upload_grace`] and has sent less than
/// [`Limits::upload_rate`] on average meanwhile.
pub(crate) struct Paced<B> {
    body: B,
    grace: Duration,
    rate: u32,
    received: u64,
    /// Time spent waiting, without the wait that goes on.
    waited: Duration,
    /// The wait that goes on: since when, and when it has been too long.
    wait: Option<(Instant, Pin<Box<Sleep>>)>,
    failed: bool,
}

impl<B> Paced<B> {
    pub(crate) fn new(body: B, limits: &Limits) -> Self {
        Self {
            body,
            grace: limits.upload_grace,
            rate: limits.upload_rate,
            received: 0,
            waited: Duration::ZERO,
            wait: None,
            failed: false,
        }
    }

    /// How long the sender may be waited for in all, for what it has sent.
    fn allowed(&self) -> Duration {
        let nanoseconds = u128::from(self.received) * 1_000_000_000 / u128::from(self.rate.max(1));
        self.grace.max(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)))
    }

    /// Goes on with a wait, or fails when it has been too long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let left = self.allowed().saturating_sub(self.waited);
        let (_, sleep) =
            self.wait.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(left))));
        sleep.as_mut().poll(cx).map(|()| Error::ConnectionReadTimeout)
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.failed {
            return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
        }
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let error = std::task::ready!(this.wait(cx));
            this.failed = true;
            return Poll::Ready(Some(Err(error)));
        };
        if let Some((since, _)) = this.wait.take() {
            this.waited = this.waited.saturating_add(since.elapsed());
        }
        if let Some(Ok(frame)) = &frame {
            let size = frame.data_ref().map_or(0, Buf::remaining);
            this.received = this.received.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.failed && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    /// Sends `frames` of `size` bytes, each after `pause`.
    fn body(
        frames: usize,
        size: usize,
        pause: Duration,
    ) -> impl Body<Data = Bytes, Error = Error> + Unpin {
        let limits = Limits {
            upload_grace: Duration::from_millis(200),
            upload_rate: 1000,
            ..Limits::default()
        };
        let frames = futures::stream::iter(0..frames).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Frame::data(Bytes::from(vec![b'x'; size])))
        });
        Paced::new(StreamBody::new(Box::pin(frames)), &limits)
    }

    #[tokio::test]
    async fn a_trickle_fails() {
        let begun = Instant::now();
        let mut slow = body(100, 1, Duration::from_millis(30));
        let mut received = 0;
        let error = loop {
            match slow.frame().await.unwrap() {
                Ok(_) => received += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::ConnectionReadTimeout), "{error:?}");
        assert!(received < 10 && begun.elapsed() < Duration::from_secs(2), "{received}");
        assert!(!slow.is_end_stream() && slow.frame().await.unwrap().is_err(), "it looks complete");
    }

    #[tokio::test]
    async fn silence_fails() {
        let mut silent = body(1, 1, Duration::from_mins(1));
        let first = tokio::time::timeout(Duration::from_secs(5), silent.frame()).await.unwrap();
        assert!(first.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_steady_sender_and_a_slow_reader_are_fine() {
        // 100 bytes each 30 ms are over three times the rate, for longer than the grace.
        let steady = body(20, 100, Duration::from_millis(30)).collect().await.unwrap();
        assert_eq!(steady.to_bytes().len(), 2000);
        let mut read_slowly = body(5, 1, Duration::ZERO);
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(read_slowly.frame().await.unwrap().is_ok());
        }
        assert!(read_slowly.frame().await.is_none());
    }
}
