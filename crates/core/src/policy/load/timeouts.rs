//! How long an origin may take.

use super::Loader;
use crate::policy::Timeouts;
use crate::policy::source::TimeoutsSource;
use std::time::Duration;

impl Loader<'_> {
    /// Zero is no way to say "for ever": it would fail every request.
    pub(super) fn timeouts(&mut self, source: &TimeoutsSource) {
        for given in [&source.connect_ms, &source.first_byte_ms, &source.idle_ms] {
            if let Some(zero) = given.as_ref().filter(|given| *given.get_ref() == 0) {
                self.fault(
                    "timeout-zero",
                    ("gateway.toml", Some(zero.span())),
                    "no origin answers within 0 milliseconds",
                    "write at least 1, or leave the key out for the default",
                );
            }
        }
    }
}

/// The route's times, else the gateway's, else the defaults.
pub(super) fn resolve(route: &TimeoutsSource, gateway: &TimeoutsSource) -> Timeouts {
    let pick = |route: &Option<_>, gateway: &Option<_>, default| {
        let given: Option<&crate::policy::source::Spanned<u64>> =
            route.as_ref().or(gateway.as_ref());
        Duration::from_millis(given.map_or(default, |given| *given.get_ref()))
    };
    Timeouts {
        connect: pick(&route.connect_ms, &gateway.connect_ms, 5_000),
        first_byte: pick(&route.first_byte_ms, &gateway.first_byte_ms, 30_000),
        idle: pick(&route.idle_ms, &gateway.idle_ms, 300_000),
    }
}
