//! A service that requests are forwarded to.

use serde::{Deserialize, Serialize};

/// A service that requests are forwarded to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Origin {
    pub(super) id: String,
    pub(super) https: bool,
    pub(super) authority: String,
    pub(super) prefix: String,
    pub(super) region: String,
    pub(super) weight: u32,
    pub(super) host: HostPolicy,
    pub(super) connections: Connections,
    pub(super) tenant_echo: TenantEcho,
    pub(super) redirect_hosts: Vec<String>,
}

impl Origin {
    /// The identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Scheme, authority and the path before that of every request, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }

    /// Reached over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path before that of every request: empty, or whole segments without a slash at the end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Its share of the requests; 0 for one that waits until all others are passed over.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// The `Host` that it is asked for.
    pub fn host(&self) -> &HostPolicy {
        &self.host
    }

    /// The `Host` that it is asked for, where that is not its own, of a client who asked for this one.
    pub fn host_field<'a>(&'a self, client: &'a str) -> Option<&'a str> {
        match &self.host {
            HostPolicy::Origin => None,
            HostPolicy::Client => Some(client),
            HostPolicy::Named(name) => Some(name),
        }
    }

    /// Whose requests one connection to it may carry.
    pub fn connections(&self) -> Connections {
        self.connections
    }

    /// Where it runs.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether its answers may send clients to this host, which is no tenant's.
    pub fn redirects_to(&self, host: &str) -> bool {
        self.redirect_hosts.iter().any(|known| known == host)
    }

    /// Whether its answers must name the tenant.
    pub fn tenant_echo(&self) -> TenantEcho {
        self.tenant_echo
    }
}

/// Whether an origin's answer must carry the `X-Tenant-Id` that it was asked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TenantEcho {
    /// It must be there and match.
    #[default]
    Required,
    /// If it is there, it must match.
    IfPresent,
    /// It is not looked at.
    Off,
}

/// The `Host` that an origin is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostPolicy {
    /// Its own, as its URL has it.
    Origin,
    /// The one that the client asked for, without a port.
    Client,
    /// This one.
    Named(String),
}

/// Whose requests one connection to an origin may carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// Everybody's.
    #[default]
    Shared,
    /// One tenant's.
    PerTenant,
}
