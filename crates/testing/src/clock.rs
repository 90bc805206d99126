//! The one place of this crate that reads the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[expect(clippy::disallowed_methods, reason = "the adapter that reads the clock for the doubles")]
fn since_epoch() -> Duration {
    // A clock before 1970 is a broken machine; zero makes every token look long expired.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since 1970-01-01T00:00:00Z, as a token's `NumericDate` counts them (RFC 7519 section 2).
pub fn unix_seconds() -> u64 {
    since_epoch().as_secs()
}

/// Microseconds since 1970-01-01T00:00:00Z, the time that [`crate::origin`] stamps on each event.
pub fn unix_micros() -> u64 {
    u64::try_from(since_epoch().as_micros()).unwrap_or(u64::MAX)
}
