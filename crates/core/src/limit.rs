//! Rate limits: token buckets whose state is a record.
//!
//! ```json
//! {"v":1,"level":540000,"at":1795338000000}
//! ```
//!
//! `level` counts sixty-thousandths of a token and `at` milliseconds since 1970, so that a rule of
//! `refill_per_minute` tokens adds exactly that many units every millisecond: nothing is rounded,
//! however often a bucket is looked at. In evaluation order:
//!
//! 1. A bucket without a record is full. One with more than the rule's `burst`, because the rule
//!    has changed since, has `burst`.
//! 2. What came back since `at` is added, up to `burst`. Where the clock stands before `at`, nothing
//!    is, and `at` stays: clocks of two instances that differ add nothing. A bucket from further in
//!    the future than 60 s was written by a clock that was wrong; it counts from now.
//! 3. A whole token is taken, or the request is refused (RFC 6585, section 4) until there is one.
//!
//! Where several limits count a request, it takes a token of each, or of none.
//!
//! A record is read before the verdict and written after it. Requests that cross each other on the
//! way may take the same token: limits hold approximately until instances share a counter.

use crate::denial::{Denial, Reason};
use crate::policy::RateLimit;
use crate::records::Given;
use jiff::Timestamp;
use serde::Deserialize;

/// Units of a token: milliseconds of a minute.
const TOKEN: u64 = 60_000;

/// How far the clocks of two instances may differ, in milliseconds.
const SKEW: u64 = 60_000;

/// A record to write: its key and its value.
pub type Write = (String, Vec<u8>);

/// The state of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// What is in it, in sixty-thousandths of a token.
    level: u64,
    /// When, in milliseconds since 1970.
    at: u64,
}

/// Takes a token at this moment (milliseconds since 1970): the bucket without it, or where there is
/// none the time until there is one, in milliseconds. Nobody is told to wait for a clock of ours
/// that is behind: the time is never longer than an empty bucket takes to its first token.
pub fn take(bucket: Option<Bucket>, rule: &RateLimit, now: u64) -> Result<Bucket, u64> {
    let capacity = u64::from(rule.burst()) * TOKEN;
    let refill = u64::from(rule.refill_per_minute()).max(1);
    let bucket = bucket.unwrap_or(Bucket { level: capacity, at: now });
    let from = if bucket.at.saturating_sub(now) > SKEW { now } else { bucket.at };
    let came_back = now.saturating_sub(from).saturating_mul(refill);
    let level = bucket.level.saturating_add(came_back).min(capacity);
    let at = from.max(now);
    match level.checked_sub(TOKEN) {
        Some(level) => Ok(Bucket { level, at }),
        None => Err((at - now)
            .saturating_add((TOKEN - level).div_ceil(refill))
            .min(TOKEN.div_ceil(refill))),
    }
}

/// Judges the limits that count a request; gives the buckets as they are to be written.
pub(crate) fn judge(given: Given<'_, '_>, now: Timestamp) -> Result<Vec<Write>, Denial> {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let mut writes = Vec::new();
    let mut longest: Option<(u64, &RateLimit)> = None;
    for (rule, stored) in given.buckets() {
        match take(stored.read()?, rule, now) {
            Ok(bucket) => writes.push((stored.key().to_owned(), value(bucket))),
            Err(wait) if longest.is_none_or(|(longest, _)| wait > longest) => {
                longest = Some((wait, rule));
            }
            Err(_) => {}
        }
    }
    match longest {
        None => Ok(writes),
        Some((wait, rule)) => Err(Denial::new(
            Reason::RateLimited,
            format!(
                "the rate limit {} lets {} requests by at once and {} a minute",
                rule.id(),
                rule.burst(),
                rule.refill_per_minute()
            ),
        )
        // RFC 9110, section 10.2.3: whole seconds.
        .with_header("retry-after", wait.div_ceil(1000).to_string())),
    }
}

fn value(bucket: Bucket) -> Vec<u8> {
    format!("{{\"v\":1,\"level\":{},\"at\":{}}}", bucket.level, bucket.at).into_bytes()
}
