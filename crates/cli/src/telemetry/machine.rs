//! What the host alone knows: instances, connections, the store, origins.

use super::names::Names;
use super::requests::{Times, histogram};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use sekisho_host::{Event, Meter, Refused};
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ToOrigin {
    origin: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOrigin {
    origin: Arc<str>,
}

/// What the host's events are counted into.
pub(super) struct Machine {
    names: Arc<Names>,
    refused: Family<Cause, Counter>,
    state: Times<Operation>,
    connections: Family<ToOrigin, Counter>,
    connecting: Times<OfOrigin>,
    requests: Family<ToOrigin, Counter>,
    answering: Times<OfOrigin>,
}

impl Machine {
    pub(super) fn register(names: Arc<Names>, registry: &mut Registry) -> Self {
        let all = Self {
            names,
            refused: Family::default(),
            state: Times::new_with_constructor(histogram),
            connections: Family::default(),
            connecting: Times::new_with_constructor(histogram),
            requests: Family::default(),
            answering: Times::new_with_constructor(histogram),
        };
        for cause in Refused::ALL {
            // From the start, so that the first one is an increase.
            drop(all.refused.get_or_create(&Cause { cause: cause.code() }));
        }
        registry.register(
            "host_refusals",
            "Requests and connections that the host refused itself; they have no audit record",
            all.refused.clone(),
        );
        registry.register(
            "state_operation_duration_seconds",
            "Time that the key-value store took",
            all.state.clone(),
        );
        registry.register(
            "origin_connections",
            "Connections that were opened to origins, or were not",
            all.connections.clone(),
        );
        registry.register(
            "origin_connect_duration_seconds",
            "Time that name, TCP and TLS took",
            all.connecting.clone(),
        );
        registry.register("origin_requests", "Requests to origins", all.requests.clone());
        registry.register(
            "origin_request_duration_seconds",
            "Time from a request to an origin to its answer's head",
            all.answering.clone(),
        );
        all
    }

    pub(super) fn count(&self, event: &Event<'_>) {
        match event {
            Event::Refused(why) => {
                self.refused.get_or_create(&Cause { cause: why.code() }).inc();
            }
            Event::State { operation, ok, took } => {
                let labels = Operation { operation, outcome: outcome(*ok) };
                self.state.get_or_create(&labels).observe(took.as_secs_f64());
            }
            Event::Connected { to, ok, took } => {
                let origin = self.names.origin_at(to);
                let outcome = outcome(*ok);
                let labels = ToOrigin { origin: Arc::clone(&origin), outcome };
                self.connections.get_or_create(&labels).inc();
                self.connecting.get_or_create(&OfOrigin { origin }).observe(took.as_secs_f64());
            }
            Event::Sent { to, outcome, took } => {
                let origin = self.names.origin_at(to);
                let labels = ToOrigin { origin: Arc::clone(&origin), outcome: outcome.code() };
                self.requests.get_or_create(&labels).inc();
                self.answering.get_or_create(&OfOrigin { origin }).observe(took.as_secs_f64());
            }
        }
    }
}

fn outcome(ok: bool) -> &'static str {
    if ok { "ok" } else { "failed" }
}

/// What is in use, read when it is asked for.
pub(super) struct Gauges(pub(super) Meter);

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauges").field(&self.0.read()).finish()
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let used = self.0.read();
        for (name, help, value) in [
            ("instances", "Instances of components that are alive", used.instances),
            ("connections", "Connections of clients that are open", used.connections),
            (
                "requests_in_progress",
                "Requests in progress, answers that stream among them",
                used.requests,
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let compiled = ConstGauge::new(self.0.compiled_in().as_secs_f64());
        let help = "Time to compile the components, or to read them from the cache";
        let name = "compile_seconds";
        compiled.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }
}
