//! State records: which of them a verdict needs, and what stands in one.
//!
//! Core does no I/O. It names the keys of all records that a verdict needs
//! ([`Pending::records`](crate::Pending::records)), so that the adapter fetches them in one round,
//! and judges what it is given. Keys start with the tenant, so that a prefix is a tenant:
//!
//! | key below `t/<tenant>/` | asked for | judged by |
//! | --- | --- | --- |
//! | `revoked/all`, `revoked/subject/<subject>`, `revoked/session/<session>` | with every token, unless `[state] revocation = false` | [`session`](crate::session) |
//! | `user/<subject>` | where the tenant has a directory | [`directory`](crate::directory) |
//! | `assistant/<assistant>` | where the route names an assistant | [`label`] |
//! | `rate/<rule>/tenant`, `rate/<rule>/subject/<subject>` | for each rate limit that counts the route | [`limit`](crate::limit) |
//!
//! The adapter keeps what issuers publish under `keys/<issuer>/set` and `…/failure`
//! ([`published_keys`]).
//!
//! A value is one JSON object with `"v":1`, at most 64 KiB. A record that can't be read, is larger,
//! has another version or another shape is not an absent record: it is a refusal (503).

use crate::denial::{Denial, Reason};
use crate::hexadecimal::hexadecimal;
use crate::label;
use crate::policy::{Directory, Per, Policy, RateLimit};
use crate::token::{Authenticated, json};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The largest record, in bytes.
pub const MAX_RECORD: usize = 64 * 1024;

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

/// What a record is needed for.
#[derive(Clone, Copy, Debug)]
enum Purpose<'p> {
    Revocation,
    User,
    Assistant,
    Bucket(&'p RateLimit),
}

/// The records that a verdict needs: keys, and in the same order what each is for.
#[derive(Debug, Default)]
pub(crate) struct Needed<'p> {
    keys: Vec<String>,
    purposes: Vec<Purpose<'p>>,
}

impl<'p> Needed<'p> {
    /// What steps 8 and 9 will look at; nothing on a public route.
    pub(crate) fn by(authenticated: &Authenticated<'p>, policy: &'p Policy) -> Self {
        let mut needed = Self::default();
        let Some(principal) = &authenticated.principal else {
            return needed;
        };
        let routed = &authenticated.admitted.routed;
        let tenant = routed.located.hosted.tenant;
        let subject = &*segment(principal.subject());
        let mut need = |purpose, parts: &[&str]| {
            needed.keys.push(key(tenant.id().as_str(), parts));
            needed.purposes.push(purpose);
        };
        if policy.checks_revocation() {
            need(Purpose::Revocation, &["revoked", "all"]);
            need(Purpose::Revocation, &["revoked", "subject", subject]);
            if let Some(session) = principal.session() {
                need(Purpose::Revocation, &["revoked", "session", &segment(session)]);
            }
        }
        if tenant.directory() != Directory::Off {
            need(Purpose::User, &["user", subject]);
        }
        if let Some(id) = routed.assistant.as_deref().filter(|id| label::is_id(id)) {
            need(Purpose::Assistant, &["assistant", &segment(id)]);
        }
        for limit in policy.rate_limits().iter().filter(|limit| limit.counts(routed.route)) {
            match limit.per() {
                Per::Tenant => need(Purpose::Bucket(limit), &["rate", limit.id(), "tenant"]),
                Per::Subject => {
                    need(Purpose::Bucket(limit), &["rate", limit.id(), "subject", subject]);
                }
            }
        }
        needed
    }

    /// Those that are looked at again while an answer streams: a bucket counted the request when it came.
    pub(crate) fn lasting(&self) -> Needed<'static> {
        let mut lasting = Needed::default();
        for (key, purpose) in self.keys.iter().zip(&self.purposes) {
            let purpose = match purpose {
                Purpose::Revocation => Purpose::Revocation,
                Purpose::User => Purpose::User,
                Purpose::Assistant => Purpose::Assistant,
                Purpose::Bucket(_) => continue,
            };
            lasting.keys.push(key.clone());
            lasting.purposes.push(purpose);
        }
        lasting
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The same with what the adapter found.
    pub(crate) fn given<'r>(&'r self, records: &'r Records) -> Given<'r, 'p> {
        Given { needed: self, records }
    }
}

fn key(tenant: &str, parts: &[&str]) -> String {
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

/// The keys of the records that keep what a tenant's issuer publishes, and when it failed to. No
/// verdict asks for them: the adapter does, before it asks the issuer.
pub fn published_keys(tenant: &str, issuer: &str) -> [String; 2] {
    ["set", "failure"].map(|what| key(tenant, &["keys", &segment(issuer), what]))
}

/// One segment of a key: names of safe characters as they are, all others by their SHA-256, so
/// that no name can reach into another key.
pub fn segment(name: &str) -> Cow<'_, str> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+');
    if name.len() <= 64 && !name.is_empty() && name.bytes().all(safe) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("~{}", hexadecimal(&Sha256::digest(name))))
}

