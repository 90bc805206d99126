//! `tenants/<id>.toml`: one file a tenant.

use super::{IssuerSource, NetworkSource, Spanned};
use crate::policy::Directory;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `tenants/<id>.toml`: one file a tenant.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct TenantSource {
    /// The host names that are its, each of one tenant alone.
    pub hosts: Spanned<Vec<Spanned<String>>>,
    /// Where its data may be processed (R10).
    pub regions: Spanned<Vec<Spanned<String>>>,
    /// Whether users are looked up in the directory: `"required"`, `"optional"` or `"off"`.
    #[serde(default)]
    pub directory: Directory,
    /// Each `"any"`, a list of CIDR blocks, or the blocks to allow and those to deny.
    #[serde(default)]
    pub networks: BTreeMap<Spanned<String>, Spanned<NetworkSource>>,
    /// Who issues tokens for its users.
    #[serde(default)]
    pub issuers: Vec<IssuerSource>,
}
