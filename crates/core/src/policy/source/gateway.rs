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
    /// What stands before the gateway.
    #[serde(default)]
    pub edge: EdgeSource,
    /// Sizes, for every route that names none of its own.
    #[serde(default)]
    pub limits: Limits,
    /// Times in milliseconds, for every route that names none of its own.
    #[serde(default)]
    pub timeouts: TimeoutsSource,
    /// What is asked of the state store.
    #[serde(default)]
    pub state: State,
    /// Keep each session of the gateway's own as a record, which ends it when it is removed, unused or old; without this
    /// table a session lasts as long as its token.
    pub sessions: Option<SessionsSource>,
    /// `Sekisho-Assertion`, which the gateway signs for origins; without this table there is none.
    pub assertion: Option<AssertionSource>,
    /// The services behind the gateway, by name.
    #[serde(default)]
    pub origins: BTreeMap<Spanned<String>, OriginSource>,
    /// The ways through the gateway: the most specific path wins, and what none matches is refused.
    #[serde(default)]
    pub routes: Vec<RouteSource>,
    /// How many requests a tenant, or each of its users, may make.
    #[serde(default)]
    pub rate_limits: Vec<RateLimitSource>,
}

/// What the gateway asserts to origins of whom it forwards.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct AssertionSource {
    /// The value of `iss`: the gateway's name, such as `https://gateway.example.jp`.
    pub issuer: Spanned<String>,
    /// How long an assertion lives, in seconds: 10 to 120; 60, if not given.
    pub lifetime_s: Option<Spanned<u32>>,
}

/// What ends the gateway's own sessions.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct SessionsSource {
    /// How long a session may go unused, in seconds: 60 to 2592000; 3600, if not given.
    pub idle_s: Option<Spanned<u32>>,
    /// How long it may last, in seconds: 300 to 7776000; 43200, if not given.
    pub absolute_s: Option<Spanned<u32>>,
}

// No `usize`: a component's has 32 bits, and check on a larger machine would take what every gateway
// refuses.
/// Sizes.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(in crate::policy) struct Limits {
    /// Header names and values together, bytes.
    pub head_bytes: u32,
    /// Header fields.
    pub head_fields: u32,
    /// Request body, bytes.
    pub body_bytes: u64,
    /// Requests in flight at once for one host of a tenant, streams among them; no bound, if not given. It needs a
    /// host that counts them, such as `sekisho up`.
    pub concurrent_requests: Option<Spanned<u32>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 32 * 1024,
            head_fields: 100,
            body_bytes: 10 * 1024 * 1024,
            concurrent_requests: None,
        }
    }
}

/// What is asked of the state store.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(in crate::policy) struct State {
    /// Look revocations up on every request with a token.
    pub revocation: bool,
    /// How often the records of an open stream are read again, in seconds: 1 to 300.
    pub recheck_s: Option<Spanned<u32>>,
}

impl Default for State {
    fn default() -> Self {
        Self { revocation: true, recheck_s: None }
    }
}
