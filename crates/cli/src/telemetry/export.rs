//! Spans to an OpenTelemetry collector: OTLP as protobuf over HTTP (OTLP specification, section "OTLP/HTTP").

use super::spans::{Counts, text};
use crate::report::{Failure, say};
use crate::text::printable;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use percent_encoding::percent_decode_str;
use prost::Message as _;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// The most spans of one request, and how long the first of them waits for others.
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take, and how long all that waits may take when the gateway ends.
const PATIENCE: Duration = Duration::from_secs(10);
const LAST: Duration = Duration::from_secs(3);
/// How often failures are told.
const TOLD: Duration = Duration::from_mins(1);
const ANSWER: usize = 64 * 1024;

/// Where spans go.
#[derive(Clone, Debug)]
pub struct Collector {
    address: Uri,
    /// Credentials of the collector's may be among them.
    headers: HeaderMap,
    service: String,
}

impl Collector {
    /// The collector at this base address, with what the environment says besides: `OTEL_EXPORTER_OTLP_HEADERS` and
    /// `OTEL_SERVICE_NAME`.
    pub fn at(endpoint: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::invalid(format!("spans cannot be sent to this address: {why}"))
                .help("give --otlp the collector's base address, such as http://127.0.0.1:4318")
        };
        if let Some(protocol) = variable("OTEL_EXPORTER_OTLP_PROTOCOL")
            && protocol != "http/protobuf"
        {
            return Err(wrong(
                "OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf, the one that is spoken here",
            ));
        }
        let base: Uri = endpoint.parse().map_err(|_| wrong("it is no address"))?;
        let authority = base.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("credentials belong in OTEL_EXPORTER_OTLP_HEADERS"));
        }
        if !matches!(base.scheme_str(), Some("http" | "https")) || base.query().is_some() {
            return Err(wrong("it is not http:// or https:// with a path at most"));
        }
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let address = address.parse().map_err(|_| wrong("it is no address"))?;
        let headers = variable("OTEL_EXPORTER_OTLP_HEADERS")
            .map_or_else(|| Some(HeaderMap::new()), |text| headers(&text))
            .ok_or_else(|| wrong("OTEL_EXPORTER_OTLP_HEADERS is not name=value,name=value"))?;
        let service = variable("OTEL_SERVICE_NAME").unwrap_or_else(|| "sekisho".to_owned());
        Ok(Self { address, headers, service })
    }

    /// It is on another machine and hears in the clear.
    pub(super) fn is_overheard(&self) -> bool {
        let host = self.address.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_here = host == "localhost"
            || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        self.address.scheme_str() == Some("http") && !is_here
    }
}

/// A variable that is set to something (OpenTelemetry: empty is as not set).
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `name=value,name=value`, values percent-encoded.
fn headers(text: &str) -> Option<HeaderMap> {
    let header = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
    };
    text.split(',').map(header).collect()
}

/// Sends what waits in the queue.
pub(super) struct Exporter {
    collector: Collector,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    counts: Counts,
    /// When a failure was told last, and how many spans have failed since.
    told: Option<Instant>,
    untold: usize,
}

