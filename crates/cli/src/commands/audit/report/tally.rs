//! Counting records by tenant.

use jiff::Timestamp;
use sekisho_trail::read::{Query, Record};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most users that are told apart in a tenant, and the most reasons and routes: far more than a policy and a directory
/// have.
const MOST_USERS: usize = 1_000_000;
const MOST_NAMES: usize = 10_000;

/// What happened, by tenant; without one, by the empty name.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) tenants: BTreeMap<String, Tenant>,
}

/// What happened in one tenant.
#[derive(Default)]
pub(super) struct Tenant {
    pub(super) permitted: u64,
    pub(super) denied: u64,
    /// Streams that the gateway broke off.
    pub(super) streams_cut: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) routes: BTreeMap<String, u64>,
    pub(super) users: BTreeMap<String, User>,
}

/// What happened to one user.
#[derive(Default)]
pub(super) struct User {
    pub(super) permitted: u64,
    pub(super) denied: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

impl Tally {
    /// Counts a record, if it is the gateway's of a request or of a stream's end.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        let is_end = record.event.as_deref() == Some("stream-end") && record.component.is_none();
        let is_decision = record.is_request() && record.decision.is_some();
        if !is_end && !is_decision {
            return;
        }
        let name = record.tenant.as_deref().unwrap_or_default();
        if !self.tenants.contains_key(name) {
            if self.tenants.len() >= MOST_NAMES {
                return;
            }
            self.tenants.insert(name.to_owned(), Tenant::default());
        }
        if let Some(tenant) = self.tenants.get_mut(name) {
            tenant.add(record, is_end);
        }
    }

    pub(super) fn as_json(&self, query: &Query, users: usize) -> Value {
        let tenants = self.tenants.iter().map(|(name, tenant)| tenant.as_json(name, users));
        json!({
            "since": query.since,
            "until": query.until,
            "tenants": tenants.collect::<Vec<_>>(),
        })
    }
}

impl Tenant {
    fn add(&mut self, record: &Record<'_>, is_end: bool) {
        let (cut, permitted) = match (is_end, record.decision.as_deref()) {
            (true, _) => (record.end.as_deref() == Some("denied"), false),
            (false, decision) => (false, decision == Some("permit")),
        };
        if is_end && !cut {
            return;
        }
        let time = record.time();
        span(&mut self.first, &mut self.last, time);
        self.streams_cut += u64::from(cut);
        self.permitted += u64::from(!is_end && permitted);
        self.denied += u64::from(!is_end && !permitted);
        count(&mut self.reasons, record.reason.as_deref());
        if !is_end {
            count(&mut self.routes, record.route.as_deref());
        }
        let Some(name) = record.subject.as_deref() else { return };
        if self.users.len() < MOST_USERS && !self.users.contains_key(name) {
            self.users.insert(name.to_owned(), User::default());
        }
        if let Some(user) = self.users.get_mut(name) {
            user.permitted += u64::from(!is_end && permitted);
            user.denied += u64::from(!is_end && !permitted);
            span(&mut user.first, &mut user.last, time);
        }
    }

    /// Whether there may be users who are not counted.
    pub(super) fn is_bounded(&self) -> bool {
        self.users.len() >= MOST_USERS
    }

    fn as_json(&self, name: &str, users: usize) -> Value {
        let listed = self.users.iter().take(users).map(|(name, user)| {
            json!({"subject": name, "permitted": user.permitted, "denied": user.denied,
                "first": user.first, "last": user.last})
        });
        json!({
            "tenant": Some(name).filter(|name| !name.is_empty()),
            "permitted": self.permitted,
            "denied": self.denied,
            "streams_cut": self.streams_cut,
            "first": self.first,
            "last": self.last,
            "reasons": self.reasons,
            "routes": self.routes,
            "user_count": self.users.len(),
            "users": listed.collect::<Vec<_>>(),
        })
    }
}

fn span(first: &mut Option<Timestamp>, last: &mut Option<Timestamp>, time: Option<Timestamp>) {
    let Some(time) = time else { return };
    *first = Some(first.map_or(time, |first| first.min(time)));
    *last = Some(last.map_or(time, |last| last.max(time)));
}

fn count(counts: &mut BTreeMap<String, u64>, name: Option<&str>) {
    let Some(name) = name else { return };
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < MOST_NAMES {
        counts.insert(name.to_owned(), 1);
    }
}
