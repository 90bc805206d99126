//! What the store knows: of each tenant its users, labels, revocations and buckets. Tenants have users
//! and assistants of the same names, and know them by other words.

use super::policy::{IDS, ROLES};
use crate::support::NOW;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sekisho_core::session::{Record, Records};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const GROUPS: [&str; 2] = ["sales", "lab"];
/// Names that stand in generated paths, and may be an assistant's.
const ASSISTANTS: [&str; 5] = ["a1", "me", "chat", "users", "x.y"];

/// The subject of the tokens that are made for a tenant.
pub(crate) fn subject(tenant: &str) -> String {
    format!("u-1.{tenant}")
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) labels: BTreeMap<&'static str, Label>,
    /// Subjects whose tokens are revoked.
    pub(crate) revoked: Vec<String>,
    /// The buckets are empty, the tenant's and its users'.
    pub(crate) exhausted: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum User {
    Active { roles: Vec<&'static str>, groups: Vec<&'static str> },
    Suspended,
    Left,
}

#[derive(Clone, Debug)]
pub(crate) enum Label {
    Organization,
    Restricted { users: Vec<String>, groups: Vec<&'static str> },
    Personal { owner: String },
}

/// Any state of a tenant.
pub(crate) fn state() -> impl Strategy<Value = State> {
    let subjects = || select(&IDS[..]).prop_map(subject);
    (
        prop::collection::btree_map(subjects(), user(), 0..=IDS.len()),
        prop::collection::btree_map(select(&ASSISTANTS[..]), label(), 2..=ASSISTANTS.len()),
        prop_oneof![6 => Just(Vec::new()), 1 => prop::collection::vec(subjects(), 1..3)],
        prop::bool::weighted(0.15),
    )
        .prop_map(|(users, labels, revoked, exhausted)| State {
            users,
            labels,
            revoked,
            exhausted,
        })
}

fn user() -> impl Strategy<Value = User> {
    let rights = (subsequence(&ROLES[..], 1..=ROLES.len()), subsequence(&GROUPS[..], 0..=2));
    prop_oneof![
        8 => rights.prop_map(|(roles, groups)| User::Active { roles, groups }),
        1 => Just(User::Suspended),
        1 => Just(User::Left),
    ]
}

fn label() -> impl Strategy<Value = Label> {
    let subject = || select(&IDS[..]).prop_map(subject);
    let restricted = (prop::collection::vec(subject(), 0..3), subsequence(&GROUPS[..], 0..=1));
    prop_oneof![
        3 => Just(Label::Organization),
        2 => restricted.prop_map(|(users, groups)| Label::Restricted { users, groups }),
        1 => subject().prop_map(|owner| Label::Personal { owner }),
    ]
}

impl State {
    /// The records of this tenant, of all that the store holds.
    pub(super) fn records(&self, tenant: &str, records: &mut Records) {
        let mut put = |key: String, value: &Value| {
            let value = Record::Found(value.to_string().into_bytes());
            records.insert(format!("t/{tenant}/{key}"), value);
        };
        for (subject, user) in &self.users {
            put(format!("user/{subject}"), &user.record());
            if self.exhausted {
                put(format!("rate/all/subject/{subject}"), &empty());
            }
        }
        for (assistant, label) in &self.labels {
            put(format!("assistant/{assistant}"), &label.record());
        }
        for subject in &self.revoked {
            put(format!("revoked/subject/{subject}"), &json!({"v": 1}));
        }
        if self.exhausted {
            put("rate/all/tenant".into(), &empty());
        }
    }
}

fn empty() -> Value {
    json!({"v": 1, "level": 0, "at": NOW * 1000})
}

impl User {
    fn record(&self) -> Value {
        match self {
            Self::Active { roles, groups } => {
                json!({"v": 1, "state": "active", "roles": roles, "groups": groups})
            }
            Self::Suspended => json!({"v": 1, "state": "suspended", "roles": ROLES}),
            Self::Left => json!({"v": 1, "state": "left", "roles": ROLES}),
        }
    }
}

impl Label {
    fn record(&self) -> Value {
        match self {
            Self::Organization => json!({"v": 1, "visibility": "organization"}),
            Self::Restricted { users, groups } => {
                json!({"v": 1, "visibility": "restricted", "users": users, "groups": groups})
            }
            Self::Personal { owner } => {
                json!({"v": 1, "visibility": "personal", "owner": owner})
            }
        }
    }
}
