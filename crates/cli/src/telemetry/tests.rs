use super::*;
use crate::policy_dir;
use sekisho_core::audit::{Outcome, record};
use sekisho_core::trace::Trace;
use sekisho_core::{Denial, Facts, Headers, Reason, Request, Scheme};
use sekisho_host::{Opened, State};
use std::fmt::Write as _;
use std::path::Path;

fn policy() -> Arc<Policy> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Arc::new(policy_dir::load(&root.join("policy")).unwrap().1)
}

fn request() -> Request {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Request {
        method: "POST".into(),
        scheme: Scheme::Https,
        authority: None,
        target: "/".into(),
        headers: Headers::new(vec![("traceparent".into(), parent.as_bytes().to_vec())]),
        peer: None,
        in_flight: None,
        request_id: "0123456789abcdef0123456789abcdef".into(),
        trace_ratio: Some(1.0),
    }
}

/// The record of a request of this tenant's and route, as the component prints it.
fn line(policy: &Policy, tenant: &str, route: &str, denied: Option<Reason>) -> String {
    let facts = Facts {
        request_id: "r".into(),
        trace: Trace::of(&request()),
        method: Some("POST"),
        path: Some("/a\"b\\c".into()),
        tenant: policy.tenants().iter().find(|known| known.id().as_str() == tenant),
        route: policy.routes().iter().find(|known| known.id() == route),
        ..Facts::default()
    };
    let denial = denied.map(|reason| Denial::new(reason, "a \"quoted\" detail"));
    let outcome = match &denial {
        None => Outcome::Permitted(200),
        Some(denial) => Outcome::Denied(denial, denial.reason().status()),
    };
    let time = "2026-11-22T09:00:00.25Z".parse().unwrap();
    record(&facts, outcome, Some("digest"), time, Duration::from_millis(7))
}

async fn text(metrics: &Metrics) -> String {
    let Opened::Store(store) = sekisho_host::open(&State::Memory).unwrap() else { panic!() };
    metrics.text(&*store).await.unwrap()
}

fn metrics(tenants: usize) -> (Metrics, Arc<Names>, Arc<Policy>) {
    let policy = policy();
    let names = Arc::new(Names::new(Arc::clone(&policy), tenants));
    (Metrics::new(Arc::clone(&names), &Counts::default()), names, policy)
}

#[tokio::test]
async fn records_are_counted() {
    let (metrics, names, policy) = metrics(1);
    let lines = [
        line(&policy, "acme", "chat", None),
        line(&policy, "acme", "chat", None),
        line(&policy, "acme", "chat", Some(Reason::NetworkNotAllowed)),
        line(&policy, "globex", "chat", None),
        line(&policy, "", "", Some(Reason::TenantUnknown)),
    ];
    for line in &lines {
        note(line.as_bytes(), Some(&metrics), None, &names);
    }
    for other in ["{\"v\":2}", "{\"v\":1,\"tenant\":7}", "{\"v\":1", "not a record", ""] {
        note(other.as_bytes(), Some(&metrics), None, &names);
    }
    let text = text(&metrics).await;
    for (series, want) in [
        (
            "sekisho_requests_total{tenant=\"acme\",route=\"chat\",decision=\"permit\",reason=\"\"}",
            2,
        ),
        (
            "sekisho_requests_total{tenant=\"acme\",route=\"chat\",decision=\"deny\",reason=\"network-not-allowed\"}",
            1,
        ),
        (
            "sekisho_requests_total{tenant=\"other\",route=\"chat\",decision=\"permit\",reason=\"\"}",
            1,
        ),
        (
            "sekisho_requests_total{tenant=\"\",route=\"\",decision=\"deny\",reason=\"tenant-unknown\"}",
            1,
        ),
        ("sekisho_responses_total{route=\"chat\",status=\"2xx\"}", 3),
        ("sekisho_request_duration_seconds_count{route=\"chat\",decision=\"permit\"}", 3),
        (
            "sekisho_request_duration_seconds_bucket{route=\"chat\",decision=\"permit\",le=\"0.005\"}",
            0,
        ),
        (
            "sekisho_request_duration_seconds_bucket{route=\"chat\",decision=\"permit\",le=\"0.01\"}",
            3,
        ),
        ("sekisho_records_unread_total", 3),
    ] {
        assert!(text.lines().any(|line| line == format!("{series} {want}")), "{series}\n{text}");
    }
}

