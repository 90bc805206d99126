//! The policy: what the operator and the tenants wrote, compiled, checked and immutable.
//!
//! | place | what |
//! | --- | --- |
//! | `source` | the TOML, as types; unknown keys are errors |
//! | [`load()`] | from files to a [`Policy`], collecting every fault |
//! | [`fault`] | a mistake with its file, place and remedy |
//! | [`lint`] | what is dangerous in a sound policy |
//! | `edge`, `origin`, `route`, `limit` | the operator's part, as the road reads it |
//! | `tenant`, `issuer` | a customer's part |

mod edge;
pub mod fault;
mod issuer;
mod limit;
pub mod lint;
mod load;
mod origin;
mod route;
mod source;
mod tenant;

pub use edge::{Edge, TrustedProxies};
pub use fault::{Fault, Severity};
pub use issuer::{ClaimPath, Issuer, TenantProof};
pub use limit::{Per, RateLimit};
pub use load::{Checked, Files, MAX_FILE, check, is_policy_file, load};
pub use origin::{Origin, TenantEcho};
pub use route::{Route, Timeouts};
#[cfg(feature = "schema")]
pub use source::schema;
pub use tenant::{Directory, Tenant, TenantId};

use crate::request::headers::HeadLimits;
use std::collections::HashMap;
use std::sync::Arc;

/// A compiled policy: the operator's part, and tenants. All of them, or the one that a request is
/// for: no rule looks from one tenant to another.
#[derive(Debug)]
pub struct Policy {
    gateway: Arc<Gateway>,
    tenants: Vec<Tenant>,
    hosts: HashMap<String, usize>,
}

/// The operator's part of a policy.
#[derive(Debug)]
pub struct Gateway {
    digest: String,
    edge: Edge,
    head_limits: HeadLimits,
    check_revocation: bool,
    origins: HashMap<String, Origin>,
    routes: Vec<Route>,
    rate_limits: Vec<RateLimit>,
    paths: matchit::Router<Vec<usize>>,
}

impl Policy {
    /// SHA-256 over every file that can change a verdict, as 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.gateway.digest
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

    /// What stands for this parameter in a path that the router knows, byte for byte.
    pub fn parameter<'a>(&self, path: &'a str, name: &str) -> Option<&'a str> {
        self.gateway.paths.at(path).ok()?.params.get(name)
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
