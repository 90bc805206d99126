//! Which other sites' pages may call a tenant's services.

use super::Spanned;
use serde::Deserialize;

/// Which other sites' pages may call a tenant's services (WHATWG Fetch, section 3.2).
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct CorsSource {
    /// The sites, such as `https://portal.example.com`.
    pub origins: Spanned<Vec<Spanned<String>>>,
    /// `true`: their pages may use the user's session cookie.
    #[serde(default)]
    pub credentials: bool,
    /// The header fields that their pages may send besides those that every page may, in lower case;
    /// `authorization` and `content-type`, if not given.
    pub headers: Option<Vec<Spanned<String>>>,
    /// The header fields of an answer that their pages may read besides those that every page may, in lower case.
    #[serde(default)]
    pub expose_headers: Vec<Spanned<String>>,
    /// How long a browser may remember what it was allowed, in seconds: 0 to 86400; 600, if not given.
    pub max_age_s: Option<Spanned<u32>>,
}
