//! `gateway.toml`: the operator's.

use super::{EdgeSource, OriginSource, RateLimitSource, RouteSource, Spanned, TimeoutsSource};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `gateway.toml`: the operator's.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Gateway {
    /// The language's version: 1.
    pub version: Spanned<u32>,
    #[serde(default)]
    pub edge: EdgeSource,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub timeouts: TimeoutsSource,
    #[serde(default)]
    pub state: State,
    #[serde(default)]
    pub origins: BTreeMap<Spanned<String>, OriginSource>,
    #[serde(default)]
    pub routes: Vec<RouteSource>,
    #[serde(default)]
    pub rate_limits: Vec<RateLimitSource>,
}

/// Sizes.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(in crate::policy) struct Limits {
    /// Header names and values together, bytes.
    pub head_bytes: usize,
    /// Header fields.
    pub head_fields: usize,
    /// Request body, bytes.
    pub body_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_bytes: 32 * 1024, head_fields: 100, body_bytes: 10 * 1024 * 1024 }
    }
}

/// What is asked of the state store.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(in crate::policy) struct State {
    /// Look revocations up on every request with a token.
    pub revocation: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { revocation: true }
    }
}
