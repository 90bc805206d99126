//! Who issues tokens for a tenant.

use super::Spanned;
use crate::token::keys::Algorithm;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct IssuerSource {
    pub issuer: Spanned<String>,
    pub audiences: Spanned<Vec<String>>,
    pub algorithms: Spanned<Vec<Algorithm>>,
    /// A JWK Set, relative to the policy directory.
    pub jwks_file: Spanned<String>,
    /// The claim that names the tenant.
    pub tenant_claim: Option<Spanned<String>>,
    /// The issuer serves this tenant alone, so its tokens need no tenant claim.
    #[serde(default)]
    pub sole_tenant: bool,
    #[serde(default = "default_roles_claim")]
    pub roles_claim: String,
}

fn default_roles_claim() -> String {
    "roles".into()
}
