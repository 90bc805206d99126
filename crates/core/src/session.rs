//! Step 8: nothing of the token was revoked: not the tenant, not the subject, not the session.
//!
//! Core does no I/O: it names the records it needs ([`Pending::records`](crate::Pending::records))
//! and judges what it is given. A record that can't be read is not an absent record: it is a
//! refusal. Revocation records are versioned JSON:
//!
//! ```json
//! {"v":1,"before":1795338000}
//! ```
//!
//! A token that was issued at or before `before` (seconds since 1970), or that does not say when,
//! is revoked; without `before` every token is.

use crate::denial::{Denial, Reason};
use crate::policy::Policy;
use crate::token::Authenticated;
use crate::token::claims::Principal;
use crate::token::json;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A record as the adapter found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The store has no such key.
    Absent,
    /// The stored bytes.
    Found(Vec<u8>),
    /// The store did not answer, or there is none.
    Unavailable,
}

/// Records by key. A key that is not in it counts as [`Record::Unavailable`].
pub type Records = BTreeMap<String, Record>;

/// A request whose session stands.
#[derive(Debug)]
pub struct Live<'p> {
    pub(crate) authenticated: Authenticated<'p>,
}

/// The keys of the records that the verdict needs.
pub(crate) fn keys(authenticated: &Authenticated<'_>, policy: &Policy) -> Vec<String> {
    let Some(principal) = &authenticated.principal else {
        return Vec::new();
    };
    if !policy.checks_revocation() {
        return Vec::new();
    }
    let tenant = authenticated.admitted.routed.located.hosted.tenant.id();
    let prefix = format!("t/{tenant}/revoked");
    let mut keys =
        vec![format!("{prefix}/all"), format!("{prefix}/subject/{}", segment(principal.subject()))];
    keys.extend(
        principal.session().map(|session| format!("{prefix}/session/{}", segment(session))),
    );
    keys
}

/// One segment of a key: names of safe characters as they are, all others by their SHA-256, so
/// that no name can reach into another key.
pub fn segment(name: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+');
    if name.len() <= 64 && !name.is_empty() && name.bytes().all(safe) {
        return name.to_owned();
    }
    Sha256::digest(name).iter().fold(String::from("~"), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Judges the records.
pub(crate) fn check<'p>(
    authenticated: Authenticated<'p>,
    policy: &Policy,
    records: &Records,
) -> Result<Live<'p>, Denial> {
    if let Some(principal) = &authenticated.principal {
        for key in keys(&authenticated, policy) {
            match records.get(&key).unwrap_or(&Record::Unavailable) {
                Record::Absent => {}
                Record::Found(bytes) => revoked(bytes, principal)?,
                Record::Unavailable => {
                    return Err(Denial::new(
                        Reason::StateUnavailable,
                        format!("{key} can't be read"),
                    ));
                }
            }
        }
    }
    Ok(Live { authenticated })
}

fn revoked(bytes: &[u8], principal: &Principal) -> Result<(), Denial> {
    let unreadable =
        || Denial::new(Reason::StateUnavailable, "a revocation record of unknown form");
    let record = json::object(bytes).map_err(|_| unreadable())?;
    if record.get("v").and_then(Value::as_i64) != Some(1) {
        return Err(unreadable());
    }
    let stands = match record.get("before") {
        None => false,
        Some(before) => {
            let before = before.as_i64().ok_or_else(unreadable)?;
            principal.issued_at().is_some_and(|issued| issued > before)
        }
    };
    stands.then_some(()).ok_or_else(|| {
        Denial::new(Reason::SessionRevoked, "tenant, subject or session was revoked")
    })
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_stays_within_its_segment() {
        assert_eq!(segment("u-42@example.jp"), "u-42@example.jp");
        for name in ["a/b", "../all", "", "~x", "関所", "a b", &"x".repeat(65)] {
            let segment = segment(name);
            assert!(segment.starts_with('~') && segment.len() == 65, "{name}");
        }
        assert_ne!(segment("a/b"), segment("a/c"));
    }
}
