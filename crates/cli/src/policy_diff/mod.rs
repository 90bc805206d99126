//! What changed between two policies, in words, the most dangerous first.
//!
//! Both are compared as a reviewer reads them, key by key; comments, order and layout don't count.
//! Each change says whether it lets more in, lets less in, or neither can be said:
//!
//! | place | what |
//! | --- | --- |
//! | here | files, tenants, routes, origins, issuers: what is there, matched by name |
//! | `keys` | a key's old and new value, and what that means |
//! | `networks` | blocks added and removed |
//!
//! A key that this program does not know is a change all the same.

mod cors;
mod keys;
mod networks;
#[cfg(test)]
mod tests;

use crate::report::Failure;
use crate::test_key::table;
use sekisho_core::policy::{Files, Pattern};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// What a change does. In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// More gets in.
    Opens,
    /// It depends.
    Changes,
    /// Less gets in.
    Closes,
}

impl Effect {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Changes => "changes",
            Self::Closes => "closes",
        }
    }

    const fn opposite(self) -> Self {
        match self {
            Self::Opens => Self::Closes,
            Self::Changes => Self::Changes,
            Self::Closes => Self::Opens,
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What it does.
    pub effect: Effect,
    /// Of what: `tenant acme`, `route chat`, `edge`.
    pub place: String,
    /// What changed there.
    pub what: String,
}

/// Every change from one sound policy to another.
///
/// # Errors
/// A file can't be read as what it was loaded as.
pub fn diff(old: &Files, new: &Files) -> Result<Vec<Change>, Failure> {
    let mut changes = Changes::default();
    let gateway = |files: &Files| match files.get("gateway.toml") {
        Some(bytes) => table("gateway.toml", bytes),
        None => Ok(Table::new()),
    };
    changes.gateway(&gateway(old)?, &gateway(new)?);
    let (old_tenants, new_tenants) = (tenants(old)?, tenants(new)?);
    for id in names(old_tenants.keys(), new_tenants.keys()) {
        let place = format!("tenant {id}");
        match (old_tenants.get(id), new_tenants.get(id)) {
            (Some(before), Some(after)) => changes.tenant(&place, (before, old), (after, new)),
            (None, _) => changes.add(Effect::Opens, &place, "added".into()),
            (_, None) => changes.add(Effect::Closes, &place, "removed".into()),
        }
    }
    changes.found.sort();
    Ok(changes.found)
}

fn tenants(files: &Files) -> Result<BTreeMap<String, Table>, Failure> {
    let mut tenants = BTreeMap::new();
    for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with("tenants/")) {
        let id = file.trim_start_matches("tenants/").trim_end_matches(".toml");
        tenants.insert(id.to_owned(), table(file, bytes)?);
    }
    Ok(tenants)
}

fn names<'a>(
    old: impl Iterator<Item = &'a String>,
    new: impl Iterator<Item = &'a String>,
) -> BTreeSet<&'a String> {
    old.chain(new).collect()
}

/// The changes that were found.
#[derive(Debug, Default)]
struct Changes {
    found: Vec<Change>,
}

impl Changes {
    fn add(&mut self, effect: Effect, place: &str, what: String) {
        self.found.push(Change { effect, place: place.to_owned(), what });
    }

    fn gateway(&mut self, old: &Table, new: &Table) {
        for section in names(old.keys(), new.keys()) {
            let (before, after) = (old.get(section), new.get(section));
            match section.as_str() {
                "routes" => self.list("route", "id", before, after, Effect::Opens),
                "rate_limits" => self.list("rate limit", "id", before, after, Effect::Closes),
                "origins" => self.origins(before, after),
                // What is left out has its defaults.
                _ => match (as_table(before), as_table(after)) {
                    (None, None) => self.key(section, section, before, after),
                    (before, after) => {
                        let empty = Table::new();
                        self.table(section, before.unwrap_or(&empty), after.unwrap_or(&empty));
                    }
                },
            }
        }
    }

