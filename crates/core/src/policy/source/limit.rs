//! How many requests a tenant, or each of its users, may make.

use super::Spanned;
use crate::policy::Per;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct RateLimitSource {
    /// Its name, in records and state.
    pub id: Spanned<String>,
    /// `"tenant"`: all its users share a bucket; `"subject"`: each has one.
    pub per: Per,
    /// The routes that are counted together; without this key all but the public ones.
    pub routes: Option<Spanned<Vec<Spanned<String>>>>,
    /// Requests that a full bucket lets by at once.
    pub burst: Spanned<u32>,
    /// Requests that come back every minute.
    pub refill_per_minute: Spanned<u32>,
}
