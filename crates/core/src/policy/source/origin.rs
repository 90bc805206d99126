//! A service that requests are forwarded to.

use super::Spanned;
use crate::policy::TenantEcho;
use serde::Deserialize;

/// A service that requests are forwarded to.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct OriginSource {
    /// `https://` or `http://`, a host and an optional port, without a path.
    pub url: Spanned<String>,
    /// Traffic to this origin may leave the machine without TLS.
    #[serde(default)]
    pub cleartext: bool,
    /// Where it runs. Only tenants of this region are served by it (R10).
    pub region: Spanned<String>,
    /// Whether its answers must name the tenant that it was asked for in `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_echo: TenantEcho,
    /// Hosts to which its answers may send clients besides the tenant's, such as where a file is downloaded from.
    #[serde(default)]
    pub redirect_hosts: Vec<Spanned<String>>,
}
