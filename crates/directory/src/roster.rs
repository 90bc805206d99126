//! The users of a tenant, as their records have them.

use crate::edit::{Entries, Unreadable, Was};
use sekisho_core::directory::User;
use sekisho_core::records::{decode, key};
use std::collections::BTreeMap;

/// A user with his record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record's value.
    pub value: Vec<u8>,
    /// What it says.
    pub user: User,
}

impl Entry {
    /// The record as it was read.
    pub fn was(&self) -> Was {
        Was::Value(self.value.clone())
    }
}

/// The users of a tenant by subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    tenant: String,
    users: BTreeMap<String, Entry>,
}

impl Roster {
    /// Reads the records whose keys start with [`prefix`].
    ///
    /// # Errors
    /// Every record that can't be read.
    pub fn read(tenant: &str, entries: Entries) -> Result<Self, Vec<Unreadable>> {
        let mut users = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (key, value) in entries {
            match user(tenant, &key, &value) {
                Ok((subject, user)) => drop(users.insert(subject, Entry { value, user })),
                Err(why) => unreadable.push(Unreadable { key, why }),
            }
        }
        if unreadable.is_empty() {
            Ok(Self { tenant: tenant.to_owned(), users })
        } else {
            Err(unreadable)
        }
    }

    /// Whose users they are.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The user of this subject.
    pub fn get(&self, subject: &str) -> Option<&Entry> {
        self.users.get(subject)
    }

    /// All users in the order of their subjects.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.users.iter().map(|(subject, entry)| (subject.as_str(), entry))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

/// What the keys of a tenant's users start with.
pub fn prefix(tenant: &str) -> String {
    key::prefix(tenant, "user")
}

/// The subject and the user of one record.
///
/// # Errors
/// What is wrong with it.
pub fn user(tenant: &str, key: &str, value: &[u8]) -> Result<(String, User), &'static str> {
    let user: User = decode(value)?;
    let segment = key.strip_prefix(&prefix(tenant)).ok_or("is no user's of this tenant")?;
    let subject = match &user.subject {
        Some(subject) => subject.clone(),
        None if key::is_digest(segment) => return Err("does not name its subject"),
        None => segment.to_owned(),
    };
    if key::user(tenant, &subject) != key {
        return Err("names another subject than its key");
    }
    Ok((subject, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_user_of_its_key() {
        let long = "u".repeat(65);
        for (name, key, value, want) in [
            (
                "by its key",
                key::user("acme", "u-1"),
                r#"{"v":1,"state":"active"}"#.to_owned(),
                Ok("u-1"),
            ),
            (
                "by its subject",
                key::user("acme", &long),
                format!(r#"{{"v":1,"state":"left","subject":"{long}"}}"#),
                Ok(long.as_str()),
            ),
            (
                "a digest alone",
                key::user("acme", &long),
                r#"{"v":1,"state":"left"}"#.into(),
                Err("does not name its subject"),
            ),
            (
                "another's",
                key::user("acme", "u-1"),
                r#"{"v":1,"state":"left","subject":"u-2"}"#.into(),
                Err("names another subject than its key"),
            ),
            (
                "another tenant's",
                key::user("globex", "u-1"),
                r#"{"v":1,"state":"left"}"#.into(),
                Err("is no user's of this tenant"),
            ),
            (
                "no state",
                key::user("acme", "u-1"),
                r#"{"v":1}"#.into(),
                Err("has an unknown shape"),
            ),
        ] {
            let got = user("acme", &key, value.as_bytes()).map(|(subject, _)| subject);
            assert_eq!(got, want.map(str::to_owned), "{name}");
        }
    }

    #[test]
    fn every_unreadable_record_is_named() {
        let entries = vec![
            (key::user("acme", "a"), b"{}".to_vec()),
            (key::user("acme", "b"), br#"{"v":1,"state":"active"}"#.to_vec()),
            (key::user("acme", "c"), b"x".to_vec()),
        ];
        let unreadable = Roster::read("acme", entries).unwrap_err();
        let keys: Vec<&str> = unreadable.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["t/acme/user/a", "t/acme/user/c"]);
        assert_eq!(unreadable[0].to_string(), "t/acme/user/a has an unknown version");
    }
}