    fn table(&mut self, place: &str, old: &Table, new: &Table) {
        for key in names(old.keys(), new.keys()) {
            self.key(place, key, old.get(key), new.get(key));
        }
    }

    /// A list of tables, each with its name in a key.
    fn list(
        &mut self,
        kind: &str,
        key: &str,
        old: Option<&Value>,
        new: Option<&Value>,
        added: Effect,
    ) {
        let (old, new) = (by_name(old, key), by_name(new, key));
        for name in names(old.keys(), new.keys()) {
            let place = format!("{kind} {name}");
            match (old.get(name), new.get(name)) {
                (Some(before), Some(after)) => self.table(&place, before, after),
                (None, _) => self.add(added, &place, "added".into()),
                (Some(before), None) => match heir(before, &old, &new) {
                    Some(heir) => {
                        let what = format!("removed, and its paths fall to the {kind} {heir}");
                        self.add(Effect::Changes, &place, what);
                    }
                    None => self.add(added.opposite(), &place, "removed".into()),
                },
            }
        }
    }

    fn origins(&mut self, old: Option<&Value>, new: Option<&Value>) {
        let empty = Table::new();
        let old = as_table(old).unwrap_or(&empty);
        let new = as_table(new).unwrap_or(&empty);
        for id in names(old.keys(), new.keys()) {
            let place = format!("origin {id}");
            match (as_table(old.get(id)), as_table(new.get(id))) {
                (Some(before), Some(after)) => self.table(&place, before, after),
                // By itself it leads nowhere: the routes to it are changes of their own.
                (None, _) => self.add(Effect::Changes, &place, "added".into()),
                (_, None) => self.add(Effect::Changes, &place, "removed".into()),
            }
        }
    }

    fn tenant(&mut self, place: &str, old: (&Table, &Files), new: (&Table, &Files)) {
        for key in names(old.0.keys(), new.0.keys()) {
            let (before, after) = (old.0.get(key), new.0.get(key));
            match key.as_str() {
                "networks" => self.networks(place, as_table(before), as_table(after)),
                "cors" => self.cors(place, as_table(before), as_table(after)),
                "issuers" => {
                    let (before, after) = (by_name(before, "issuer"), by_name(after, "issuer"));
                    for name in names(before.keys(), after.keys()) {
                        let place = format!("{place}, issuer {name}");
                        match (before.get(name), after.get(name)) {
                            (Some(before), Some(after)) => {
                                self.issuer(&place, (before, old.1), (after, new.1));
                            }
                            (None, _) => self.add(Effect::Opens, &place, "added".into()),
                            (_, None) => self.add(Effect::Closes, &place, "removed".into()),
                        }
                    }
                }
                _ => self.key(place, key, before, after),
            }
        }
    }
}

fn as_table(value: Option<&Value>) -> Option<&Table> {
    value.and_then(Value::as_table)
}

fn by_name<'t>(list: Option<&'t Value>, key: &str) -> BTreeMap<String, &'t Table> {
    let tables = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table);
    tables.filter_map(|table| Some((table.get(key)?.as_str()?.to_owned(), table))).collect()
}

/// The route that takes what a removed one had to itself: a wider one that was there before. One
/// that comes anew is said to open by itself.
fn heir<'n>(
    gone: &Table,
    old: &BTreeMap<String, &Table>,
    new: &'n BTreeMap<String, &Table>,
) -> Option<&'n str> {
    let path = path(gone)?;
    // Where its path stays with other methods, the removed ones are not allowed.
    if new.values().any(|route| self::path(route) == Some(path)) {
        return None;
    }
    let gone = Pattern::parse(path).ok()?;
    let takes = |route: &Table| {
        let other = self::path(route).and_then(|path| Pattern::parse(path).ok());
        other.is_some_and(|other| other.meets(&gone) && !gone.covers(&other))
    };
    let mut stay = new.iter().filter(|(name, _)| old.contains_key(*name));
    stay.find(|(_, route)| takes(route)).map(|(name, _)| name.as_str())
}

fn path(route: &Table) -> Option<&str> {
    route.get("path").and_then(Value::as_str)
}
