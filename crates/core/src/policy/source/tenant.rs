//! `tenants/<id>.toml`: one file a tenant.

use super::{CorsSource, IssuerSource, NetworkSource, Spanned};
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
    /// Which of its networks the tenant may narrow itself (`sekisho networks`): an address must be in the network here
    /// and in the tenant's own list.
    #[serde(default)]
    pub managed_networks: Vec<Spanned<String>>,
    /// Where a browser is sent that comes without a sound token: a path of the tenant's that anybody may ask for,
    /// or an `https://` address. It finds what was asked for in `return_to`.
    pub login: Option<Spanned<String>>,
    /// Which other sites' pages may call; without this table the gateway leaves CORS to the origins.
    pub cors: Option<CorsSource>,
    /// Who issues tokens for its users.
    #[serde(default)]
    pub issuers: Vec<IssuerSource>,
}
