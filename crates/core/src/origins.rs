//! Which origin a permitted request goes to: of its candidates, the route's origins in the tenant's regions (R10),
//! one that works as far as this instance knows.
//!
//! In evaluation order:
//!
//! 1. An origin to which there was no connection is passed over: for a second, and for twice as long after each
//!    failure that follows, a minute at most. If all are, nobody is asked.
//! 2. Origins that answer come before those whose last three requests broke off or got no answer in time, for a minute.
//!    A client can bring that about by what it asks for, so it keeps nobody from an origin that is the last one.
//! 3. The tenant's regions come in its order.
//! 4. An origin of weight 0 waits for the others to be passed over.
//! 5. Chance decides, by weight.
//!
//! An instance knows what it has seen itself, and no more.

use crate::denial::Reason;
use crate::policy::{Origin, Policy, Route, Tenant};
use std::collections::HashMap;
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Requests in a row without an answer after which an origin comes last.
const DOUBTFUL: u32 = 3;

/// Why an origin gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There was no connection.
    Unreachable,
    /// There was no connection in time.
    ConnectTimeout,
    /// It took the request and did not begin to answer in time.
    AnswerTimeout,
    /// The connection broke off before its answer had begun.
    BrokenOff,
    /// What it answered is not HTTP, or no answer.
    Unsound,
}

impl Failure {
    /// What the client is told.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Unreachable => Reason::OriginUnreachable,
            Self::ConnectTimeout | Self::AnswerTimeout => Reason::OriginTimeout,
            Self::BrokenOff | Self::Unsound => Reason::OriginFailed,
        }
    }

    const fn is_without_connection(self) -> bool {
        matches!(self, Self::Unreachable | Self::ConnectTimeout)
    }

    /// Whether another origin may be asked the same: nothing of the request has arrived, or it may arrive twice
    /// (RFC 9110, section 9.2.2).
    pub fn is_retried(self, method: &str) -> bool {
        let idempotent = matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE");
        self.is_without_connection() || (idempotent && self == Self::BrokenOff)
    }
}

/// What one instance has seen of origins. `now` is a clock that never goes back, from any beginning.
#[derive(Debug, Default)]
pub struct Health(HashMap<String, Mark>);

#[derive(Debug, Default)]
struct Mark {
    /// Failures to connect in a row.
    unreachable: u32,
    passed_over_until: Duration,
    /// Requests in a row without an answer.
    unanswered: u32,
    last_until: Duration,
}

impl Health {
    /// The origin has answered, whatever it said.
    pub fn answered(&mut self, origin: &Origin) {
        self.0.remove(origin.id());
    }

    /// The origin has not.
    pub fn failed(&mut self, origin: &Origin, failure: Failure, now: Duration) {
        let mark = self.0.entry(origin.id().to_owned()).or_default();
        if !failure.is_without_connection() {
            mark.unanswered = mark.unanswered.saturating_add(1);
            if mark.unanswered >= DOUBTFUL {
                mark.last_until = now.saturating_add(LONGEST_WAIT);
            }
        } else if mark.passed_over_until <= now {
            // Requests that were on their way together have failed once, not each for itself.
            let doubled = FIRST_WAIT.saturating_mul(1 << mark.unreachable.min(6));
            mark.unreachable = mark.unreachable.saturating_add(1);
            mark.passed_over_until = now.saturating_add(doubled.min(LONGEST_WAIT));
        }
    }

    /// One of the candidates, but not this one; or how long all are passed over.
    pub(crate) fn choose<'p>(
        &self,
        candidates: Candidates<'p>,
        not: Option<&Origin>,
        random: u64,
        now: Duration,
    ) -> Result<&'p Origin, Duration> {
        let others = || {
            candidates
                .iter()
                .filter(move |(_, origin)| not.is_none_or(|not| not.id() != origin.id()))
        };
        let best = others().filter_map(|(region, origin)| self.rank(region, origin, now)).min();
        let Some(best) = best else {
            let until =
                |origin: &Origin| self.0.get(origin.id()).map(|mark| mark.passed_over_until);
            let first = others().filter_map(|(_, origin)| until(origin)).min();
            return Err(first.unwrap_or_default().saturating_sub(now));
        };
        let of_best =
            || others().filter(|(region, origin)| self.rank(*region, origin, now) == Some(best));
        let weight = |origin: &Origin| u64::from(origin.weight().max(1));
        let total: u64 = of_best().map(|(_, origin)| weight(origin)).sum();
        let mut left = random.checked_rem(total).unwrap_or_default();
        for (_, origin) in of_best() {
            match left.checked_sub(weight(origin)) {
                Some(rest) => left = rest,
                None => return Ok(origin),
            }
        }
        Err(Duration::ZERO)
    }

    /// The lower, the better; none for one that is passed over.
    fn rank(&self, region: usize, origin: &Origin, now: Duration) -> Option<(bool, usize, bool)> {
        let mark = self.0.get(origin.id());
        if mark.is_some_and(|mark| now < mark.passed_over_until) {
            return None;
        }
        let doubtful = mark.is_some_and(|mark| now < mark.last_until);
        Some((doubtful, region, origin.weight() == 0))
    }
}

/// The origins that may serve a request: those of its route in a region of its tenant. An origin of another
/// region is never one, whatever the policy's loading let by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidates<'p> {
    pub(crate) tenant: &'p Tenant,
    pub(crate) route: &'p Route,
    pub(crate) policy: &'p Policy,
}

impl<'p> Candidates<'p> {
    /// Each with the place of its region among the tenant's.
    fn iter(self) -> impl Iterator<Item = (usize, &'p Origin)> {
        self.tenant.regions().iter().enumerate().flat_map(move |(place, region)| {
            let origins = self.route.origins().filter_map(move |id| self.policy.origin(id));
            origins
                .filter(move |origin| origin.region() == region)
                .map(move |origin| (place, origin))
        })
    }

    /// There is more than one.
    pub(crate) fn are_several(self) -> bool {
        self.iter().nth(1).is_some()
    }
}
