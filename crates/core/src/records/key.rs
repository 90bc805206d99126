//! The keys of records: which there are, and how a name stands in one.
//!
//! A key starts with its tenant, so that a prefix is a tenant.

use crate::hexadecimal::hexadecimal;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

pub(super) fn key(tenant: &str, parts: &[&str]) -> String {
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut key = String::with_capacity(2 + tenant.len() + length);
    key.push_str("t/");
    key.push_str(tenant);
    for part in parts {
        key.push('/');
        key.push_str(part);
    }
    key
}

/// What all keys of a tenant's records of one kind start with, such as `t/acme/user/`.
pub fn prefix(tenant: &str, kind: &str) -> String {
    key(tenant, &[kind, ""])
}

/// The user's place in the directory.
pub fn user(tenant: &str, subject: &str) -> String {
    key(tenant, &["user", &segment(subject)])
}

/// A group that an identity provider provisions.
pub fn group(tenant: &str, id: &str) -> String {
    key(tenant, &["group", &segment(id)])
}

/// An assistant's label.
pub fn assistant(tenant: &str, id: &str) -> String {
    key(tenant, &["assistant", &segment(id)])
}

/// The networks that a tenant manages itself.
pub fn networks(tenant: &str) -> String {
    key(tenant, &["networks"])
}

/// The revocation of all tokens of a tenant.
pub fn revoked_tenant(tenant: &str) -> String {
    key(tenant, &["revoked", "all"])
}

/// The revocation of all tokens of a subject.
pub fn revoked_subject(tenant: &str, subject: &str) -> String {
    key(tenant, &["revoked", "subject", &segment(subject)])
}

/// The revocation of the tokens of one session.
pub fn revoked_session(tenant: &str, session: &str) -> String {
    key(tenant, &["revoked", "session", &segment(session)])
}

/// A session of the gateway's own by the digest of its identifier.
pub fn session(tenant: &str, digest: &str) -> String {
    key(tenant, &["session", digest])
}

/// When that session was last seen.
pub fn seen(tenant: &str, digest: &str) -> String {
    key(tenant, &["seen", digest])
}

/// The keys of the records that keep what a tenant's issuer publishes, and when it failed to. No
/// verdict asks for them: the adapter does, before it asks the issuer.
pub fn published(tenant: &str, issuer: &str) -> [String; 2] {
    ["set", "failure"].map(|what| key(tenant, &["keys", &segment(issuer), what]))
}

/// One segment of a key: names of safe characters as they are, all others by their SHA-256, so
/// that no name can reach into another key.
pub fn segment(name: &str) -> Cow<'_, str> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+');
    if name.len() <= 64 && !name.is_empty() && name.bytes().all(safe) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(digest(name))
}

/// What stands in a key for a name that whoever reads the store shall not learn: `~` and its SHA-256.
pub fn digest(name: &str) -> String {
    format!("~{}", hexadecimal(&Sha256::digest(name)))
}

/// What a record of this key is about: `revoked`, `session`, `seen`, `user`, `group`, `networks`, `assistant` or `rate`.
pub fn kind(key: &str) -> &str {
    key.split('/').nth(2).unwrap_or_default()
}

/// Whether a record can have this key: any other is a slip, and nobody would ever ask for it.
pub fn is_key(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    let known = match parts.as_slice() {
        ["t", _, "session" | "seen", session] => is_digest(session),
        ["t", _, "revoked", "all"]
        | ["t", _, "revoked", "subject" | "session", _]
        | ["t", _, "user" | "group" | "assistant", _]
        | ["t", _, "networks"]
        | ["t", _, "rate", _, "tenant"]
        | ["t", _, "rate", _, "subject", _] => true,
        _ => false,
    };
    known && parts.iter().all(|part| segment(part) == **part || is_digest(part))
}

/// Whether a segment is one that [`digest`] gives.
pub fn is_digest(part: &str) -> bool {
    part.strip_prefix('~').is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::{group, is_key, key, networks, prefix, seen, segment, session, user};

    #[test]
    fn a_name_stays_within_its_segment() {
        assert_eq!(segment("u-42@example.jp"), "u-42@example.jp");
        for name in ["a/b", "../all", "", "~x", "関所", "a b", &"x".repeat(65)] {
            let segment = segment(name);
            assert!(segment.starts_with('~') && segment.len() == 65, "{name}");
        }
        assert_ne!(segment("a/b"), segment("a/c"));
    }

    #[test]
    fn a_key_is_allocated_once() {
        let key = key("acme", &["revoked", "subject", "u-42"]);
        assert_eq!(key, "t/acme/revoked/subject/u-42");
        assert_eq!(key.capacity(), key.len());
    }

    #[test]
    fn what_is_written_is_a_key() {
        let digest = super::digest("sid");
        for key in [
            user("acme", "a/b"),
            group("acme", "0a"),
            networks("acme"),
            session("acme", &digest),
            seen("acme", &digest),
        ] {
            assert!(is_key(&key), "{key}");
        }
        assert!(user("acme", "u-42").starts_with(&prefix("acme", "user")));
        assert!(!is_key("t/acme/session/s-7"), "an identifier that is not hashed");
    }
}
