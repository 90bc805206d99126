//! A way through the gateway.

use super::{Spanned, TimeoutsSource};
use crate::policy::OwnAnswer;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct RouteSource {
    /// Its name, in records and tests.
    pub id: Spanned<String>,
    /// The pattern: `/literal/{parameter}/{*rest}`. The most specific pattern wins.
    pub path: Spanned<String>,
    /// The methods that it takes, in capitals.
    pub methods: Vec<Spanned<String>>,
    /// The origins that may serve it: of these, one in a region of the tenant does, by weight; the tenant's
    /// next region where those of one are all passed over.
    #[serde(default)]
    pub origins: Vec<Spanned<String>>,
    /// What the gateway answers itself, in place of origins: `"jwks"`, the public part of its own keys.
    pub answer: Option<Spanned<OwnAnswer>>,
    /// `true`: no token is asked for.
    #[serde(default)]
    pub public: Option<Spanned<bool>>,
    /// The tenant's network that the client must be in; `business`, if not given.
    pub network: Option<Spanned<String>>,
    /// One of these is asked for; if none is given, every user of the tenant may take the route.
    #[serde(default)]
    pub roles: Vec<Spanned<String>>,
    /// Every one of these is asked for.
    #[serde(default)]
    pub all_roles: Vec<Spanned<String>>,
    /// The parameter of the path that names an assistant.
    pub assistant: Option<Spanned<String>>,
    /// Another path prefix at the origin than in the request.
    pub rewrite: Option<Spanned<RewriteSource>>,
    /// `false`: a dry run, whose rules are judged and recorded but do not refuse.
    pub enforce: Option<Spanned<bool>>,
    /// The longest request body, in bytes; the gateway's limit, if not given.
    pub max_body_bytes: Option<u64>,
    /// Times in milliseconds; the gateway's, where not given.
    #[serde(default)]
    pub timeouts: TimeoutsSource,
}

/// Another path prefix at the origin.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct RewriteSource {
    /// The literal start of `path` that is replaced, up to a slash.
    pub from: Spanned<String>,
    /// What stands there at the origin.
    pub to: Spanned<String>,
}
