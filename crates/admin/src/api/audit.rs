//! `/audit`: what was asked of the gateway in the tenant's name, and what it decided.
//!
//! A trail has the records of all tenants; a query always names the caller's own. Of a record is shown what is about the
//! tenant: not where the operator's origins are, nor its place in the chain. How far a page has looked is told to the minute,
//! because the record that it ended at may be another tenant's.

use super::{Params, answer};
use crate::call::Call;
use crate::problem::{Problem, ProblemBody};
use axum::Extension;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use sekisho_trail::Error;
use sekisho_trail::read::{Bounds, Position, Query, REQUEST, Record, newest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a record is about that names no event and is not the gateway's.
const OTHER: &str = "other";
/// How much of a trail one answer looks at, in bytes: some 25,000 records.
const LOOKED_AT: u64 = 16 * 1024 * 1024;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(search))
}

/// What was decided.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Permit,
    Deny,
}

/// What a record is about.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Event {
    /// A request and what was decided.
    Request,
    /// The end of an answer that was watched as it streamed.
    StreamEnd,
    /// A change of what the tenant manages.
    Administration,
}

/// Which records, and how many at a time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// From this moment on, RFC 3339.
    #[param(
        pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        example = "2026-11-28T09:00:00Z"
    )]
    since: Option<String>,
    /// Before this moment.
    #[param(
        pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        example = "2026-11-28T18:00:00+09:00"
    )]
    until: Option<String>,
    /// Those of this subject.
    subject: Option<String>,
    /// Those with this decision.
    #[param(inline)]
    decision: Option<Decision>,
    /// Those refused or broken off for this reason, such as `network-not-allowed`.
    reason: Option<String>,
    /// Those of this route.
    route: Option<String>,
    /// Those from this address.
    client: Option<String>,
    /// Those of this request: itself, the end of its stream, and what it changed.
    request_id: Option<String>,
    /// Those about this.
    #[param(inline)]
    event: Option<Event>,
    /// The most records of one answer.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u16,
    /// Where the answer before ended: its `next`.
    #[param(
        max_length = 64,
        pattern = r"^[0-9a-f]{8}\.[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]+\.[0-9]+$"
    )]
    cursor: Option<String>,
}

fn hundred() -> u16 {
    100
}

impl Filter {
    fn query(self, tenant: &str) -> Result<Query, Problem> {
        let event = self.event.map(|event| match event {
            Event::Request => REQUEST,
            Event::StreamEnd => "stream-end",
            Event::Administration => "administration",
        });
        let decision = self.decision.map(|decision| match decision {
            Decision::Permit => "permit",
            Decision::Deny => "deny",
        });
        Ok(Query {
            since: moment("since", self.since.as_deref())?,
            until: moment("until", self.until.as_deref())?,
            tenant: Some(tenant.to_owned()),
            subject: self.subject,
            decision: decision.map(str::to_owned),
            reason: self.reason,
            route: self.route,
            client: self.client,
            request_id: self.request_id,
            event: event.map(str::to_owned),
            ..Query::default()
        })
    }
}

/// A date and time with an offset as RFC 3339, section 5.6, has it; jiff alone takes more.
fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let at = |place: usize| text.as_bytes().get(place).copied();
    let is_full =
        [(10, b'T'), (13, b':'), (16, b':')].iter().all(|(place, c)| at(*place) == Some(*c));
    let end = text.len().checked_sub(6).filter(|end| *end >= 19);
    let is_offset = |end| matches!((at(end), at(end + 3)), (Some(b'+' | b'-'), Some(b':')));
    let has_offset = text.ends_with('Z') || end.is_some_and(is_offset);
    let is_plain = is_full && has_offset && !text.contains(',');
    let parsed = text.parse().ok().filter(|_| is_plain);
    parsed.map(Some).ok_or_else(|| {
        Problem::malformed(format!(
            "{name} is a moment such as 2026-11-28T09:00:00Z or 2026-11-28T18:00:00%2B09:00, where + is written %2B."
        ))
    })
}

