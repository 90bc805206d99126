//! What a gateway tells of itself: counts that agree with the requests and their records, in a text that Prometheus'
//! own parser reads, and spans that a collector understands.

#![expect(clippy::float_cmp, reason = "counts are whole numbers, which a float has as they are")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http::{Method, Request};
use sekisho_testing::body;
use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::collector::{Collector, Mode, Span, Value as Said};
use sekisho_testing::issuer::{Algorithm, IssuerServer, SigningKey};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pki::Pki;
use sekisho_testing::redis::free_address;
use sekisho_testing::server::Listen;
use serde_json::Value;

use crate::process::{ANY_PORT, Process, Site};
use crate::support::root;

const WITHIN: Duration = Duration::from_secs(20);

/// Python with Prometheus' parser, in a place of its own.
fn python() -> PathBuf {
    let place = root().join("target/python");
    let wanted = root().join("tests/metrics/requirements.txt");
    let has = |python: &PathBuf| {
        let import = Command::new(python).args(["-c", "import prometheus_client.parser"]).output();
        import.is_ok_and(|done| done.status.success())
    };
    let python = place.join("bin/python");
    if !has(&python) {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&place).status();
        assert!(made.unwrap().success(), "python3 -m venv (Debian: apt-get install python3-venv)");
        let mut pip = Command::new(&python);
        let done = pip.args(["-m", "pip", "install", "-q", "-r"]).arg(wanted).status().unwrap();
        assert!(done.success() && has(&python), "pip install prometheus_client");
    }
    python
}

/// Samples by name and labels.
struct Scrape(Vec<(String, BTreeMap<String, String>, f64)>);

impl Scrape {
    /// The sum of all samples of this name and these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |of: &BTreeMap<String, String>| {
            labels.iter().all(|(key, value)| of.get(*key).is_some_and(|is| is == value))
        };
        self.0.iter().filter(|(of, all, _)| of == name && has(all)).map(|(_, _, value)| value).sum()
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _, _)| name.as_str()).collect()
    }
}

