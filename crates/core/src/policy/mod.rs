//! The policy: what the operator and the tenants wrote, compiled, checked and immutable.
//!
//! | place | what |
//! | --- | --- |
//! | `source` | the TOML, as types; unknown keys are errors |
//! | [`load()`] | from files to a [`Policy`], collecting every fault |
//! | [`deployed`] | from a [`Policy`] to the one file that is deployed, and back, a tenant at a time |
//! | [`fault`] | a mistake with its file, place and remedy |
//! | [`lint`] | what is dangerous in a sound policy |
//! | `edge`, `origin`, `route`, `pattern`, `rewrite`, `limit` | the operator's part, as the road reads it |
//! | `tenant`, `cors`, `issuer` | a customer's part |

mod cors;
pub mod deployed;
mod edge;
pub mod fault;
mod issuer;
mod key_source;
mod limit;
pub mod lint;
mod load;
mod origin;
mod pattern;
mod rewrite;
mod route;
mod sessions;
mod source;
mod tenant;

pub use cors::Cors;
pub use edge::{CDNS, ClientAddress, Edge, ProxySecret, TrustedProxies, UnnamedClient};
pub use fault::{Fault, Severity};
pub use issuer::{ClaimPath, Issuer, TenantProof};
pub use key_source::{KeySource, Published, WebAddress};
pub use limit::{Per, RateLimit};
pub use load::{Checked, Files, MAX_FILE, check, is_policy_file, load, max_size};
pub use origin::{Connections, HostPolicy, Origin, TenantEcho};
pub use pattern::Pattern;
pub use rewrite::Rewrite;
pub(crate) use rewrite::after_prefix;
pub use route::{OwnAnswer, Route, Timeouts};
pub use sessions::Sessions;
#[cfg(feature = "schema")]
pub use source::schema;
pub use tenant::{Directory, Tenant, TenantId};

use crate::request::headers::HeadLimits;
use crate::token::keys::Algorithm;
use crate::token::own::assertion::AssertionRules;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A compiled policy: the operator's part, and tenants. All of them, or the one that a request is
/// for: no rule looks from one tenant to another.
#[derive(Debug)]
pub struct Policy {
    gateway: Arc<Gateway>,
    tenants: Vec<Tenant>,
    hosts: HashMap<String, usize>,
}

/// The operator's part of a policy. What it holds stands in the digest, field by field, unless it
/// is skipped because it is made of the others.
#[derive(Debug, Serialize, Deserialize)]
pub struct Gateway {
    #[serde(skip)]
    digest: String,
    edge: Edge,
    head_limits: HeadLimits,
    concurrency: Option<u32>,
    check_revocation: bool,
    recheck: u32,
    sessions: Option<Sessions>,
    assertion: Option<AssertionRules>,
    origins: BTreeMap<String, Origin>,
    routes: Vec<Route>,
    rate_limits: Vec<RateLimit>,
    #[serde(skip)]
    paths: matchit::Router<Vec<usize>>,
}

impl Policy {
    /// The operator's part with these tenants.
    fn of(gateway: Arc<Gateway>, tenants: Vec<Tenant>) -> Self {
        let hosts = tenants
            .iter()
            .enumerate()
            .flat_map(|(index, tenant)| tenant.hosts.iter().map(move |host| (host.clone(), index)))
            .collect();
        Self { gateway, tenants, hosts }
    }

    /// SHA-256 over all that can change a verdict, as 64 hexadecimal digits: the same for a policy's
    /// files, their compiled form and each tenant's part of it (see [`deployed`]).
    pub fn digest(&self) -> &str {
        &self.gateway.digest
    }

    /// Whether the policy holds a secret: a key that makes signatures as well as it checks them.
    pub fn holds_secrets(&self) -> bool {
        let issuers = self.tenants.iter().flat_map(Tenant::issuers);
        let mut theirs = issuers.filter(|issuer| !matches!(issuer.keys(), KeySource::Own));
        theirs.any(|issuer| issuer.algorithms().iter().any(|algorithm| algorithm.is_symmetric()))
    }

