//! What stands before the gateway.

use super::{Spanned, WordOrBlocks};
use serde::Deserialize;

/// What stands before the gateway.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct EdgeSource {
    /// CIDR blocks of the proxies whose word is taken, or `"peer"`: whoever connects.
    pub trusted_proxies: Option<Spanned<WordOrBlocks>>,
    /// The one header in which they name the client.
    pub client_address_header: Option<Spanned<String>>,
}
