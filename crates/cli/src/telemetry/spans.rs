//! Audit records as spans (OpenTelemetry's semantic conventions for HTTP servers), and the queue in which they wait
//! to be exported. Never the subject, the client's address or the path: who reads traces need not know who asked for what.

use super::names::Known;
use super::record::Record;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use sekisho_core::Timestamp;
use tokio::sync::mpsc;

/// How many spans wait at most; each has a few hundred bytes.
pub(super) const QUEUE: usize = 2048;

/// Flags of a span: the trace's, sampled, and that it is known whether the parent is another process's, which it is
/// (opentelemetry-proto, `SpanFlags`).
const SAMPLED: u32 = 0x01;
const PARENT_IS_REMOTE: u32 = 0x300;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// How many spans came to what end.
#[derive(Clone, Default)]
pub(super) struct Counts(Family<Outcome, Counter>);

impl Counts {
    pub(super) fn family(&self) -> impl prometheus_client::registry::Metric {
        for outcome in ["exported", "failed", "dropped"] {
            drop(self.0.get_or_create(&Outcome { outcome }));
        }
        self.0.clone()
    }

    fn add(&self, outcome: &'static str, spans: usize) {
        self.0.get_or_create(&Outcome { outcome }).inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }

    /// The collector has them.
    pub(super) fn exported(&self, spans: usize) {
        self.add("exported", spans);
    }

    /// The collector did not take them.
    pub(super) fn failed(&self, spans: usize) {
        self.add("failed", spans);
    }

    /// There was no room for them.
    fn dropped(&self) {
        self.add("dropped", 1);
    }
}

/// The way into the queue.
pub(super) struct Queue {
    to: mpsc::Sender<Span>,
    counts: Counts,
}

impl Queue {
    pub(super) fn new(counts: Counts) -> (Self, mpsc::Receiver<Span>) {
        let (to, from) = mpsc::channel(QUEUE);
        (Self { to, counts }, from)
    }

    /// Never waits: a span for which there is no room is dropped, and counted.
    pub(super) fn push(&self, record: &Record<'_>, known: &Known) {
        let Some(span) = span(record, known) else { return };
        if self.to.try_send(span).is_err() {
            self.counts.dropped();
        }
    }
}

/// The span of a sampled request.
fn span(record: &Record<'_>, known: &Known) -> Option<Span> {
    if !record.is_of_a_request() || record.sampled != Some(true) {
        return None;
    }
    let start = record.time?.parse::<Timestamp>().ok()?.as_nanosecond();
    let start = u64::try_from(start).ok()?;
    let mut attributes = vec![
        number("http.response.status_code", i64::from(record.status)),
        text("sekisho.decision", record.decision.unwrap_or_default()),
    ];
    for (key, value) in [
        ("http.request.method", record.method),
        ("http.route", record.route.and_then(|route| known.pattern(route))),
        ("sekisho.route", record.route),
        ("sekisho.tenant", record.tenant),
        ("sekisho.origin", record.origin),
        ("sekisho.reason", record.reason),
        ("sekisho.request_id", record.request_id),
    ] {
        attributes.extend(value.map(|value| text(key, value)));
    }
    let parent_span_id = match record.parent_span_id {
        Some(parent) => bytes(parent, 8)?,
        None => Vec::new(),
    };
    let remote = if parent_span_id.is_empty() { 0 } else { PARENT_IS_REMOTE };
    Some(Span {
        trace_id: bytes(record.trace_id?, 16)?,
        span_id: bytes(record.span_id?, 8)?,
        parent_span_id,
        flags: SAMPLED | remote,
        name: record.route.or(record.method).unwrap_or("request").to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(record.duration_us.saturating_mul(1000)),
        attributes,
        // A refusal is no error of the server's, whoever is at fault for it.
        status: (record.status >= 500)
            .then(|| Status { message: String::new(), code: StatusCode::Error.into() }),
        ..Span::default()
    })
}

/// So many bytes of hexadecimal digits.
fn bytes(digits: &str, length: usize) -> Option<Vec<u8>> {
    let value = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
    (digits.len() == 2 * length).then(|| value.get(16 - length..).map(<[u8]>::to_vec))?
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
