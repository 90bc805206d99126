//! Requests and streams, counted from their audit records: the component says the same wherever it runs.

use super::names::{Names, OTHER};
use super::record::Record;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sekisho_core::Reason;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Upper bounds, in seconds.
const BUCKETS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// The same of watched answers, which may go on for hours.
const LASTING: [f64; 9] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0];

/// The most series that have a tenant and a route of their own: what every tenant, route and reason make together
/// is more than anybody's store of metrics should hold.
const SERIES: usize = 10_000;

/// A histogram of times.
pub(super) fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// Histograms of times by label.
pub(super) type Times<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Judged {
    tenant: Arc<str>,
    route: Arc<str>,
    decision: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Timed {
    route: Arc<str>,
    decision: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: Arc<str>,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KeptBack {
    route: Arc<str>,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    route: Arc<str>,
    end: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRoute {
    route: Arc<str>,
}

/// What records are counted into.
pub(super) struct Requests {
    names: Arc<Names>,
    judged: Family<Judged, Counter>,
    /// How many of them have a tenant and a route of their own.
    series: AtomicUsize,
    answered: Family<Answered, Counter>,
    kept_back: Family<KeptBack, Counter>,
    took: Times<Timed>,
    ended: Family<Ended, Counter>,
    bytes: Family<OfRoute, Counter>,
    lasted: Times<OfRoute>,
    unread: Counter,
}

impl Requests {
    pub(super) fn register(names: Arc<Names>, registry: &mut Registry) -> Self {
        let all = Self {
            names,
            judged: Family::default(),
            series: AtomicUsize::new(0),
            answered: Family::default(),
            kept_back: Family::default(),
            took: Times::new_with_constructor(histogram),
            ended: Family::default(),
            bytes: Family::default(),
            lasted: Times::new_with_constructor(|| Histogram::new(LASTING)),
            unread: Counter::default(),
        };
        registry.register("requests", "Requests that were judged", all.judged.clone());
        registry.register("responses", "Answers by their class of status", all.answered.clone());
        registry.register(
            "dry_run_denials",
            "Requests that a route in dry run let pass and would have refused",
            all.kept_back.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "Time from a request's arrival to its answer's head",
            all.took.clone(),
        );
        registry.register("streams_ended", "Watched answers that ended", all.ended.clone());
        registry.register("stream_bytes", "Bytes of watched answers", all.bytes.clone());
        registry.register(
            "stream_duration_seconds",
            "Time from a request's arrival to the end of its watched answer",
            all.lasted.clone(),
        );
        registry.register(
            "records_unread",
            "Audit records that could not be read, and are counted nowhere else",
            all.unread.clone(),
        );
        all
    }

    /// A record that nobody can read.
    pub(super) fn unreadable(&self) {
        self.unread.inc();
    }

    pub(super) fn count(&self, record: &Record<'_>) {
        let route = self.names.route(record.route);
        let took = Duration::from_micros(record.duration_us).as_secs_f64();
        let reason = reason(record.reason);
        if !record.is_of_a_request() {
            let end = end(record.end);
            self.ended.get_or_create(&Ended { route: Arc::clone(&route), end, reason }).inc();
            let route = OfRoute { route };
            self.bytes.get_or_create(&route).inc_by(record.bytes);
            self.lasted.get_or_create(&route).observe(took);
            return;
        }
        let decision = decision(record.decision);
        let tenant = self.names.tenant(record.tenant);
        let judged = Judged { tenant, route: Arc::clone(&route), decision, reason };
        self.judged.get_or_create(&self.bounded(judged)).inc();
        let status = class(record.status);
        self.answered.get_or_create(&Answered { route: Arc::clone(&route), status }).inc();
        if record.would_deny.is_some() {
            let (route, reason) = (Arc::clone(&route), self::reason(record.would_deny));
            self.kept_back.get_or_create(&KeptBack { route, reason }).inc();
        }
        self.took.get_or_create(&Timed { route, decision }).observe(took);
    }

    fn bounded(&self, judged: Judged) -> Judged {
        // Two that come at once may count one series twice: it is a bound, not a number.
        if self.judged.get(&judged).is_some()
            || self.series.fetch_add(1, Ordering::Relaxed) < SERIES
        {
            return judged;
        }
        Judged { tenant: OTHER.into(), route: OTHER.into(), ..judged }
    }
}

/// A reason's code; empty where there is none.
fn reason(code: Option<&str>) -> &'static str {
    code.map_or("", |code| Reason::from_code(code).map_or(OTHER, Reason::code))
}

fn one_of(text: Option<&str>, all: &[&'static str]) -> &'static str {
    all.iter().find(|known| Some(**known) == text).copied().unwrap_or(OTHER)
}

fn decision(text: Option<&str>) -> &'static str {
    one_of(text, &["permit", "deny"])
}

fn end(text: Option<&str>) -> &'static str {
    one_of(text, &["complete", "client-gone", "origin-failed", "denied"])
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => OTHER,
    }
}
