//! `tenants/<id>.toml`: one file a tenant.

use super::{IssuerSource, Spanned, WordOrBlocks};
use crate::policy::Directory;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `tenants/<id>.toml`: one file a tenant.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct TenantSource {
    pub hosts: Spanned<Vec<Spanned<String>>>,
    pub regions: Spanned<Vec<Spanned<String>>>,
    /// Whether users are looked up in the directory: `"required"`, `"optional"` or `"off"`.
    #[serde(default)]
    pub directory: Directory,
    /// Each `"any"` or a list of CIDR blocks.
    #[serde(default)]
    pub networks: BTreeMap<Spanned<String>, Spanned<WordOrBlocks>>,
    #[serde(default)]
    pub issuers: Vec<IssuerSource>,
}
