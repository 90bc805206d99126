//! The clocks, read once when a request arrives.

use sekisho_core::Timestamp;
use std::time::Duration;
use wasip3::clocks::{monotonic_clock, system_clock};

/// The time. A system clock beyond what a timestamp can hold reads as the beginning of time, which
/// core takes for a clock that was never set, and refuses.
pub(crate) fn now() -> Timestamp {
    let now = system_clock::now();
    let nanoseconds = i32::try_from(now.nanoseconds).unwrap_or(0);
    Timestamp::new(now.seconds, nanoseconds).unwrap_or(Timestamp::MIN)
}

/// When a request arrived.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    time: Timestamp,
    mark: monotonic_clock::Mark,
}

impl Arrival {
    /// Reads both clocks.
    pub(crate) fn now() -> Self {
        Self { time: now(), mark: monotonic_clock::now() }
    }

    /// The same by the clock that never goes back.
    pub(crate) fn mark(&self) -> monotonic_clock::Mark {
        self.mark
    }

    /// The moment of judgement.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }

    /// How long ago it was.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now().saturating_sub(self.mark))
    }
}