#[tokio::test]
async fn the_end_of_a_stream_is_no_second_request() {
    let (metrics, names, _) = metrics(200);
    let end = "{\"v\":1,\"event\":\"stream-end\",\"time\":\"2026-11-22T09:00:00Z\",\"request_id\":\"r\",\
        \"tenant\":\"acme\",\"route\":\"chat\",\"end\":\"denied\",\"reason\":\"session-revoked\",\
        \"bytes\":12,\"duration_us\":2000000}";
    note(end.as_bytes(), Some(&metrics), None, &names);
    let text = text(&metrics).await;
    let ended =
        "sekisho_streams_ended_total{route=\"chat\",end=\"denied\",reason=\"session-revoked\"} 1";
    assert!(text.contains(ended), "{text}");
    assert!(text.contains("sekisho_stream_bytes_total{route=\"chat\"} 12"), "{text}");
    assert!(!text.contains("sekisho_requests_total{"), "{text}");
}

#[tokio::test]
async fn whatever_stands_in_records_makes_no_more_series_than_the_policy() {
    let (metrics, names, policy) = metrics(200);
    let permitted = line(&policy, "acme", "chat", None);
    note(permitted.as_bytes(), Some(&metrics), None, &names);
    let before = text(&metrics).await.lines().count();
    for n in 0..2000 {
        let invented = permitted
            .replace("\"acme\"", &format!("\"t{n}\""))
            .replace("\"chat\"", &format!("\"r{n}\""))
            .replace("\"permit\"", &format!("\"d{n}\""))
            .replace("\"reason\":null", &format!("\"reason\":\"r{n}\""));
        note(invented.as_bytes(), Some(&metrics), None, &names);
    }
    let text = text(&metrics).await;
    let other = "{tenant=\"other\",route=\"other\",decision=\"other\",reason=\"other\"} 2000";
    assert!(text.contains(other), "{text}");
    // One series of each counter, and the series of one histogram.
    assert!(text.lines().count() <= before + 2 + 19, "{text}");
}

#[test]
fn a_sampled_record_is_a_span() {
    let policy = policy();
    let names = Names::new(Arc::clone(&policy), 200);
    let counts = Counts::default();
    let (queue, mut spans) = Queue::new(counts);
    let denied = line(&policy, "acme", "chat", Some(Reason::OriginFailed));
    note(denied.as_bytes(), None, Some(&queue), &names);
    let span = spans.try_recv().unwrap();
    assert_eq!(span.name, "chat");
    let trace = Trace::of(&request()).unwrap();
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    };
    assert_eq!(hex(&span.trace_id), trace.id());
    assert_eq!(hex(&span.span_id), trace.span().unwrap());
    assert_eq!(hex(&span.parent_span_id), trace.parent().unwrap());
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 7_000_000);
    assert_eq!(span.start_time_unix_nano % 1_000_000_000, 250_000_000);
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    let all = format!("{:?}", span.attributes);
    let route = "/api/assistants/{assistant}/chat";
    for said in ["acme", "deny", "origin-failed", route, "POST", "502"] {
        assert!(all.contains(said), "{said} in {all}");
    }

    let unsampled = denied.replace("\"sampled\":true", "\"sampled\":false");
    assert_ne!(unsampled, denied);
    note(unsampled.as_bytes(), None, Some(&queue), &names);
    assert!(spans.try_recv().is_err());
}

#[test]
fn a_full_queue_drops_and_counts() {
    let policy = policy();
    let names = Names::new(Arc::clone(&policy), 200);
    let counts = Counts::default();
    let metrics = Metrics::new(Arc::new(Names::new(Arc::clone(&policy), 200)), &counts);
    let (queue, _spans) = Queue::new(counts);
    let line = line(&policy, "acme", "chat", None);
    for _ in 0..spans::QUEUE + 5 {
        note(line.as_bytes(), None, Some(&queue), &names);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = runtime.block_on(text(&metrics));
    assert!(text.contains("sekisho_spans_total{outcome=\"dropped\"} 5"), "{text}");
}
