//! What is asked of the state store.

use super::Loader;
use crate::policy::source::Spanned;

/// How often the records of an open stream are read again where the policy does not say, in seconds.
const RECHECK: u32 = 30;

/// The least and the most, in seconds: seldom enough for a store, and often enough for whoever revokes.
const LIMITS: std::ops::RangeInclusive<u32> = 1..=300;

impl Loader<'_> {
    pub(super) fn recheck(&mut self, source: Option<&Spanned<u32>>) -> u32 {
        let Some(seconds) = source else { return RECHECK };
        if !LIMITS.contains(seconds.get_ref()) {
            self.fault(
                "recheck-invalid",
                ("gateway.toml", Some(seconds.span())),
                format!("open streams can't be judged again every {} s", seconds.get_ref()),
                format!("write {} to {} seconds", LIMITS.start(), LIMITS.end()),
            );
        }
        *seconds.get_ref()
    }
}