impl Exporter {
    pub(super) fn new(collector: Collector, counts: Counts) -> Result<Self, Failure> {
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| {
                Failure::fault(format!("cannot set up TLS to the collector: {error}"))
            })?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self { collector, client, counts, told: None, untold: 0 })
    }

    /// Sends batches until `ending`, and then what is left, as far as the collector takes it in a moment.
    pub(super) async fn run(
        mut self,
        mut from: mpsc::Receiver<Span>,
        mut ending: watch::Receiver<bool>,
    ) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                count = from.recv_many(&mut batch, BATCH) => if count == 0 { return },
                _ = ending.wait_for(|ending| *ending) => break,
            }
            let full = async {
                while batch.len() < BATCH {
                    let room = BATCH - batch.len();
                    if from.recv_many(&mut batch, room).await == 0 {
                        break;
                    }
                }
            };
            tokio::select! {
                () = full => {}
                () = tokio::time::sleep(DELAY) => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
            tokio::select! {
                () = self.send(batch, PATIENCE) => {}
                () = ended_for(&mut ending, LAST) => break,
            }
        }
        let until = Instant::now() + LAST;
        loop {
            let mut batch = Vec::new();
            while batch.len() < BATCH
                && let Ok(span) = from.try_recv()
            {
                batch.push(span);
            }
            let left = until.saturating_duration_since(Instant::now());
            if batch.is_empty() || left.is_zero() {
                return;
            }
            self.send(batch, left).await;
        }
    }

    async fn send(&mut self, spans: Vec<Span>, patience: Duration) {
        let count = spans.len();
        let why = match tokio::time::timeout(patience, self.ask(spans)).await {
            Ok(Ok(rejected)) => {
                self.counts.exported(count.saturating_sub(rejected));
                if rejected == 0 {
                    return;
                }
                self.counts.failed(rejected);
                self.untold += rejected;
                "it rejected them".to_owned()
            }
            Ok(Err(why)) => self.fail(count, why),
            Err(_) => self.fail(count, "it did not answer in time".to_owned()),
        };
        if self.told.is_none_or(|told| told.elapsed() >= TOLD) {
            let (address, untold) = (&self.collector.address, self.untold);
            say(format_args!(
                "{untold} spans could not be exported to {address}: {}",
                printable(&why)
            ));
            self.told = Some(Instant::now());
            self.untold = 0;
        }
    }

    fn fail(&mut self, count: usize, why: String) -> String {
        self.counts.failed(count);
        self.untold += count;
        why
    }

    /// How many of them the collector rejects.
    async fn ask(&self, spans: Vec<Span>) -> Result<usize, String> {
        let mut request = Request::new(Full::from(self.encoded(spans)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.collector.address.clone();
        request.headers_mut().clone_from(&self.collector.headers);
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        request.headers_mut().insert(header::CONTENT_TYPE, protobuf);
        let answer = self.client.request(request).await.map_err(|error| cause(&error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("it answers with status {}", status.as_u16()));
        }
        let body = Limited::new(answer.into_body(), ANSWER).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let rejected = ExportTraceServiceResponse::decode(body)
            .ok()
            .and_then(|answer| answer.partial_success)
            .map_or(0, |partial| partial.rejected_spans);
        Ok(usize::try_from(rejected).unwrap_or(0))
    }

    fn encoded(&self, spans: Vec<Span>) -> Bytes {
        let attributes = vec![
            text("service.name", &self.collector.service),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let scope = InstrumentationScope {
            name: "sekisho".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
        let resource = Some(Resource { attributes, ..Resource::default() });
        let resource_spans =
            vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
    }
}

/// Resolves so long after the end began.
async fn ended_for(ending: &mut watch::Receiver<bool>, time: Duration) {
    // Nobody can begin the end any more where nobody holds the other side: that is the end, too.
    let _ = ending.wait_for(|ending| *ending).await;
    tokio::time::sleep(time).await;
}

/// The last of an error's causes, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let path = |endpoint: &str| Collector::at(endpoint).ok().map(|c| c.address.to_string());
        for (endpoint, want) in [
            ("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces")),
            ("http://127.0.0.1:4318/", Some("http://127.0.0.1:4318/v1/traces")),
            ("https://otlp.example/base/", Some("https://otlp.example/base/v1/traces")),
            ("https://user:secret@otlp.example", None),
            ("https://otlp.example/?a=b", None),
            ("grpc://otlp.example", None),
            ("otlp.example:4318", None),
            ("/v1/traces", None),
            ("", None),
        ] {
            assert_eq!(path(endpoint).as_deref(), want, "{endpoint}");
        }
        let overheard = |endpoint: &str| Collector::at(endpoint).unwrap().is_overheard();
        assert!(overheard("http://otlp.example:4318") && overheard("http://192.0.2.1:4318"));
        assert!(!overheard("http://localhost:4318") && !overheard("http://[::1]:4318"));
        assert!(!overheard("https://otlp.example"));
    }

    #[test]
    fn headers_of_the_environment() {
        let all = headers("Authorization=Basic%20YTpi, x-scope=a=b").unwrap();
        assert_eq!(all["authorization"], "Basic YTpi");
        assert_eq!(all["x-scope"], "a=b");
        assert!(!format!("{all:?}").contains("YTpi"), "a secret in a log");
        for wrong in ["", "a", "a b=c", "a=%0a", "a=b,"] {
            assert!(headers(wrong).is_none(), "{wrong}");
        }
    }
}
