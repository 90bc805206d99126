//! The audit record: one JSON line for every request, in UTC, and for an answer that was watched as it streamed
//! another one with `"event":"stream-end"` when it ended.
//!
//! `would_deny` is the first reason for which a route in dry run would have refused the request.
//! `detail` explains the refusal or, of a permitted request, that. `roles` and `groups` are the
//! token's, and of a request that step 8 let by the directory's, where it has the user.
//!
//! `trace_id` and `parent_span_id` are those of the request's sound `traceparent`; `span_id` is the gateway's own and stands
//! where it records traces ([`trace`](crate::trace)), `sampled` with the trace.
//!
//! What a client wrote stands in it escaped and bounded, and never a token, cookie, query or body.

use crate::decide::Facts;
use crate::denial::{Denial, Reason};
use crate::policy::{Origin, Route};
use crate::trace::Trace;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// The longest text of a client's in a record, in bytes.
const LONGEST: usize = 512;

/// The most text of a list of names in a record, in bytes: 64 roles of the longest kind.
const LONGEST_LIST: usize = 4096;

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was forwarded, and the origin answered with this status.
    Permitted(u16),
    /// It was refused, by the road or on the way back, and the client got this status.
    Denied(&'a Denial, u16),
}

#[derive(Serialize)]
struct Record<'a> {
    v: u8,
    time: String,
    request_id: String,
    trace_id: Option<&'a str>,
    span_id: Option<&'a str>,
    parent_span_id: Option<&'a str>,
    sampled: Option<bool>,
    tenant: Option<&'a str>,
    host: Option<String>,
    subject: Option<String>,
    roles: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    issuer: Option<String>,
    client: Option<String>,
    method: Option<&'a str>,
    path: Option<String>,
    route: Option<&'a str>,
    assistant: Option<String>,
    origin: Option<&'a str>,
    region: Option<&'a str>,
    decision: &'static str,
    reason: Option<&'static str>,
    would_deny: Option<&'static str>,
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
        Outcome::Denied(denial, status) => ("deny", Some(denial), status),
    };
    let principal = facts.principal.as_ref();
    let trace = facts.trace.as_ref();
    let record = Record {
        v: 1,
        time: format!("{time:.6}"),
        request_id: bounded(&facts.request_id),
        trace_id: trace.map(Trace::id),
        span_id: trace.and_then(Trace::span),
        parent_span_id: trace.and_then(Trace::parent),
        sampled: trace.map(Trace::is_sampled),
        tenant: facts.tenant.map(|tenant| tenant.id().as_str()),
        host: facts.host.as_deref().map(bounded),
        subject: facts.subject().map(bounded),
        roles: principal.map(|principal| names(principal.roles())),
        groups: principal.map(|principal| names(principal.groups())),
        issuer: principal.map(|principal| bounded(principal.issuer())),
        client: facts.client.map(|client| client.to_string()),
        method: facts.method,
        path: facts.path.as_deref().map(bounded),
        route: facts.route.map(Route::id),
        assistant: facts.assistant.as_deref().map(bounded),
        origin: facts.origin.map(Origin::id),
        region: facts.origin.map(Origin::region),
        decision,
        reason: denial.map(Denial::reason).map(Reason::code),
        would_deny: facts.would_deny.first().map(Denial::reason).map(Reason::code),
        detail: denial.or(facts.would_deny.first()).map(|denial| bounded(denial.detail())),
        status,
        policy,
        duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
    };
    // A struct of strings and numbers always serializes.
    serde_json::to_string(&record).unwrap_or_default()
}

/// How an open stream ended.
#[derive(Clone, Copy, Debug)]
pub enum StreamEnd<'a> {
    /// The origin had said all.
    Complete,
    /// The client went.
    ClientGone,
    /// The origin broke off.
    OriginFailed,
    /// The gateway broke it off.
    Denied(&'a Denial),
}

