//! Sessions of the gateway's own, as records: what makes a session end before its token does.
//!
//! ```json
//! {"v":1,"subject":"u-42","created":1795338000,"client":"203.0.113.9","agent":"Mozilla/5.0"}
//! {"v":1,"at":1795338060}
//! ```
//!
//! The first is the session, under the digest of its identifier: whoever reads the store can't tell the identifier. It
//! is written once, when the session begins, and removed when it ends. The second, under `seen`, says when it was last
//! used, and stands apart, so that a request that crosses the end of its session can't bring it back. In evaluation
//! order:
//!
//! 1. There is a record, and it is the token's subject's.
//! 2. It is not older than the policy's `absolute_s`.
//! 3. It was used within the policy's `idle_s`.
//!
//! That it was seen is written once a minute at most, or four times in `idle_s` where that is less.

use crate::denial::{Denial, Reason};
use crate::limit::Write;
use crate::policy::Sessions;
use crate::records::{Given, encode};
use crate::token::claims::Principal;
use crate::token::kind::TokenType;
use serde::{Deserialize, Serialize};

/// How often it is written that a session was seen, in seconds.
const SEEN: i64 = 60;

/// A session of the gateway's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    /// Whose it is.
    pub subject: String,
    /// When it began, in seconds since 1970.
    pub created: i64,
    /// From which address, for those who look at the list of their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// With which program, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// When a session was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// In seconds since 1970.
    pub at: i64,
}

impl SessionRecord {
    /// Why it is over by these rules, if it is. `seen` is when it was last used, if it was written.
    pub fn over(&self, seen: Option<Seen>, rules: Sessions, now: i64) -> Option<&'static str> {
        // A clock that is behind the one that wrote the record makes no session older.
        let since = |then: i64| now.saturating_sub(then);
        let last = self.created.max(seen.map_or(i64::MIN, |seen| seen.at));
        if since(self.created) >= i64::from(rules.absolute_s) {
            Some("the session is older than the policy's absolute_s")
        } else if since(last) >= i64::from(rules.idle_s) {
            Some("the session was not used for the policy's idle_s")
        } else {
            None
        }
    }
}

/// Judges the session of a principal, if it is one of the gateway's own; gives that it was seen, when it is time to
/// write that.
pub(super) fn judge(
    given: Given<'_, '_>,
    principal: &Principal,
    rules: Sessions,
    now: i64,
) -> Result<Option<Write>, Denial> {
    if principal.token_type() != TokenType::Session {
        return Ok(None);
    }
    let session = stands(given, principal)?;
    let Some(stored) = given.seen() else {
        return Err(Denial::new(Reason::StateUnavailable, "a record was not asked for"));
    };
    let seen: Option<Seen> = stored.read()?;
    if let Some(why) = session.over(seen, rules, now) {
        return Err(Denial::new(Reason::SessionExpired, why));
    }
    let every = SEEN.min(i64::from(rules.idle_s) / 4);
    let last = seen.map_or(session.created, |seen| seen.at);
    let due = now.saturating_sub(last) >= every;
    Ok(due
        .then(|| encode(&Seen { at: now }).map(|value| (stored.key().to_owned(), value)))
        .flatten())
}

/// That there is a record of the principal's session.
pub(crate) fn stands(given: Given<'_, '_>, principal: &Principal) -> Result<SessionRecord, Denial> {
    let ended = |detail| Denial::new(Reason::SessionEnded, detail);
    let Some(stored) = given.session() else {
        return Err(Denial::new(Reason::StateUnavailable, "a record was not asked for"));
    };
    let session: SessionRecord =
        stored.read()?.ok_or_else(|| ended("there is no such session: it has ended"))?;
    if session.subject != principal.subject() {
        return Err(ended("the session is another user's"));
    }
    Ok(session)
}
