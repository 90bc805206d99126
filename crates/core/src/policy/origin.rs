//! A service that requests are forwarded to.

use serde::{Deserialize, Serialize};

/// A service that requests are forwarded to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Origin {
    pub(super) id: String,
    pub(super) https: bool,
    pub(super) authority: String,
    pub(super) region: String,
    pub(super) tenant_echo: TenantEcho,
    pub(super) redirect_hosts: Vec<String>,
}

impl Origin {
    /// The identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Scheme and authority, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    /// Reached over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
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