/// A record, as far as it is about the tenant.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = AuditRecord)]
struct RecordView {
    /// When it was, UTC.
    time: String,
    /// What it is about: `request`, `stream-end`, `administration`, or `other`, which the gateway did not write.
    event: String,
    /// By which everything that one request did is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The trace that it belongs to (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// Who asked, by the subject of his token.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// His roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    /// His groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    /// Who issued his token.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// The host.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// The path, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The route.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    /// The assistant.
    #[serde(skip_serializing_if = "Option::is_none")]
    assistant: Option<String>,
    /// `permit` or `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    /// Why it was refused, or a stream broken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why it would have been refused on a route that is on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_deny: Option<String>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How a stream ended: `complete`, `client-gone`, `origin-failed` or `denied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    /// How much had streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// How long until the answer's head, or the stream's end, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_us: Option<u64>,
    /// What was changed, such as `user-left`.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// Of what, such as `user/u-42`.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Which members of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<Vec<String>>,
    /// `command`, where an operator changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Who wrote the record, if not the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
}

impl RecordView {
    /// Of a line that is a record. One whose members are of other kinds than the gateway's is named and no more.
    fn of(line: &[u8]) -> Self {
        let mut view: Self = serde_json::from_slice(line).unwrap_or_else(|_| {
            let Record { time, event, component, .. } = Record::of(line).unwrap_or_default();
            let text =
                |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().into_owned();
            Self {
                time: text(time),
                event: text(event),
                component: component.map(std::borrow::Cow::into_owned),
                ..Self::default()
            }
        });
        if view.event.is_empty() {
            // What another component says is not the gateway's word on a request.
            let event = if view.component.is_none() { REQUEST } else { OTHER };
            event.clone_into(&mut view.event);
        }
        view
    }
}

/// Records.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRecords)]
struct Page {
    /// The newest first. There may be none and still a next page: an answer looks at so much and no more.
    records: Vec<RecordView>,
    /// The `cursor` of the next page, if there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How far back this page has looked, UTC, to the minute, if there may be more. Before `since` there is nothing to look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<String>,
}

/// Search the audit record.
///
/// The tenant's records that the gateway which answers has kept. A request that was refused before its tenant was known
/// is in none of them.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Filter), responses(
    (status = 200, body = Page),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "The record is not kept where the interface can read it"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn search(
    Extension(call): Extension<Call>,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    if !(1..=1000).contains(&filter.limit) {
        return Err(Problem::malformed("limit is 1 to 1000."));
    }
    let bounds = Bounds { records: usize::from(filter.limit), bytes: LOOKED_AT };
    let before = filter.cursor.as_deref().map(str::parse::<Position>).transpose();
    let before = before.map_err(|_| elsewhere())?;
    let query = filter.query(call.scope.tenant())?;
    let trail = call.trail();
    if !trail.is_dir() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "audit-not-here",
            "The audit record is not here",
            "It is not kept where this interface can read it. Who operates the gateway has it.",
        ));
    }
    let page = newest(trail, &query, before.as_ref(), bounds).map_err(|error| match error {
        Error::Elsewhere => elsewhere(),
        error => Problem::unavailable(error.to_string()),
    })?;
    if page.unreadable > 0 {
        let (count, id) = (page.unreadable, &call.request_id);
        eprintln!(
            "administration: {id}: {count} lines of the audit trail are no records: sekisho audit verify"
        );
    }
    Ok(answer(
        &Page {
            records: page.lines.iter().map(|line| RecordView::of(line)).collect(),
            next: page.next.map(|next| next.to_string()),
            reached: page.reached.map(minute),
        },
        None,
    ))
}

/// The minute that ends no earlier than this moment: so far back was looked at least.
fn minute(time: Timestamp) -> String {
    let up = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Ceil);
    time.round(up).unwrap_or(time).to_string()
}

fn elsewhere() -> Problem {
    Problem::malformed(
        "cursor is the next of an answer of this gateway, whose record is still there: another one keeps a record of its own. Begin without it.",
    )
}
