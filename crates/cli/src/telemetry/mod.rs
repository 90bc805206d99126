//! What a running gateway tells of itself: metrics for Prometheus and spans for an OpenTelemetry collector.
//!
//! Both come from the audit records that the component prints, and from what the host says of its own work. Whoever
//! counts or traces never makes a request wait.
//!
//! | place | what |
//! | --- | --- |
//! | `record` | an audit record, read without copying |
//! | `names` | which names may be labels, and how many |
//! | `requests`, `machine`, `keys` | metrics of records, of the host, of issuers' keys |
//! | `metrics` | all of them, as text |
//! | `listener` | `/metrics`, `/healthz`, `/readyz` |
//! | `spans`, `export` | records as spans, and their way to the collector |

mod export;
mod keys;
mod listener;
mod machine;
mod metrics;
mod names;
mod record;
mod requests;
mod spans;

pub use export::Collector;
pub(crate) use export::variable;

use crate::report::{Failure, say};
use export::Exporter;
use listener::Watched;
use metrics::Metrics;
use names::Names;
use record::Record;
use sekisho_core::Policy;
use sekisho_host::{Host, HostConfig, Stream};
use spans::{Counts, Queue};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How many tenants have a name of their own in metrics, if nobody says otherwise.
pub const TENANTS: usize = 200;

/// By which a component learns that the gateway records traces, and how many.
const RATIO: &str = "SEKISHO_TRACE_RATIO";

/// How long the exporter may take to end.
const LAST: Duration = Duration::from_secs(5);

/// What a gateway is to tell.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where metrics are asked for.
    pub metrics: Option<SocketAddr>,
    /// How many tenants have a name of their own.
    pub tenants: usize,
    /// Where spans go, and how many of the new traces are sampled, from 0 to 1.
    pub spans: Option<(Collector, f64)>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { metrics: None, tenants: TENANTS, spans: None }
    }
}

/// What tells it.
pub(crate) struct Telemetry {
    began: Instant,
    names: Arc<Names>,
    listener: Option<TcpListener>,
    metrics: Option<Arc<Metrics>>,
    is_ready: watch::Sender<bool>,
    is_ending: watch::Sender<bool>,
    exporter: Option<JoinHandle<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Telemetry {
    /// Prepares the host for what is wanted, and listens.
    pub(crate) async fn prepare(
        wanted: Wanted,
        policy: Arc<Policy>,
        config: &mut HostConfig,
    ) -> Result<Self, Failure> {
        let names = Arc::new(Names::new(policy, wanted.tenants));
        let counts = Counts::default();
        let mut telemetry = Self {
            began: Instant::now(),
            names: Arc::clone(&names),
            listener: None,
            metrics: None,
            is_ready: watch::Sender::new(false),
            is_ending: watch::Sender::new(false),
            exporter: None,
            serving: None,
        };
        if let Some(addr) = wanted.metrics {
            telemetry.listener = Some(listener::bind(addr).await?);
            telemetry.metrics = Some(Arc::new(Metrics::new(Arc::clone(&names), &counts)));
        }
        let mut queue = None;
        if let Some((collector, ratio)) = wanted.spans {
            if collector.is_overheard() {
                say("spans go to another machine without TLS");
            }
            config.environment.insert(RATIO.to_owned(), ratio.to_string());
            let (to, from) = Queue::new(counts.clone());
            let exporter = Exporter::new(collector, counts)?;
            let ending = telemetry.is_ending.subscribe();
            telemetry.exporter = Some(tokio::spawn(exporter.run(from, ending)));
            queue = Some(to);
        }
        if let Some(metrics) = telemetry.metrics.clone() {
            config.observer = Some(Arc::new(move |event| metrics.event(event)));
        }
        let metrics = telemetry.metrics.clone();
        if metrics.is_some() || queue.is_some() {
            config.taps.push(Arc::new(move |_, stream, line| {
                if stream == Stream::Out {
                    note(line, metrics.as_deref(), queue.as_ref(), &names);
                }
            }));
        }
        Ok(telemetry)
    }

    /// The host serves.
    pub(crate) fn started(&mut self, host: &Host) {
        self.is_ready.send_replace(true);
        let Some((listener, metrics)) = self.listener.take().zip(self.metrics.clone()) else {
            return;
        };
        metrics.started(host.meter(), self.began.elapsed());
        let (store, is_ready) = (host.store("default"), self.is_ready.subscribe());
        let watched = Arc::new(Watched { metrics, store, is_ready });
        self.serving = Some(tokio::spawn(listener::serve(listener, watched)));
    }

    /// Another policy is in force, or was not sound.
    pub(crate) fn reloaded(&self, policy: Option<Arc<Policy>>) {
        let ok = policy.is_some();
        if let Some(policy) = policy {
            self.names.replace(policy);
        }
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(ok);
        }
    }

    /// The gateway ends: whoever asks whether it is ready is told so.
    pub(crate) fn ending(&self) {
        self.is_ready.send_replace(false);
    }

    /// The gateway has ended: sends the spans that wait.
    pub(crate) async fn end(mut self) {
        self.is_ending.send_replace(true);
        if let Some(exporter) = self.exporter.take() {
            // One that hangs ends with the process.
            let _ = tokio::time::timeout(LAST, exporter).await;
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.serving.iter().chain(&self.exporter).for_each(JoinHandle::abort);
    }
}

/// Counts and traces what a component printed, if it is an audit record.
fn note(line: &[u8], metrics: Option<&Metrics>, queue: Option<&Queue>, names: &Names) {
    match Record::parse(line) {
        Ok(None) => {}
        Ok(Some(record)) => {
            if let Some(metrics) = metrics {
                metrics.record(&record);
            }
            if let Some(queue) = queue {
                queue.push(&record, &names.known());
            }
        }
        Err(_) => {
            if let Some(metrics) = metrics {
                metrics.unreadable();
            }
        }
    }
}

#[cfg(test)]
mod tests;
