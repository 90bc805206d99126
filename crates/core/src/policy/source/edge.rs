//! What stands before the gateway.

use super::{Spanned, WordOrBlocks};
use crate::policy::UnnamedClient;
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
    /// The CDN whose header that is: `cloudflare`, `fastly`, `akamai`, `cloudfront` or
    /// `azure-front-door`.
    pub cdn: Option<Spanned<String>>,
    /// Whom a request is of that a trusted proxy sends without that header: `"nobody"`, and it is refused, if not
    /// given; `"peer"`, the proxy itself, such as a health check of its own.
    pub unnamed_client: Option<Spanned<UnnamedClient>>,
    /// What a trusted proxy must know, so that nobody else on its addresses is believed.
    pub proxy_secret: Option<Spanned<ProxySecretSource>>,
}

/// A secret that a trusted proxy sends; the secret itself never stands in a policy.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct ProxySecretSource {
    /// The header that carries it.
    pub header: Spanned<String>,
    /// SHA-256 of the secret as 64 hexadecimal digits; two while it is rotated.
    pub sha256: Spanned<Vec<Spanned<String>>>,
}
