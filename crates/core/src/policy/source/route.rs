//! A way through the gateway.

use super::{Spanned, TimeoutsSource};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct RouteSource {
    pub id: Spanned<String>,
    pub path: Spanned<String>,
    pub methods: Vec<Spanned<String>>,
    pub origins: Vec<Spanned<String>>,
    #[serde(default)]
    pub public: Option<Spanned<bool>>,
    pub network: Option<Spanned<String>>,
    #[serde(default)]
    pub roles: Vec<Spanned<String>>,
    #[serde(default)]
    pub all_roles: Vec<Spanned<String>>,
    /// The parameter of the path that names an assistant.
    pub assistant: Option<Spanned<String>>,
    /// `false`: a dry run, whose rules are judged and recorded but do not refuse.
    pub enforce: Option<bool>,
    pub max_body_bytes: Option<u64>,
    #[serde(default)]
    pub timeouts: TimeoutsSource,
}