/// The last record of an open stream, but for how it ended.
#[derive(Debug, Serialize)]
pub struct StreamRecord {
    v: u8,
    event: &'static str,
    time: String,
    request_id: String,
    trace_id: Option<String>,
    span_id: Option<String>,
    tenant: Option<String>,
    subject: Option<String>,
    client: Option<String>,
    route: Option<String>,
    assistant: Option<String>,
    origin: Option<String>,
    end: &'static str,
    reason: Option<&'static str>,
    detail: Option<String>,
    bytes: u64,
    policy: Option<String>,
    duration_us: u64,
}

impl StreamRecord {
    /// Of a request that was permitted.
    pub fn of(facts: &Facts<'_>, policy: Option<&str>) -> Self {
        Self {
            v: 1,
            event: "stream-end",
            time: String::new(),
            request_id: bounded(&facts.request_id),
            trace_id: facts.trace.as_ref().map(|trace| trace.id().to_owned()),
            span_id: facts.trace.as_ref().and_then(Trace::span).map(str::to_owned),
            tenant: facts.tenant.map(|tenant| tenant.id().as_str().to_owned()),
            subject: facts.subject().map(bounded),
            client: facts.client.map(|client| client.to_string()),
            route: facts.route.map(|route| route.id().to_owned()),
            assistant: facts.assistant.as_deref().map(bounded),
            origin: facts.origin.map(|origin| origin.id().to_owned()),
            end: "",
            reason: None,
            detail: None,
            bytes: 0,
            policy: policy.map(str::to_owned),
            duration_us: 0,
        }
    }

    /// The record as one line of JSON without the line's end: `time` is when the stream ended, `bytes` what of it
    /// was handed on, `duration` how long ago the request arrived.
    pub fn ended(
        mut self,
        end: StreamEnd<'_>,
        bytes: u64,
        time: Timestamp,
        duration: Duration,
    ) -> String {
        let denial = match end {
            StreamEnd::Denied(denial) => Some(denial),
            StreamEnd::Complete | StreamEnd::ClientGone | StreamEnd::OriginFailed => None,
        };
        self.end = match end {
            StreamEnd::Complete => "complete",
            StreamEnd::ClientGone => "client-gone",
            StreamEnd::OriginFailed => "origin-failed",
            StreamEnd::Denied(_) => "denied",
        };
        self.time = format!("{time:.6}");
        self.reason = denial.map(|denial| denial.reason().code());
        self.detail = denial.map(|denial| bounded(denial.detail()));
        self.bytes = bytes;
        self.duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        // A struct of strings and numbers always serializes.
        serde_json::to_string(&self).unwrap_or_default()
    }
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

/// As many names as there is room for; `...` stands for the others.
fn names(all: &[String]) -> Vec<String> {
    let mut room = LONGEST_LIST;
    let mut kept: Vec<String> = all
        .iter()
        .map(|name| bounded(name))
        .take_while(|name| {
            let fits = name.len() <= room;
            room = room.saturating_sub(name.len());
            fits
        })
        .collect();
    if kept.len() < all.len() {
        kept.push("...".into());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_bounded() {
        let list = |count, length| names(&vec!["x".repeat(length); count]);
        assert!(list(0, 1).is_empty());
        assert_eq!(list(64, 64).len(), 64, "as many roles as there may be");
        let cut = list(65, 64);
        assert_eq!((cut.len(), cut.last().unwrap().as_str()), (65, "..."));
        let groups = list(256, 255);
        assert_eq!((groups.len(), groups.last().unwrap().as_str()), (17, "..."));
        assert_eq!(names(&["a\n関".into()]), ["a??"]);
    }

    #[test]
    fn a_record_is_one_line_whatever_the_client_wrote() {
        let facts = Facts {
            request_id: "r\n{\"forged\":1}\u{1b}[2J".into(),
            path: Some(format!("/{}", "x".repeat(2 * LONGEST))),
            ..Facts::default()
        };
        let denial = Denial::new(Reason::RouteNotFound, "a\r\n関所\u{202e}");
        let time = "2026-11-22T09:00:00Z".parse().unwrap();
        let line =
            record(&facts, Outcome::Denied(&denial, 404), None, time, Duration::from_micros(7));
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
