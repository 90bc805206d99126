//! How many requests a tenant, or each of its users, may make.

use super::Route;
use serde::{Deserialize, Serialize};

/// A token bucket's rule: `burst` requests at once, and `refill_per_minute` more every minute.
#[derive(Debug, Serialize, Deserialize)]
pub struct RateLimit {
    pub(super) id: String,
    pub(super) per: Per,
    pub(super) routes: Vec<String>,
    pub(super) burst: u32,
    pub(super) refill_per_minute: u32,
}

impl RateLimit {
    /// The identifier, for records and the operator.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who shares a bucket.
    pub fn per(&self) -> Per {
        self.per
    }

    /// The identifiers of the routes that it counts; none: every route but the public ones.
    pub fn routes(&self) -> &[String] {
        &self.routes
    }

    /// How many requests a full bucket lets by at once: at least 1.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// How many requests a minute come back to it: at least 1.
    pub fn refill_per_minute(&self) -> u32 {
        self.refill_per_minute
    }

    /// Whether it counts requests of this route. A public route is nobody's: there is no subject
    /// to count by, and counting strangers would let them shut a tenant out.
    pub fn counts(&self, route: &Route) -> bool {
        !route.is_public()
            && (self.routes.is_empty() || self.routes.iter().any(|id| id == route.id()))
    }
}

/// Who shares a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// All users of a tenant together.
    Tenant,
    /// Each user of a tenant alone.
    Subject,
}
