//! How old the keys are that issuers publish, as the store has them; and how many there are.

use super::names::Names;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sekisho_core::Timestamp;
use sekisho_core::policy::{Issuer, KeySource};
use sekisho_core::records::key;
use sekisho_host::KeyValue;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The most records that are read for one answer, and how long that may take.
const RECORDS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfIssuer {
    tenant: Arc<str>,
    issuer: String,
}

/// A published set as the store has it.
#[derive(Deserialize)]
struct Kept {
    fetched: i64,
    jwks: Jwks,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<IgnoredAny>,
}

/// What is told of issuers' keys.
#[derive(Default)]
pub(super) struct Keys {
    age: Family<OfIssuer, Gauge<f64, AtomicU64>>,
    count: Family<OfIssuer, Gauge>,
    unread: Gauge,
}

impl Keys {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let keys = Self::default();
        registry.register(
            "jwks_age_seconds",
            "Time since an issuer's published keys were fetched; it has no series before the first time",
            keys.age.clone(),
        );
        registry.register("jwks_keys", "Keys of an issuer that publishes them", keys.count.clone());
        registry.register(
            "jwks_unread",
            "Issuers whose keys could not be read from the store for this answer, or are too many",
            keys.unread.clone(),
        );
        keys
    }

    /// Reads the records anew.
    pub(super) async fn read(&self, names: &Names, store: &dyn KeyValue, now: Timestamp) {
        let known = names.known();
        let told: HashSet<Arc<str>> = names.told().into_iter().collect();
        let mut asked: Vec<OfIssuer> = Vec::new();
        for tenant in known.policy.tenants() {
            if let Some(name) = told.get(tenant.id().as_str()) {
                let published = tenant.issuers().iter().filter(|issuer| is_published(issuer));
                asked.extend(published.map(|issuer| OfIssuer {
                    tenant: Arc::clone(name),
                    issuer: issuer.name().to_owned(),
                }));
            }
        }
        let mut unread = asked.len();
        // Those that are gone from the policy or from the store must not stay.
        self.age.clear();
        self.count.clear();
        let reading = async {
            for of in asked.iter().take(RECORDS) {
                let [set, _] = key::published(&of.tenant, &of.issuer);
                let Ok(record) = store.get(&set).await else { continue };
                unread -= 1;
                let Some(kept) =
                    record.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
                else {
                    continue;
                };
                let age = Timestamp::from_second(kept.fetched)
                    .map_or(0.0, |fetched| now.duration_since(fetched).as_secs_f64());
                self.age.get_or_create(of).set(age.max(0.0));
                let count = i64::try_from(kept.jwks.keys.len()).unwrap_or(i64::MAX);
                self.count.get_or_create(of).set(count);
            }
        };
        // What was not read by then is counted.
        let _ = tokio::time::timeout(PATIENCE, reading).await;
        self.unread.set(i64::try_from(unread).unwrap_or(i64::MAX));
    }
}

fn is_published(issuer: &Issuer) -> bool {
    matches!(issuer.keys(), KeySource::Published { .. })
}
