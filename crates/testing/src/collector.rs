//! An OpenTelemetry collector, as a double that remembers the spans it was sent.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
pub use opentelemetry_proto::tonic::common::v1::any_value::Value;
pub use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::body;
use crate::server::{Listen, Server};

/// The most bytes of one request.
const LARGEST: usize = 4 << 20;

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Up,
    /// 503 to everything.
    Down,
    /// It takes everything and answers nothing.
    Silent,
}

/// A running collector; dropping it closes its port and its connections.
pub struct Collector {
    server: Server,
    seen: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    /// Starts listening on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn start(mode: Mode) -> io::Result<Self> {
        let seen = Arc::<Mutex<Vec<Span>>>::default();
        let spans = Arc::clone(&seen);
        let handler = move |request: http::Request<hyper::body::Incoming>, _| {
            let spans = Arc::clone(&spans);
            async move {
                let (head, content) = request.into_parts();
                let is_otlp = head.method == "POST"
                    && head.uri.path() == "/v1/traces"
                    && head
                        .headers
                        .get("content-type")
                        .is_some_and(|t| t == "application/x-protobuf");
                let read = body::read(content, LARGEST).await.ok();
                let sent = read.and_then(|bytes| ExportTraceServiceRequest::decode(bytes).ok());
                let status = match (mode, sent) {
                    (Mode::Silent, _) => std::future::pending().await,
                    (Mode::Up, Some(sent)) if is_otlp => {
                        let scopes =
                            sent.resource_spans.into_iter().flat_map(|all| all.scope_spans);
                        let mut seen = spans.lock().unwrap_or_else(PoisonError::into_inner);
                        seen.extend(scopes.flat_map(|scope| scope.spans));
                        StatusCode::OK
                    }
                    (Mode::Up, _) => StatusCode::BAD_REQUEST,
                    (Mode::Down, _) => StatusCode::SERVICE_UNAVAILABLE,
                };
                let content = ExportTraceServiceResponse::default().encode_to_vec();
                let mut response = Response::new(body::full(content));
                *response.status_mut() = status;
                Ok(response)
            }
        };
        Ok(Self { server: Server::start(Listen::default(), handler).await?, seen })
    }

    /// Its base address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
