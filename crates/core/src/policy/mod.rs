//! The policy: what the operator and the tenants wrote, compiled, checked and immutable.
//!
//! | place | what |
//! | --- | --- |
//! | `source` | the TOML, as types; unknown keys are errors |
//! | [`load()`] | from files to a [`Policy`], collecting every fault |
//! | [`deployed`] | from a [`Policy`] to the one file that is deployed, and back, a tenant at a time |
//! | [`fault`] | a mistake with its file, place and remedy |
//! | `edge`, `origin`, `route` | the operator's part, as the road reads it |
//! | `tenant`, `issuer` | a customer's part |

pub mod deployed;
mod edge;
pub mod fault;
mod issuer;
mod load;
mod origin;
mod route;
mod source;
mod tenant;

pub use edge::{Edge, TrustedProxies};
pub use fault::Fault;
pub use issuer::{Issuer, TenantProof};
pub use load::{Files, MAX_FILE, is_policy_file, load, max_size};
pub use origin::{Origin, TenantEcho};
pub use route::{Route, Timeouts};
pub use tenant::{Tenant, TenantId};

use crate::request::headers::HeadLimits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

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
    check_revocation: bool,
    origins: BTreeMap<String, Origin>,
    routes: Vec<Route>,
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
        // HS256 and its like (RFC 7518, section 3.2).
        issuers.flat_map(Issuer::algorithms).any(|algorithm| algorithm.name().starts_with("HS"))
    }

    /// What stands before the gateway.
    pub fn edge(&self) -> &Edge {
        &self.gateway.edge
    }

    /// How large a request head may be.
    pub fn head_limits(&self) -> HeadLimits {
        self.gateway.head_limits
    }

    /// Whether step 8 asks the state for revocations.
    pub fn checks_revocation(&self) -> bool {
        self.gateway.check_revocation
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

    /// The routes whose pattern is the most specific one for this path; they differ in method.
    pub fn routes_of_path(&self, path: &str) -> Vec<&Route> {
        let Gateway { paths, routes, .. } = &*self.gateway;
        paths.at(path).map_or_else(
            |_| Vec::new(),
            |found| found.value.iter().filter_map(|index| routes.get(*index)).collect(),
        )
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
