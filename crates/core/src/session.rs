//! Step 8: nothing of the token was revoked, and its user may come.
//!
//! In evaluation order, from the [`records`](crate::records):
//!
//! 1. The user in the tenant's [`directory`]: whoever has left is told so, and not to sign in again.
//! 2. Revocation: not of the tenant, not of the subject, not of the session.
//! 3. A session of the gateway's own stands in the store, and is neither idle nor over ([`record`]), where the policy
//!    has `[sessions]`.
//!
//! ```json
//! {"v":1,"before":1795338000}
//! ```
//!
//! A token that was issued at or before `before` (seconds since 1970), or that does not say when,
//! is revoked; without `before` every token is.

pub mod record;

use crate::denial::{Denial, Reason};
use crate::directory;
use crate::limit::Write;
use crate::policy::Policy;
use crate::records::{Given, Stored};
pub use crate::records::{Record, Records};
use crate::token::Authenticated;
use crate::token::claims::Principal;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A request whose session stands.
#[derive(Debug)]
pub struct Live<'p> {
    pub(crate) authenticated: Authenticated<'p>,
    /// That the session was seen, where that is to be written.
    pub(crate) seen: Option<Write>,
}

/// A revocation, as it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Tokens that were issued at or before this moment, in seconds since 1970; all, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// What wrote it: the directory's word goes when the user comes back, an administrator's when one lifts it; an
    /// operator, who is not named, takes his back himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<RevokedBy>,
}

/// What wrote a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedBy {
    /// That a user was suspended or left.
    Directory,
    /// An administrator of the tenant's.
    Administrator,
}

/// Judges the session and the user. From here on the principal has the directory's roles and
/// groups, where there is one.
pub(crate) fn check<'p>(
    mut authenticated: Authenticated<'p>,
    policy: &Policy,
    given: Given<'_, 'p>,
    now: Timestamp,
) -> Result<Live<'p>, Denial> {
    let tenant = authenticated.admitted.routed.located.hosted.tenant;
    let mut seen = None;
    if let Some(principal) = &mut authenticated.principal {
        directory::look_up(tenant.directory(), given, principal)?;
        for stored in given.revocations() {
            not_revoked(stored, principal)?;
        }
        if let Some(rules) = policy.sessions() {
            seen = record::judge(given, principal, rules, now.as_second())?;
        }
    }
    Ok(Live { authenticated, seen })
}

/// Judges one revocation.
pub(crate) fn not_revoked(stored: Stored<'_>, principal: &Principal) -> Result<(), Denial> {
    let Some(record) = stored.object()? else {
        return Ok(());
    };
    let stands = match record.get("before") {
        None => false,
        Some(before) => {
            let before =
                before.as_i64().ok_or_else(|| stored.unreadable("has an unknown shape"))?;
            principal.issued_at().is_some_and(|issued| issued > before)
        }
    };
    stands.then_some(()).ok_or_else(|| {
        Denial::new(Reason::SessionRevoked, format!("{} revokes the token", stored.key()))
    })
}
