//! The wall clock that components see.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wasmtime_wasi::HostWallClock;

/// A wall clock of the caller's, for tests.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The system's wall clock; the one place in this crate that reads it.
#[expect(clippy::disallowed_methods, reason = "the host is the adapter that owns the clock")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// A [`WallClock`] as wasmtime wants it.
pub(crate) struct GuestClock(pub(crate) WallClock);

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        (self.0)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}
