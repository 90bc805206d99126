//! The audit record: one JSON line for every request, in UTC.
//!
//! What a client wrote stands in it escaped and bounded, and never a token, cookie, query or body.

use crate::decide::Facts;
use crate::denial::{Denial, Reason};
use crate::policy::Route;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// The longest text of a client's in a record, in bytes.
const LONGEST: usize = 512;

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was forwarded, and the origin answered with this status.
    Permitted(u16),
    /// It was refused, by the road or on the way back.
    Denied(&'a Denial),
}

#[derive(Serialize)]
struct Record<'a> {
    v: u8,
    time: String,
    request_id: String,
    tenant: Option<&'a str>,
    subject: Option<String>,
    client: Option<String>,
    method: Option<&'a str>,
    path: Option<String>,
    route: Option<&'a str>,
    decision: &'static str,
    reason: Option<&'static str>,
    detail: Option<String>,
    status: u16,
    policy: Option<&'a str>,
    duration_us: u64,
}

/// The record as one line of JSON without the line's end.
///
/// `time` is when the request arrived and `duration` how long it took until the answer's head.
/// `policy` is the policy's digest, if there was a policy.
pub fn record(
    facts: &Facts<'_>,
    outcome: Outcome<'_>,
    policy: Option<&str>,
    time: Timestamp,
    duration: Duration,
) -> String {
    let (decision, denial, status) = match outcome {
        Outcome::Permitted(status) => ("permit", None, status),
        Outcome::Denied(denial) => ("deny", Some(denial), denial.reason().status()),
    };
    let record = Record {
        v: 1,
        time: format!("{time:.6}"),
        request_id: bounded(&facts.request_id),
        tenant: facts.tenant.map(|tenant| tenant.id().as_str()),
        subject: facts.subject().map(bounded),
        client: facts.client.map(|client| client.to_string()),
        method: facts.method,
        path: facts.path.as_deref().map(bounded),
        route: facts.route.map(Route::id),
        decision,
        reason: denial.map(Denial::reason).map(Reason::code),
        detail: denial.map(|denial| bounded(denial.detail())),
        status,
        policy,
        duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
    };
    // A struct of strings and numbers always serializes.
    serde_json::to_string(&record).unwrap_or_default()
}

/// At most [`LONGEST`] bytes of printable ASCII; everything else becomes `?`, so that a record
/// can't move a terminal's cursor or forge a line in a viewer that unescapes JSON.
fn bounded(text: &str) -> String {
    let mut kept: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        kept.push_str("...");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_whatever_the_client_wrote() {
        let facts = Facts {
            request_id: "r\n{\"forged\":1}\u{1b}[2J".into(),
            path: Some(format!("/{}", "x".repeat(2 * LONGEST))),
            ..Facts::default()
        };
        let denial = Denial::new(Reason::RouteNotFound, "a\r\n関所\u{202e}");
        let time = "2026-11-22T09:00:00Z".parse().unwrap();
        let line = record(&facts, Outcome::Denied(&denial), None, time, Duration::from_micros(7));
        assert!(line.is_ascii() && !line.contains(['\n', '\r', '\u{1b}']) && !line.contains("\\n"));
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["time"], "2026-11-22T09:00:00.000000Z");
        assert_eq!(json["reason"], "route-not-found");
        assert_eq!(json["status"], 404);
        assert_eq!(json["duration_us"], 7);
        assert_eq!(json["detail"], "a?????");
        assert_eq!(json["path"].as_str().unwrap().len(), LONGEST + 3);
    }
}
