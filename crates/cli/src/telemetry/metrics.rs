//! All metrics, and their text.

use super::keys::Keys;
use super::machine::{Gauges, Machine};
use super::names::Names;
use super::record::Record;
use super::requests::Requests;
use super::spans::Counts;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use sekisho_core::{Policy, Timestamp};
use sekisho_host::{Event, KeyValue, Meter};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    names: Arc<Names>,
    requests: Requests,
    machine: Machine,
    keys: tokio::sync::Mutex<Keys>,
    in_force: Arc<InForce>,
    reloads: Family<Outcome, Counter>,
}

impl Metrics {
    pub(super) fn new(names: Arc<Names>, spans: &Counts) -> Self {
        let mut registry = Registry::with_prefix("sekisho");
        let requests = Requests::register(Arc::clone(&names), &mut registry);
        let machine = Machine::register(Arc::clone(&names), &mut registry);
        let keys = Keys::register(&mut registry);
        let in_force = Arc::new(InForce::new(Arc::clone(&names)));
        registry.register_collector(Box::new(Arc::clone(&in_force)));
        let reloads = Family::<Outcome, Counter>::default();
        for outcome in ["ok", "failed"] {
            drop(reloads.get_or_create(&Outcome { outcome }));
        }
        registry.register("policy_reloads", "Reloads of the policy", reloads.clone());
        registry.register("spans", "Spans of sampled requests", spans.family());
        let build = Family::<Build, Gauge>::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build_info", "The version of this program", build);
        let keys = tokio::sync::Mutex::new(keys);
        Self { registry: Mutex::new(registry), names, requests, machine, keys, in_force, reloads }
    }

    /// The host runs; it took so long to start it.
    pub(super) fn started(&self, meter: Meter, took: Duration) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(Gauges(meter)));
        let start = Gauge::<f64, AtomicU64>::default();
        start.set(took.as_secs_f64());
        registry.register(
            "start_seconds",
            "Time that the start took, the components' compilation with it",
            start,
        );
    }

    pub(super) fn record(&self, record: &Record<'_>) {
        self.requests.count(record);
    }

    pub(super) fn unreadable(&self) {
        self.requests.unreadable();
    }

    pub(super) fn event(&self, event: &Event<'_>) {
        self.machine.count(event);
    }

    pub(super) fn reloaded(&self, ok: bool) {
        let outcome = if ok { "ok" } else { "failed" };
        self.reloads.get_or_create(&Outcome { outcome }).inc();
        if ok {
            self.in_force.since.store(seconds_now(), Ordering::Relaxed);
        }
    }

    /// All of it as Prometheus' text format 0.0.4. One answer is made at a time.
    pub(super) async fn text(&self, store: &dyn KeyValue) -> Result<String, fmt::Error> {
        let keys = self.keys.lock().await;
        keys.read(&self.names, store, Timestamp::now()).await;
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

fn seconds_now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

/// The policy in force, as it is when it is asked for.
struct InForce {
    names: Arc<Names>,
    /// When it was read, in seconds since 1970.
    since: AtomicU64,
}

impl InForce {
    fn new(names: Arc<Names>) -> Self {
        Self { names, since: AtomicU64::new(seconds_now()) }
    }

    fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.names.known().policy)
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InForce").field(&self.policy().digest()).finish()
    }
}

impl Collector for InForce {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let policy = self.policy();
        let help = "The digest of the policy in force";
        let mut info = encoder.encode_descriptor("policy_info", help, None, MetricType::Gauge)?;
        let labels = [("digest", policy.digest())];
        ConstGauge::new(1_i64).encode(info.encode_family(&labels)?)?;
        let tenants = i64::try_from(policy.tenants().len()).unwrap_or(i64::MAX);
        let since = i64::try_from(self.since.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        for (name, help, value) in [
            ("policy_tenants", "Tenants of the policy in force", tenants),
            ("policy_loaded_timestamp_seconds", "When the policy in force was read", since),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}
