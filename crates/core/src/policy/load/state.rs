//! What is asked of the state store.

use super::Loader;
use crate::policy::Sessions;
use crate::policy::source::{SessionsSource, Spanned};
use std::ops::RangeInclusive;

const FILE: &str = "gateway.toml";

/// How often the records of an open stream are read again where the policy does not say, in seconds: whoever leaves
/// reads no further within two (R6).
const RECHECK: u32 = 1;

/// The least and the most, in seconds: seldom enough for a store, and often enough for whoever revokes.
const LIMITS: RangeInclusive<u32> = 1..=300;

/// How long a session may go unused, in seconds, and what is taken where the policy does not say.
const IDLE: (RangeInclusive<u32>, u32) = (60..=2_592_000, 3_600);

/// How long a session may last, likewise.
const ABSOLUTE: (RangeInclusive<u32>, u32) = (300..=7_776_000, 43_200);

impl Loader<'_> {
    pub(super) fn recheck(&mut self, source: Option<&Spanned<u32>>) -> u32 {
        let Some(seconds) = source else { return RECHECK };
        if !LIMITS.contains(seconds.get_ref()) {
            self.fault(
                "recheck-invalid",
                (FILE, Some(seconds.span())),
                format!("open streams can't be judged again every {} s", seconds.get_ref()),
                format!("write {} to {} seconds", LIMITS.start(), LIMITS.end()),
            );
        }
        *seconds.get_ref()
    }

    pub(super) fn sessions(&mut self, source: &SessionsSource) -> Sessions {
        let idle_s = self.lifetime("idle_s", source.idle_s.as_ref(), IDLE);
        let absolute_s = self.lifetime("absolute_s", source.absolute_s.as_ref(), ABSOLUTE);
        let sound = IDLE.0.contains(&idle_s) && ABSOLUTE.0.contains(&absolute_s);
        if let Some(idle) = source.idle_s.as_ref().filter(|_| sound && idle_s > absolute_s) {
            self.fault(
                "session-lifetime-invalid",
                (FILE, Some(idle.span())),
                format!("a session would be over after {absolute_s} s, before it is idle"),
                "write an idle_s of at most absolute_s",
            );
        }
        Sessions { idle_s, absolute_s }
    }

    fn lifetime(
        &mut self,
        key: &str,
        source: Option<&Spanned<u32>>,
        (limits, default): (RangeInclusive<u32>, u32),
    ) -> u32 {
        let Some(seconds) = source else { return default };
        if !limits.contains(seconds.get_ref()) {
            self.fault(
                "session-lifetime-invalid",
                (FILE, Some(seconds.span())),
                format!("a session can't have {key} = {}", seconds.get_ref()),
                format!("write {} to {} seconds", limits.start(), limits.end()),
            );
        }
        *seconds.get_ref()
    }
}