    /// The algorithms of the gateway's own keys that something in it takes.
    pub fn own_algorithms(&self) -> Vec<Algorithm> {
        let answers = self.gateway.routes.iter().any(|route| route.answer().is_some());
        let published = self.gateway.assertion.is_some() || answers;
        let issuers = self.tenants.iter().flat_map(Tenant::issuers);
        let own = issuers.filter(|issuer| matches!(issuer.keys(), KeySource::Own));
        let mut all: Vec<Algorithm> = published.then_some(Algorithm::EdDSA).into_iter().collect();
        for algorithm in own.flat_map(Issuer::algorithms) {
            if !all.contains(algorithm) {
                all.push(*algorithm);
            }
        }
        all
    }

    /// What stands before the gateway.
    pub fn edge(&self) -> &Edge {
        &self.gateway.edge
    }

    /// How large a request head may be.
    pub fn head_limits(&self) -> HeadLimits {
        self.gateway.head_limits
    }

    /// How many requests for one host may be in flight at once; no bound, where the policy has none.
    pub fn concurrency(&self) -> Option<u32> {
        self.gateway.concurrency
    }

    /// Whether step 8 asks the state for revocations.
    pub fn checks_revocation(&self) -> bool {
        self.gateway.check_revocation
    }

    /// How often the records of an open stream are read again.
    pub fn recheck(&self) -> Duration {
        Duration::from_secs(u64::from(self.gateway.recheck))
    }

    /// What ends the gateway's own sessions; nothing, where they are not kept as records.
    pub fn sessions(&self) -> Option<Sessions> {
        self.gateway.sessions
    }

    /// What is asserted to origins; nothing, where nothing is asked for.
    pub fn assertion(&self) -> Option<&AssertionRules> {
        self.gateway.assertion.as_ref()
    }

    /// The tenant of a canonical host name.
    pub fn tenant_of_host(&self, host: &str) -> Option<&Tenant> {
        self.hosts.get(host).and_then(|index| self.tenants.get(*index))
    }

    /// Every tenant, by identifier.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// Every route, in the order of the file.
    pub fn routes(&self) -> &[Route] {
        &self.gateway.routes
    }

    /// The most specific pattern that matches a canonical path.
    pub fn match_path<'p, 'path>(&'p self, path: &'path str) -> Option<PathMatch<'p, 'path>> {
        let Gateway { paths, routes, .. } = &*self.gateway;
        let matchit::Match { value, params } = paths.at(path).ok()?;
        Some(PathMatch { routes, indices: value, params })
    }

    /// The routes of the most specific pattern for this path; they differ in method.
    pub fn routes_of_path<'p>(&'p self, path: &str) -> impl Iterator<Item = &'p Route> {
        self.match_path(path).into_iter().flat_map(|found| found.routes())
    }

    /// Every rate limit, in the order of the file.
    pub fn rate_limits(&self) -> &[RateLimit] {
        &self.gateway.rate_limits
    }

    /// The origin of this identifier.
    pub fn origin(&self, id: &str) -> Option<&Origin> {
        self.gateway.origins.get(id)
    }

    /// Every origin.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.gateway.origins.values()
    }
}

/// The most specific pattern for a path: its routes, which differ in method, and what stands for its
/// parameters.
#[derive(Debug)]
pub struct PathMatch<'p, 'path> {
    routes: &'p [Route],
    indices: &'p [usize],
    params: matchit::Params<'p, 'path>,
}

impl<'p, 'path> PathMatch<'p, 'path> {
    /// The routes, in the order of the file.
    pub fn routes(&self) -> impl Iterator<Item = &'p Route> + use<'p> {
        let routes = self.routes;
        self.indices.iter().filter_map(move |index| routes.get(*index))
    }

    /// What stands in the path for this parameter, byte for byte.
    pub fn parameter(&self, name: &str) -> Option<&'path str> {
        self.params.get(name)
    }
}
