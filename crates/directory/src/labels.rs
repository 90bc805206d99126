//! Who may see which assistant (R7).

use crate::edit::{Edit, Entries, TooLarge, Unreadable, Was};
use crate::form::is_subject;
use sekisho_core::label::{Label, is_id};
use sekisho_core::records::{decode, key};
use sekisho_core::token::claims::is_name;
use std::collections::BTreeMap;

/// The most users and groups of one label: they are compared with each request.
pub const MAX_NAMED: usize = 1_000;

/// A label with its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record's value.
    pub value: Vec<u8>,
    /// What it says.
    pub label: Label,
}

/// The labels of a tenant's assistants, by what stands for the assistant in its key: its identifier, or of a long one
/// the digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    tenant: String,
    labels: BTreeMap<String, Entry>,
}

/// What the keys of a tenant's labels start with.
pub fn prefix(tenant: &str) -> String {
    key::prefix(tenant, "assistant")
}

impl Labels {
    /// Reads the records whose keys start with [`prefix`].
    ///
    /// # Errors
    /// Every record that can't be read.
    pub fn read(tenant: &str, entries: Entries) -> Result<Self, Vec<Unreadable>> {
        let prefix = prefix(tenant);
        let mut labels = BTreeMap::new();
        let mut unreadable = Vec::new();
        for (key, value) in entries {
            match decode::<Label>(&value) {
                Ok(label) => {
                    let id = key.strip_prefix(&prefix).unwrap_or_default().to_owned();
                    labels.insert(id, Entry { value, label });
                }
                Err(why) => unreadable.push(Unreadable { key, why }),
            }
        }
        if unreadable.is_empty() {
            Ok(Self { tenant: tenant.to_owned(), labels })
        } else {
            Err(unreadable)
        }
    }

    /// All labels in the order of their assistants.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.labels.iter().map(|(id, entry)| (id.as_str(), entry))
    }

    /// The label of an assistant.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.labels.get(&*key::segment(id))
    }

    /// Labels an assistant.
    ///
    /// # Errors
    /// The record is too large.
    pub fn set(&self, id: &str, label: &Label) -> Result<Edit, TooLarge> {
        Edit::write(key::assistant(&self.tenant, id), self.was(id), label)
    }

    /// Takes a label away: nobody sees the assistant then.
    pub fn remove(&self, id: &str) -> Edit {
        Edit::remove(key::assistant(&self.tenant, id), self.was(id))
    }

    fn was(&self, id: &str) -> Was {
        self.get(id).map(|entry| entry.value.clone()).into()
    }
}

/// Whether a label can be one of this assistant.
///
/// # Errors
/// What is wrong, and what to write.
pub fn check(id: &str, label: &Label) -> Result<(), (String, &'static str)> {
    if !is_id(id) || key::is_digest(id) {
        return Err((
            format!("{id:?} can be no assistant's identifier"),
            "write 1 to 128 letters, digits and - . _ ~, and no digest of another",
        ));
    }
    check_label(label)
}

/// The same of a label whose assistant is known.
///
/// # Errors
/// What is wrong, and what to write.
pub fn check_label(label: &Label) -> Result<(), (String, &'static str)> {
    let (users, groups): (&[String], &[String]) = match label {
        Label::Organization {} => (&[], &[]),
        Label::Restricted { users, groups } => (users, groups),
        Label::Personal { owner } => (std::slice::from_ref(owner), &[]),
    };
    if let Some(user) = users.iter().find(|user| !is_subject(user)) {
        return Err((
            format!("{user:?} is no subject of a token"),
            "write the user as tokens have him: 1 to 255 printable ASCII characters, no spaces",
        ));
    }
    if let Some(group) = groups.iter().find(|group| !is_name(group)) {
        return Err((
            format!("{group:?} is no group"),
            "write 1 to 256 bytes without control characters",
        ));
    }
    if users.len() + groups.len() > MAX_NAMED {
        return Err((
            format!("more than {MAX_NAMED} users and groups"),
            "put the users into a group",
        ));
    }
    if matches!(label, Label::Restricted { .. }) && users.is_empty() && groups.is_empty() {
        return Err((
            "nobody would see the assistant".to_owned(),
            "name users or groups, or remove the label",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restricted(users: &[&str], groups: &[&str]) -> Label {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Label::Restricted { users: owned(users), groups: owned(groups) }
    }

    #[test]
    fn labels_that_can_be() {
        for (id, label, sound) in [
            ("a1", Label::Organization {}, true),
            ("a1", restricted(&["u-1"], &[]), true),
            ("a1", restricted(&[], &["営業部"]), true),
            ("a1", restricted(&[], &[]), false),
            ("a1", restricted(&["a b"], &[]), false),
            ("a1", restricted(&[], &["a\nb"]), false),
            ("a1", restricted(&["u"; MAX_NAMED], &["g"]), false),
            ("a1", Label::Personal { owner: "u-1".into() }, true),
            ("a1", Label::Personal { owner: String::new() }, false),
            ("a/1", Label::Organization {}, false),
            ("", Label::Organization {}, false),
        ] {
            assert_eq!(check(id, &label).is_ok(), sound, "{id} {label:?}");
        }
    }

    #[test]
    fn a_label_is_read_as_it_is_written() {
        let none = Labels::read("acme", Vec::new()).unwrap();
        let long = "a".repeat(100);
        for id in ["a1", &long] {
            let edit = none.set(id, &restricted(&["u-1"], &[])).unwrap();
            assert_eq!(edit.was, Was::Absent);
            let entries = vec![(edit.key.clone(), edit.value.unwrap())];
            let labels = Labels::read("acme", entries).unwrap();
            assert_eq!(labels.get(id).unwrap().label, restricted(&["u-1"], &[]));
            assert!(matches!(labels.remove(id).was, Was::Value(_)));
        }
    }

    #[test]
    fn no_identifier_is_the_digest_of_another() {
        let label = Label::Organization {};
        assert!(check("a1", &label).is_ok() && check(&key::digest("a1"), &label).is_err());
    }
}
