//! Who is signed in: the gateway's own sessions by the records of them.

use crate::edit::{Edit, Entries, Unreadable, Was};
use sekisho_core::records::{decode, key};
use sekisho_core::session::record::{Seen, SessionRecord};
use std::collections::BTreeMap;

/// A session by the digest of its identifier; nobody but its holder knows the identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The digest, as it stands in the key.
    pub digest: String,
    /// The session.
    pub record: SessionRecord,
    /// When it was last seen, in seconds since 1970; when it began, if it was not seen since.
    pub seen: i64,
}

/// The sessions of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    tenant: String,
    sessions: Vec<Session>,
}

/// What the keys of a tenant's sessions, and of when they were seen, start with.
pub fn prefixes(tenant: &str) -> [String; 2] {
    [key::prefix(tenant, "session"), key::prefix(tenant, "seen")]
}

impl Sessions {
    /// Reads the records whose keys start with the [`prefixes`], and says which of them can't be read: those are of no
    /// use to anybody.
    pub fn read(tenant: &str, sessions: Entries, seen: Entries) -> (Self, Vec<Unreadable>) {
        let [of_sessions, of_seen] = prefixes(tenant);
        let mut unreadable = Vec::new();
        let mut times: BTreeMap<String, i64> = BTreeMap::new();
        for (key, value) in seen {
            match decode::<Seen>(&value) {
                Ok(seen) => {
                    let digest = key.strip_prefix(&of_seen).unwrap_or_default();
                    times.insert(digest.to_owned(), seen.at);
                }
                Err(why) => unreadable.push(Unreadable { key, why }),
            }
        }
        let mut read = Vec::with_capacity(sessions.len());
        for (key, value) in sessions {
            match decode::<SessionRecord>(&value) {
                Ok(record) => {
                    let digest = key.strip_prefix(&of_sessions).unwrap_or_default().to_owned();
                    let seen = times.get(&digest).copied().unwrap_or(record.created);
                    read.push(Session { digest, seen: seen.max(record.created), record });
                }
                Err(why) => unreadable.push(Unreadable { key, why }),
            }
        }
        (Self { tenant: tenant.to_owned(), sessions: read }, unreadable)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter()
    }

    /// Those of one user.
    pub fn of(&self, subject: &str) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(move |session| session.record.subject == subject)
    }

    /// Ends sessions. The next request of each is refused, and its open streams break off.
    pub fn end<'s>(&self, sessions: impl IntoIterator<Item = &'s Session>) -> Vec<Edit> {
        sessions.into_iter().flat_map(|session| end(&self.tenant, &session.digest)).collect()
    }
}

/// Begins a session: the record under which its token is good.
///
/// # Errors
/// The record is too large.
pub fn begin(
    tenant: &str,
    identifier: &str,
    record: &SessionRecord,
) -> Result<Edit, crate::edit::TooLarge> {
    Edit::write(key::session(tenant, &key::digest(identifier)), Was::Absent, record)
}

/// Ends the session of this digest.
pub fn end(tenant: &str, digest: &str) -> [Edit; 2] {
    [key::session(tenant, digest), key::seen(tenant, digest)]
        .map(|key| Edit::remove(key, Was::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read_and_ended() {
        let digests = ["a", "b"].map(key::digest);
        let of = |digest: &str, subject: &str| {
            let value = format!(r#"{{"v":1,"subject":"{subject}","created":100}}"#);
            (key::session("acme", digest), value.into_bytes())
        };
        let entries = vec![
            of(&digests[0], "u-1"),
            of(&digests[1], "u-2"),
            (key::session("acme", &key::digest("c")), b"x".to_vec()),
        ];
        let seen = vec![(key::seen("acme", &digests[0]), br#"{"v":1,"at":160}"#.to_vec())];
        let (sessions, unreadable) = Sessions::read("acme", entries, seen);
        assert_eq!(unreadable.len(), 1);
        let times: Vec<_> =
            sessions.iter().map(|one| (one.record.subject.as_str(), one.seen)).collect();
        assert_eq!(times, [("u-1", 160), ("u-2", 100)]);
        let keys: Vec<String> =
            sessions.end(sessions.of("u-1")).into_iter().map(|edit| edit.key).collect();
        assert_eq!(keys, [key::session("acme", &digests[0]), key::seen("acme", &digests[0])]);
        let record = SessionRecord { subject: "u".into(), created: 1, client: None, agent: None };
        let edit = begin("acme", "a", &record).unwrap();
        assert_eq!((edit.key, edit.was), (key::session("acme", &digests[0]), Was::Absent));
    }
}
