//! A service that requests are forwarded to.

use super::Spanned;
use crate::policy::{Connections, TenantEcho};
use serde::Deserialize;

/// A service that requests are forwarded to.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct OriginSource {
    /// `https://` or `http://`, a host, an optional port, and an optional path before that of every request.
    pub url: Spanned<String>,
    /// Traffic to this origin may leave the machine without TLS.
    #[serde(default)]
    pub cleartext: bool,
    /// Where it runs. Only tenants of this region are served by it (R10).
    pub region: Spanned<String>,
    /// Its share of the requests among the origins of its region: 0 to 1000; 1, if not given. With 0 it is asked
    /// where all others are passed over.
    pub weight: Option<Spanned<u32>>,
    /// The `Host` that it is asked for: `"origin"`, its own, if not given; `"client"`, the one that the client asked
    /// for; or a name.
    pub host: Option<Spanned<String>>,
    /// `"per-tenant"`: no connection to it carries requests of two tenants. `"shared"`, if not given.
    #[serde(default)]
    pub connections: Connections,
    /// Whether its answers must name the tenant that it was asked for in `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_echo: TenantEcho,
    /// Hosts to which its answers may send clients besides the tenant's, such as where a file is downloaded from.
    #[serde(default)]
    pub redirect_hosts: Vec<Spanned<String>>,
}