async fn get(at: SocketAddr, method: Method, path: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(format!("http://{at}{path}"));
    let answer = Client::plain(at).send(request.body(body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let text = body::read(answer.into_body(), 16 << 20).await.unwrap();
    (status, String::from_utf8(text.to_vec()).unwrap())
}

async fn scrape(at: SocketAddr) -> Scrape {
    let (status, text) = get(at, Method::GET, "/metrics").await;
    assert_eq!(status, 200);
    let mut parser = Command::new(python())
        .arg(root().join("tests/metrics/parse.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    parser.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = parser.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    Scrape(serde_json::from_slice(&output.stdout).unwrap())
}

/// A request over its own connection.
struct Ask<'a> {
    method: Method,
    host: &'a str,
    target: &'a str,
    token: Option<String>,
    traceparent: Option<&'a str>,
}

fn chat(site: &Site) -> Ask<'static> {
    Ask {
        method: Method::POST,
        host: "acme.localhost",
        target: "/api/assistants/a1/chat",
        token: Some(site.token("u-42")),
        traceparent: None,
    }
}

async fn ask(site: &Site, gateway: SocketAddr, ask: Ask<'_>) -> u16 {
    let Ask { method, host, target, token, traceparent } = ask;
    let mut request = Request::builder().method(method).uri(format!("https://{host}{target}"));
    for (name, value) in [
        ("authorization", token.map(|token| format!("Bearer {token}"))),
        ("traceparent", traceparent.map(str::to_owned)),
    ] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    // The certificate is for the hosts of the policy: the connection asks for one of them, the request for any.
    let client = site.client(gateway, Protocol::H1);
    let mut on = client.connect("acme.localhost").await.unwrap();
    let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    body::read(answer.into_body(), 1 << 20).await.unwrap();
    status
}

/// A gateway with metrics, and where they are.
fn up(site: &Site, more: &[&str]) -> (Process, SocketAddr) {
    let at = free_address().unwrap();
    let metrics = at.to_string();
    let arguments = [&["--metrics", &metrics], more].concat();
    (site.up_with(ANY_PORT, &arguments, &[]), at)
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_those_of_the_requests() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let (gateway, at) = up(&site, &[]);
    let before = scrape(at).await;
    assert_eq!(before.sum("sekisho_requests_total", &[]), 0.0);

    for _ in 0..5 {
        assert_eq!(ask(&site, gateway.addr, chat(&site)).await, 200);
    }
    for _ in 0..3 {
        assert_eq!(ask(&site, gateway.addr, Ask { token: None, ..chat(&site) }).await, 401);
    }
    let wrong = Ask { host: "globex.localhost", ..chat(&site) };
    assert_eq!(ask(&site, gateway.addr, wrong).await, 403);
    assert_eq!(ask(&site, gateway.addr, Ask { target: "/gone", ..chat(&site) }).await, 404);
    let unknown = Ask { host: "unknown.localhost", ..chat(&site) };
    assert_eq!(ask(&site, gateway.addr, unknown).await, 404);

    let seen = scrape(at).await;
    let count = |tenant, route, decision, reason| {
        let labels =
            [("tenant", tenant), ("route", route), ("decision", decision), ("reason", reason)];
        seen.sum("sekisho_requests_total", &labels)
    };
    assert_eq!(count("acme", "chat", "permit", ""), 5.0);
    assert_eq!(count("acme", "chat", "deny", "token-missing"), 3.0);
    assert_eq!(count("acme", "", "deny", "route-not-found"), 1.0);
    assert_eq!(count("", "", "deny", "tenant-unknown"), 1.0);
    assert_eq!(seen.sum("sekisho_requests_total", &[]), 11.0);

    // The same as the records say, one by one.
    let mut records = BTreeMap::<[String; 4], f64>::new();
    for record in site.audit().iter().filter(|record| record["event"].is_null()) {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        *records.entry(["tenant", "route", "decision", "reason"].map(text)).or_default() += 1.0;
    }
    for ([tenant, route, decision, reason], want) in &records {
        assert_eq!(count(tenant, route, decision, reason), *want, "{tenant} {route} {reason}");
    }
    assert_eq!(records.values().sum::<f64>(), 11.0);

    let timed = [("route", "chat"), ("decision", "permit")];
    assert_eq!(seen.sum("sekisho_request_duration_seconds_count", &timed), 5.0);
    assert!(seen.sum("sekisho_request_duration_seconds_sum", &timed) > 0.0);
    let read = [("operation", "get"), ("outcome", "ok")];
    let looked = seen.sum("sekisho_state_operation_duration_seconds_count", &read);
    assert!(looked >= 5.0, "each token is looked up: {looked}");
    let sent = [("origin", "assistant"), ("outcome", "answered")];
    assert_eq!(seen.sum("sekisho_origin_requests_total", &sent), 5.0);
    assert!(seen.sum("sekisho_origin_connections_total", &[("origin", "assistant")]) >= 1.0);
    assert!(seen.sum("sekisho_instances", &[]) >= 1.0);
    assert_eq!(seen.sum("sekisho_requests_in_progress", &[]), 0.0);
    assert!(seen.sum("sekisho_compile_seconds", &[]) > 0.0);
    assert_eq!(seen.sum("sekisho_policy_tenants", &[]), 2.0);
    assert_eq!(seen.sum("sekisho_records_unread_total", &[]), 0.0);
    ask(&site, gateway.addr, chat(&site)).await;
    let more = scrape(at).await;
    assert!(more.sum("sekisho_state_operation_duration_seconds_count", &read) > looked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_invented_hosts_and_paths_make_no_series() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let (gateway, at) = up(&site, &[]);
    let client = site.client(gateway.addr, Protocol::H1);
    let invent = async |numbers: std::ops::Range<u32>| {
        let mut on = client.connect("acme.localhost").await.unwrap();
        for n in numbers {
            let uris = [
                format!("https://t{n}.invented.example/p{n}"),
                format!("https://acme.localhost/invented/{n}?q={n}"),
            ];
            for uri in uris {
                let request = Request::get(uri).header("x-request-id", format!("i{n}"));
                let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
                assert_eq!(answer.status(), 404);
                body::read(answer.into_body(), 1 << 20).await.unwrap();
            }
        }
    };
    invent(0..1).await;
    let before = scrape(at).await;
    invent(1..1000).await;
    let after = scrape(at).await;
    assert_eq!(after.sum("sekisho_requests_total", &[]), 2000.0);
    assert_eq!(before.names(), after.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_has_metrics_health_and_readiness_alone() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let (gateway, at) = up(&site, &[]);
    for (method, path, want) in [
        (Method::GET, "/metrics", 200),
        (Method::HEAD, "/metrics", 200),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/readyz", 200),
        (Method::POST, "/metrics", 405),
        (Method::DELETE, "/readyz", 405),
        (Method::GET, "/", 404),
        (Method::GET, "/metrics/", 404),
        (Method::POST, "/other", 404),
    ] {
        assert_eq!(get(at, method.clone(), path).await.0, want, "{method} {path}");
    }

    // A stream keeps it from ending at once; meanwhile it is alive and not ready.
    let client = site.client(gateway.addr, Protocol::H1);
    let mut on = client.connect("acme.localhost").await.unwrap();
    let target = "https://acme.localhost/api/assistants/a1/chat?events=100&interval_ms=50";
    let request = Request::post(target)
        .header("accept", "text/event-stream")
        .header("authorization", format!("Bearer {}", site.token("u-42")));
    let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(scrape(at).await.sum("sekisho_requests_in_progress", &[]), 1.0);
    gateway.signal("TERM");
    let told = Instant::now();
    while get(at, Method::GET, "/readyz").await.0 != 503 {
        assert!(told.elapsed() < WITHIN, "it is still ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(get(at, Method::GET, "/healthz").await.0, 200);
    body::read(answer.into_body(), 1 << 20).await.unwrap();
    gateway.wait();
}

/// A site whose tenant acme has an issuer that publishes its keys.
struct Issued {
    idp: IssuerServer,
    site: Site,
    ca: PathBuf,
    _origin: Origin,
}

impl Issued {
    async fn new(edits: Vec<(String, String)>) -> Self {
        let pki = Pki::new().unwrap();
        let tls = pki.server_config(&["127.0.0.1"], &[b"http/1.1"]).unwrap();
        let key = SigningKey::generate(Algorithm::EdDSA, "ed-1").unwrap();
        let idp = IssuerServer::start(Listen::tls(tls), vec![key]).await.unwrap();
        let origin = Origin::start(OriginOptions::default()).await.unwrap();
        let site = Site::new(&origin.url(), edits);
        let url = idp.url();
        for (file, old, new) in [
            (TENANT, "issuer = \"https://issuer.localhost:3481\"", format!("issuer = {url:?}")),
            (TENANT, "jwks_file = \"keys/demo.jwks.json\"", "discovery = true".to_owned()),
            ("spin.toml", ALLOWED, format!("{ALLOWED}{url:?}, ")),
        ] {
            site.edit(file, old, &new);
        }
        let ca = site.file("idp-ca.pem", pki.ca_pem());
        Self { idp, site, ca, _origin: origin }
    }

    fn up(&self) -> (Process, SocketAddr) {
        up(&self.site, &["--origin-ca", self.ca.to_str().unwrap()])
    }

    fn token(&self, role: &str) -> String {
        let issuer = self.idp.issuer();
        let token = issuer.token("acme").subject("u-42").roles([role]);
        token.issued_at(unix_seconds()).sign().unwrap()
    }
}

const TENANT: &str = "policy/tenants/acme.toml";
const ALLOWED: &str = "allowed_outbound_hosts = [";

/// Waits until the published set is in the store: it is written beside the request that needed it.
async fn with_keys(at: SocketAddr) -> Scrape {
    let asked = Instant::now();
    loop {
        let seen = scrape(at).await;
        if seen.names().contains(&"sekisho_jwks_age_seconds") {
            return seen;
        }
        assert!(asked.elapsed() < WITHIN, "the set is not in the store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_published_keys_is_told() {
    let issued = Issued::new(Vec::new()).await;
    let (gateway, at) = issued.up();
    let url = issued.idp.url();
    let labels = [("tenant", "acme"), ("issuer", &*url)];
    let before = scrape(at).await;
    assert!(!before.names().contains(&"sekisho_jwks_age_seconds"), "nobody has asked the issuer");

    let asked = Ask { token: Some(issued.token("member")), ..chat(&issued.site) };
    assert_eq!(ask(&issued.site, gateway.addr, asked).await, 200);
    let first = with_keys(at).await;
    assert_eq!(first.sum("sekisho_jwks_keys", &labels), 1.0);
    assert_eq!(first.sum("sekisho_jwks_unread", &[]), 0.0);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let later = scrape(at).await;
    let ages = [first, later].map(|seen| seen.sum("sekisho_jwks_age_seconds", &labels));
    assert!(ages[0] < WITHIN.as_secs_f64() && ages[1] >= ages[0] + 1.0, "{ages:?}");
}

/// A span's attribute as text.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Said::StringValue(text) => Some(text.clone()),
        Said::IntValue(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

async fn spans(collector: &Collector, count: usize) -> Vec<Span> {
    let asked = Instant::now();
    loop {
        let spans = collector.spans();
        if spans.len() >= count {
            return spans;
        }
        assert!(asked.elapsed() < WITHIN, "{} spans of {count}", spans.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_sees_the_trace_that_the_origin_sees() {
    let collector = Collector::start(Mode::Up).await.unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let url = collector.url();
    let (gateway, at) = up(&site, &["--otlp", &url]);
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let traceparent = format!("00-{trace}-{parent}-01");

    let seen = async |traceparent: Option<&str>| {
        let asked = Ask { traceparent, ..chat(&site) };
        assert_eq!(ask(&site, gateway.addr, asked).await, 200);
        let [seen] = &origin.take_requests()[..] else { panic!("one request") };
        let given: Vec<_> = seen.headers.iter().filter(|(name, _)| name == "traceparent").collect();
        let [(_, given)] = given[..] else { panic!("one traceparent: {given:?}") };
        let parts: Vec<String> = given.split('-').map(str::to_owned).collect();
        assert_eq!((parts.len(), &*parts[0], &*parts[3]), (4, "00", "01"), "{given}");
        (parts[1].clone(), parts[2].clone())
    };
    let continued = seen(Some(&traceparent)).await;
    assert_eq!(continued.0, trace);
    assert_ne!(continued.1, parent, "the gateway's own span");
    let begun = seen(None).await;
    let replaced = seen(Some("00-not-a-trace-01")).await;
    assert_eq!(ask(&site, gateway.addr, Ask { token: None, ..chat(&site) }).await, 401);

    let all = spans(&collector, 4).await;
    let of = |trace: &str| {
        let mut of = all.iter().filter(|span| hex(&span.trace_id) == trace);
        (of.next().unwrap(), of.count())
    };
    for ((trace, span), parent) in [(&continued, parent), (&begun, ""), (&replaced, "")] {
        let (seen, others) = of(trace);
        assert_eq!((hex(&seen.span_id), hex(&seen.parent_span_id)), (span.clone(), parent.into()));
        assert_eq!((&*seen.name, others), ("chat", 0));
        for (key, want) in [
            ("http.request.method", "POST"),
            ("http.route", "/api/assistants/{assistant}/chat"),
            ("http.response.status_code", "200"),
            ("sekisho.tenant", "acme"),
            ("sekisho.decision", "permit"),
        ] {
            assert_eq!(attribute(seen, key).as_deref(), Some(want), "{key}");
        }
        assert_eq!(attribute(seen, "sekisho.reason"), None);
        // The record leads to it.
        let record = site.audit().into_iter().find(|record| record["trace_id"] == **trace).unwrap();
        assert_eq!(
            (&record["span_id"], &record["sampled"]),
            (&(**span).into(), &Value::Bool(true))
        );
        assert!(seen.end_time_unix_nano > seen.start_time_unix_nano);
    }
    let reason =
        |span: &&Span| attribute(span, "sekisho.reason").as_deref() == Some("token-missing");
    assert_eq!(all.iter().filter(reason).count(), 1);
    let all = format!("{all:?}");
    for secret in ["u-42", "127.0.0.1", "Bearer"] {
        assert!(!all.contains(secret), "{secret}");
    }
    let exported = scrape(at).await.sum("sekisho_spans_total", &[("outcome", "exported")]);
    assert_eq!(exported, 4.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_of_nothing_samples_nothing_and_tells_the_origin_so() {
    let collector = Collector::start(Mode::Up).await.unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url())];
    let gateway = site.up_with(ANY_PORT, &["--otlp-ratio", "0"], &environment);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    // Who is no trusted proxy can't have his requests sampled.
    for traceparent in [None, Some(parent)] {
        assert_eq!(ask(&site, gateway.addr, Ask { traceparent, ..chat(&site) }).await, 200);
    }
    for seen in origin.requests() {
        let given = seen.headers.iter().find(|(name, _)| name == "traceparent").unwrap();
        assert!(given.1.ends_with("-00"), "{given:?}");
    }
    gateway.signal("TERM");
    gateway.wait();
    assert_eq!(collector.spans().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_wait_are_sent_when_the_gateway_ends() {
    let collector = Collector::start(Mode::Up).await.unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let url = collector.url();
    let gateway = site.up_with(ANY_PORT, &["--otlp", &url], &[]);
    assert_eq!(ask(&site, gateway.addr, chat(&site)).await, 200);
    gateway.signal("TERM");
    gateway.wait();
    assert_eq!(collector.spans().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_or_is_down_holds_no_request() {
    for mode in [Mode::Silent, Mode::Down] {
        let collector = Collector::start(mode).await.unwrap();
        let origin = Origin::start(OriginOptions::default()).await.unwrap();
        let site = Site::new(&origin.url(), Vec::new());
        let url = collector.url();
        let (gateway, at) = up(&site, &["--otlp", &url]);
        let client = site.client(gateway.addr, Protocol::H1);
        let mut on = client.connect("acme.localhost").await.unwrap();
        // More than wait, are being sent, and fit a batch.
        let count = 4000_u32;
        let mut longest = Duration::ZERO;
        for _ in 0..count {
            let began = Instant::now();
            let request = Request::get("https://acme.localhost/healthz");
            let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), 200);
            body::read(answer.into_body(), 1 << 20).await.unwrap();
            longest = longest.max(began.elapsed());
        }
        assert!(longest < Duration::from_secs(5), "{longest:?}");
        let seen = scrape(at).await;
        let spans = |outcome| seen.sum("sekisho_spans_total", &[("outcome", outcome)]);
        assert_eq!(spans("exported"), 0.0);
        match mode {
            Mode::Silent => assert!(spans("dropped") >= f64::from(count) - 2048.0 - 512.0 * 3.0),
            _ => assert!(spans("failed") > 0.0),
        }
        let told = Instant::now();
        gateway.signal("TERM");
        gateway.wait();
        assert!(told.elapsed() < Duration::from_secs(15), "it ends all the same");
    }
}

/// The names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("sekisho_"))
        .map(str::to_owned)
        .collect()
}

/// Every query below a value of JSON.
fn queries(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == "expr" || name == "query" => vec![text.clone()],
                value => queries(value),
            })
            .collect(),
        Value::Array(all) => all.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_and_page_name_what_is_exported() {
    // A metric without a series is not written: everything that is counted happens once.
    let dry = ("id = \"files\"\n".to_owned(), "id = \"files\"\nenforce = false\n".to_owned());
    let issued = Issued::new(vec![dry]).await;
    let (gateway, at) = issued.up();
    for (target, role, method) in [
        ("/api/assistants/a1/chat?events=1&interval_ms=1", "member", Method::POST),
        ("/api/files/a/echo", "guest", Method::GET),
        ("/api/files/a/download?bytes=9&chunked=1", "member", Method::GET),
    ] {
        let asked = Ask { method, target, token: Some(issued.token(role)), ..chat(&issued.site) };
        assert_eq!(ask(&issued.site, gateway.addr, asked).await, 200, "{target}");
    }
    with_keys(at).await;
    let asked = Instant::now();
    let text = loop {
        let (_, text) = get(at, Method::GET, "/metrics").await;
        if text.contains("sekisho_streams_ended_total{") {
            break text;
        }
        assert!(asked.elapsed() < WITHIN, "no stream has ended");
    };
    let exported: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    assert!(exported.len() > 25, "{text}");
    let is_exported = |name: &str| {
        let of_a_histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .any(|name| exported.get(name) == Some(&"histogram"));
        of_a_histogram || exported.get(name).is_some_and(|kind| *kind != "histogram")
    };
    let dashboard = std::fs::read_to_string(root().join("deploy/grafana/sekisho.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let asked: BTreeSet<String> =
        queries(&dashboard).iter().flat_map(|query| named(query)).collect();
    assert!(asked.len() > 15, "{asked:?}");
    let unknown: Vec<_> = asked.iter().filter(|name| !is_exported(name)).collect();
    assert!(unknown.is_empty(), "the dashboard asks for {unknown:?}");

    let page = named(&std::fs::read_to_string(root().join("docs/metrics.md")).unwrap());
    let untold: Vec<_> = exported.keys().filter(|name| !page.contains(**name)).collect();
    assert!(untold.is_empty(), "docs/metrics.md has not {untold:?}");
    let invented: Vec<_> = page
        .iter()
        .filter(|name| !is_exported(name) && !exported.contains_key(name.as_str()))
        .collect();
    assert!(invented.is_empty(), "docs/metrics.md has {invented:?}");
}