/// What a record of this key is about: `revoked`, `user`, `assistant` or `rate`.
pub fn kind(key: &str) -> &str {
    key.split('/').nth(2).unwrap_or_default()
}

/// Whether a record can have this key: any other is a slip, and nobody would ever ask for it.
pub fn is_key(key: &str) -> bool {
    let parts: Vec<&str> = key.split('/').collect();
    let known = matches!(
        parts.as_slice(),
        ["t", _, "revoked", "all"]
            | ["t", _, "revoked", "subject" | "session", _]
            | ["t", _, "user" | "assistant", _]
            | ["t", _, "rate", _, "tenant"]
            | ["t", _, "rate", _, "subject", _]
    );
    known && parts.iter().all(|part| segment(part) == **part || is_digest(part))
}

fn is_digest(part: &str) -> bool {
    part.strip_prefix('~').is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The records that a verdict needs, as far as the adapter found them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'r, 'p> {
    needed: &'r Needed<'p>,
    records: &'r Records,
}

impl<'r, 'p> Given<'r, 'p> {
    /// The records whose purpose is picked.
    fn picked<T>(
        self,
        pick: impl Fn(Purpose<'p>) -> Option<T>,
    ) -> impl Iterator<Item = (T, Stored<'r>)> {
        self.needed.purposes.iter().zip(&self.needed.keys).filter_map(move |(purpose, key)| {
            let picked = pick(*purpose)?;
            let record = self.records.get(key).unwrap_or(&Record::Unavailable);
            Some((picked, Stored { key, record }))
        })
    }

    /// The revocations of tenant, subject and session.
    pub(crate) fn revocations(self) -> impl Iterator<Item = Stored<'r>> {
        self.picked(|purpose| matches!(purpose, Purpose::Revocation).then_some(()))
            .map(|((), stored)| stored)
    }

    /// The user in the directory.
    pub(crate) fn user(self) -> Result<Stored<'r>, Denial> {
        self.one(|purpose| matches!(purpose, Purpose::User))
    }

    /// The assistant that the route names.
    pub(crate) fn assistant(self) -> Result<Stored<'r>, Denial> {
        self.one(|purpose| matches!(purpose, Purpose::Assistant))
    }

    /// The buckets of the rate limits.
    pub(crate) fn buckets(self) -> impl Iterator<Item = (&'p RateLimit, Stored<'r>)> {
        self.picked(|purpose| match purpose {
            Purpose::Bucket(limit) => Some(limit),
            _ => None,
        })
    }

    /// A record that nobody asked for is as unknown as one that can't be read.
    fn one(self, wanted: impl Fn(Purpose<'p>) -> bool) -> Result<Stored<'r>, Denial> {
        self.picked(|purpose| wanted(purpose).then_some(()))
            .map(|((), stored)| stored)
            .next()
            .ok_or_else(|| Denial::new(Reason::StateUnavailable, "a record was not asked for"))
    }
}

/// A record and its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'r> {
    key: &'r str,
    record: &'r Record,
}

impl<'r> Stored<'r> {
    /// The key.
    pub(crate) fn key(self) -> &'r str {
        self.key
    }

    /// The members besides the version; `None` where there is no such record.
    pub(crate) fn object(self) -> Result<Option<Map<String, Value>>, Denial> {
        let bytes = match self.record {
            Record::Absent => return Ok(None),
            Record::Unavailable => return Err(self.unreadable("can't be read")),
            Record::Found(bytes) if bytes.len() > MAX_RECORD => {
                return Err(self.unreadable("is larger than 64 KiB"));
            }
            Record::Found(bytes) => bytes,
        };
        let mut object = json::object(bytes).map_err(|_| self.unreadable("is not strict JSON"))?;
        match object.remove("v") {
            Some(version) if version.as_u64() == Some(1) => Ok(Some(object)),
            _ => Err(self.unreadable("has an unknown version")),
        }
    }

    /// The record in its one shape; `None` where there is no such record.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<Option<T>, Denial> {
        self.object()?
            .map(|object| serde_json::from_value(Value::Object(object)))
            .transpose()
            .map_err(|_| self.unreadable("has an unknown shape"))
    }

    /// The refusal of whoever needs this record.
    pub(crate) fn unreadable(self, why: &str) -> Denial {
        Denial::new(Reason::StateUnavailable, format!("{} {why}", self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::{key, segment};

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
}
