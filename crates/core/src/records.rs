//! State records: which of them a verdict needs, and what stands in one.
//!
//! Core does no I/O. It names the keys of all records that a verdict needs
//! ([`Pending::records`](crate::Pending::records)), so that the adapter fetches them in one round,
//! and judges what it is given. Keys start with the tenant, so that a prefix is a tenant:
//!
//! | key below `t/<tenant>/` | asked for | judged by |
//! | --- | --- | --- |
//! | `revoked/all`, `revoked/subject/<subject>`, `revoked/session/<session>` | with every token, unless `[state] revocation = false` | [`session`](crate::session) |
//! | `session/<digest>`, `seen/<digest>` | with every session of the gateway's own, where the policy has `[sessions]` | [`session`](crate::session) |
//! | `user/<subject>` | where the tenant has a directory | [`directory`](crate::directory) |
//! | `networks` | where the tenant manages the route's network itself | [`network`](crate::network) |
//! | `assistant/<assistant>` | where the route names an assistant | [`label`] |
//! | `rate/<rule>/tenant`, `rate/<rule>/subject/<subject>` | for each rate limit that counts the route | [`limit`](crate::limit) |
//!
//! The adapter keeps what issuers publish under `keys/<issuer>/set` and `…/failure`
//! ([`key::published`]).
//!
//! A value is one JSON object with `"v":1`, at most 64 KiB. A record that can't be read, is larger,
//! has another version or another shape is not an absent record: it is a refusal (503).

pub mod key;

use crate::denial::{Denial, Reason};
use crate::label;
use crate::policy::{Directory, Per, Policy, RateLimit};
use crate::token::kind::TokenType;
use crate::token::{Authenticated, json};
use key::{digest, key, segment};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
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
    Session,
    Seen,
    User,
    Networks,
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
    /// What steps 8 and 9 will look at; on a public route no more than the networks that its tenant manages.
    pub(crate) fn by(authenticated: &Authenticated<'p>, policy: &'p Policy) -> Self {
        let mut needed = Self::default();
        let routed = &authenticated.admitted.routed;
        let tenant = routed.located.hosted.tenant;
        let id = tenant.id().as_str();
        let mut need = |purpose, parts: &[&str]| {
            needed.keys.push(key(id, parts));
            needed.purposes.push(purpose);
        };
        if routed.route.answer().is_none() && tenant.manages(routed.route.network()) {
            need(Purpose::Networks, &["networks"]);
        }
        let Some(principal) = &authenticated.principal else {
            return needed;
        };
        let subject = &*segment(principal.subject());
        if policy.checks_revocation() {
            need(Purpose::Revocation, &["revoked", "all"]);
            need(Purpose::Revocation, &["revoked", "subject", subject]);
            if let Some(session) = principal.session() {
                need(Purpose::Revocation, &["revoked", "session", &segment(session)]);
            }
        }
        if policy.sessions().is_some() && principal.token_type() == TokenType::Session {
            // A session of the gateway's own always has an identifier; one without is found nowhere.
            let session = digest(principal.session().unwrap_or_default());
            need(Purpose::Session, &["session", &session]);
            need(Purpose::Seen, &["seen", &session]);
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

    /// Those that are looked at again while an answer streams: a bucket counted the request when it came, and how long a
    /// session was not used is asked of requests.
    pub(crate) fn lasting(&self) -> Needed<'static> {
        let mut lasting = Needed::default();
        for (key, purpose) in self.keys.iter().zip(&self.purposes) {
            let purpose = match purpose {
                Purpose::Revocation => Purpose::Revocation,
                Purpose::Session => Purpose::Session,
                Purpose::User => Purpose::User,
                Purpose::Networks => Purpose::Networks,
                Purpose::Assistant => Purpose::Assistant,
                Purpose::Seen | Purpose::Bucket(_) => continue,
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

/// The members of a stored value besides the version.
fn members(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    if bytes.len() > MAX_RECORD {
        return Err("is larger than 64 KiB");
    }
    let mut object = json::object(bytes).map_err(|_| "is not strict JSON")?;
    match object.remove("v") {
        Some(version) if version.as_u64() == Some(1) => Ok(object),
        _ => Err("has an unknown version"),
    }
}

/// A stored value in its one shape.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence that begins with its key.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, &'static str> {
    serde_json::from_value(Value::Object(members(bytes)?)).map_err(|_| "has an unknown shape")
}

/// The value that is stored of a record, `None` where it is larger than [`MAX_RECORD`].
pub fn encode(record: &impl Serialize) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        v: u8,
        #[serde(flatten)]
        record: &'a T,
    }
    let value = serde_json::to_vec(&Versioned { v: 1, record }).ok()?;
    (value.len() <= MAX_RECORD).then_some(value)
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

    /// The record of the gateway's own session, where the verdict needs one.
    pub(crate) fn session(self) -> Option<Stored<'r>> {
        self.any(|purpose| matches!(purpose, Purpose::Session))
    }

    /// When that session was last seen.
    pub(crate) fn seen(self) -> Option<Stored<'r>> {
        self.any(|purpose| matches!(purpose, Purpose::Seen))
    }

    /// The networks that the tenant manages, where the verdict needs them.
    pub(crate) fn networks(self) -> Option<Stored<'r>> {
        self.any(|purpose| matches!(purpose, Purpose::Networks))
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
        self.any(wanted)
            .ok_or_else(|| Denial::new(Reason::StateUnavailable, "a record was not asked for"))
    }

    fn any(self, wanted: impl Fn(Purpose<'p>) -> bool) -> Option<Stored<'r>> {
        self.picked(|purpose| wanted(purpose).then_some(())).map(|((), stored)| stored).next()
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
        match self.record {
            Record::Absent => Ok(None),
            Record::Unavailable => Err(self.unreadable("can't be read")),
            Record::Found(bytes) => members(bytes).map(Some).map_err(|why| self.unreadable(why)),
        }
    }

    /// The record in its one shape; `None` where there is no such record.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<Option<T>, Denial> {
        match self.record {
            Record::Absent => Ok(None),
            Record::Unavailable => Err(self.unreadable("can't be read")),
            Record::Found(bytes) => decode(bytes).map(Some).map_err(|why| self.unreadable(why)),
        }
    }

    /// The refusal of whoever needs this record.
    pub(crate) fn unreadable(self, why: &str) -> Denial {
        Denial::new(Reason::StateUnavailable, format!("{} {why}", self.key))
    }
}
