//! A service that requests are forwarded to.

use super::Spanned;
use crate::policy::TenantEcho;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct OriginSource {
    pub url: Spanned<String>,
    /// Traffic to this origin may leave the machine without TLS.
    #[serde(default)]
    pub cleartext: bool,
    pub region: Spanned<String>,
    #[serde(default)]
    pub tenant_echo: TenantEcho,
}
