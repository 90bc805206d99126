//! All that is known of a tenant's users: who they are, who is signed in, whose tokens are taken back.

use crate::edit::{Entries, Unreadable};
use crate::roster::{self, Roster};
use crate::sessions::{self, Sessions};
use sekisho_core::records::key;
use std::collections::BTreeMap;

/// What is read of a store.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Below [`roster::prefix`].
    pub users: Entries,
    /// Below the first of [`sessions::prefixes`].
    pub sessions: Entries,
    /// Below the second.
    pub seen: Entries,
    /// Below [`revoked_prefix`].
    pub revoked: Entries,
}

/// A tenant's users, their sessions, and whose tokens are taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenant {
    /// The users.
    pub roster: Roster,
    /// Their sessions.
    pub sessions: Sessions,
    revoked: BTreeMap<String, Vec<u8>>,
}

impl Tenant {
    /// Reads a tenant's records.
    ///
    /// # Errors
    /// Every user's record that can't be read. One of a session ends it, as far as anybody can tell.
    pub fn read(tenant: &str, read: Read) -> Result<Self, Vec<Unreadable>> {
        let roster = Roster::read(tenant, read.users)?;
        let (sessions, _) = Sessions::read(tenant, read.sessions, read.seen);
        let revoked = read.revoked.into_iter().collect();
        Ok(Self { roster, sessions, revoked })
    }

    /// The revocation of a subject's tokens, as it was read.
    pub fn revocation(&self, subject: &str) -> Option<&[u8]> {
        let key = key::revoked_subject(self.roster.tenant(), subject);
        self.revoked.get(&key).map(Vec::as_slice)
    }
}

/// What the keys of the revocations of a tenant's subjects start with.
pub fn revoked_prefix(tenant: &str) -> String {
    key::prefix(tenant, "revoked/subject")
}

/// The four prefixes below which [`Read`] is, in its order.
pub fn prefixes(tenant: &str) -> [String; 4] {
    let [sessions, seen] = sessions::prefixes(tenant);
    [roster::prefix(tenant), sessions, seen, revoked_prefix(tenant)]
}
