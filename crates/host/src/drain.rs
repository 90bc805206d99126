//! A graceful end in two steps: finish what has begun, then cut what is left.

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    Serving,
    Draining,
    Cutting,
}

/// The end as those who work see it. Holding one keeps [`Drainer::finished`] waiting.
#[derive(Clone)]
pub(crate) struct Drain(watch::Receiver<Phase>);

impl Drain {
    /// Resolves when no new work may begin.
    pub(crate) async fn begins(&self) {
        self.reaches(Phase::Draining).await;
    }

    /// Resolves when unfinished work must stop.
    pub(crate) async fn cuts(&self) {
        self.reaches(Phase::Cutting).await;
    }

    async fn reaches(&self, phase: Phase) {
        // An error means that the host was dropped without a shutdown, which cuts as well.
        drop(self.0.clone().wait_for(|now| *now >= phase).await);
    }
}

/// The end as the host controls it.
pub(crate) struct Drainer(watch::Sender<Phase>);

impl Drainer {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    pub(crate) fn drain(&self) -> Drain {
        Drain(self.0.subscribe())
    }

    pub(crate) fn begin(&self) {
        self.0.send_replace(Phase::Draining);
    }

    pub(crate) fn cut(&self) {
        self.0.send_replace(Phase::Cutting);
    }

    /// Resolves when nobody holds a [`Drain`] any more.
    pub(crate) async fn finished(&self) {
        self.0.closed().await;
    }
}
