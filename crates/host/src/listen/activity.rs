//! What one connection is doing: whether a request is in progress, and how long its client has let an answer wait.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The requests in progress on one connection.
#[derive(Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

struct State {
    next: u64,
    in_progress: usize,
    idle_since: Instant,
    /// Answers that have more to give, and since when the client has not taken it. An answer that itself waits, such
    /// as an event stream between two events, is not here.
    waiting: HashMap<u64, Instant>,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            next: 0,
            in_progress: 0,
            idle_since: Instant::now(),
            waiting: HashMap::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come; it is in progress until what is returned, or the answer made from it, is dropped.
    pub(super) fn begin(&self) -> Exchange {
        let mut state = self.state();
        state.in_progress += 1;
        state.next += 1;
        Exchange { id: state.next, activity: self.clone() }
    }

    /// Whether an answer has waited for the client longer than `limit`.
    pub(super) fn stalled(&self, limit: Duration) -> bool {
        self.state().waiting.values().any(|since| since.elapsed() > limit)
    }

    /// Whether no request has been in progress for `limit`.
    pub(super) fn idle(&self, limit: Duration) -> bool {
        let state = self.state();
        state.in_progress == 0 && state.idle_since.elapsed() > limit
    }
}

/// One request in progress.
pub(super) struct Exchange {
    id: u64,
    activity: Activity,
}

impl Exchange {
    /// From now on `body` waits for the client.
    pub(super) fn answer<B>(self, body: B) -> Answer<B> {
        self.waits(true);
        Answer { body, exchange: self }
    }

    fn waits(&self, waits: bool) {
        let mut state = self.activity.state();
        if waits {
            state.waiting.insert(self.id, Instant::now());
        } else {
            state.waiting.remove(&self.id);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.waiting.remove(&self.id);
        state.in_progress -= 1;
        state.idle_since = Instant::now();
    }
}

/// A response body that tells its connection whose turn it is.
pub(super) struct Answer<B> {
    body: B,
    exchange: Exchange,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // hyper asks for more only when the client has taken enough of what came before.
        self.exchange.waits(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn only_an_answer_that_waits_for_the_client_stalls() {
        let pause = || tokio::time::sleep(LIMIT * 2);
        let activity = Activity::new();
        pause().await;
        assert!(activity.idle(LIMIT));
        let exchange = activity.begin();
        pause().await;
        assert!(!activity.stalled(LIMIT), "the component takes its time");
        assert!(!activity.idle(LIMIT));
        let (origin, frames) = mpsc::unbounded::<Result<Frame<Bytes>, std::io::Error>>();
        let mut answer = exchange.answer(StreamBody::new(frames));
        assert!(!activity.stalled(LIMIT));
        pause().await;
        assert!(activity.stalled(LIMIT), "never polled");
        origin.unbounded_send(Ok(Frame::data(Bytes::from("x")))).unwrap();
        assert!(answer.frame().await.unwrap().is_ok());
        assert!(!activity.stalled(LIMIT));
        pause().await;
        assert!(activity.stalled(LIMIT), "not polled since");
        assert!(futures::poll!(answer.frame()).is_pending());
        pause().await;
        assert!(!activity.stalled(LIMIT), "the origin takes its time");
        drop(answer);
        assert!(!activity.stalled(Duration::ZERO) && !activity.idle(LIMIT));
        pause().await;
        assert!(activity.idle(LIMIT));
    }
}
