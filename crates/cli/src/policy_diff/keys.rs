//! A key's old and new value, and what the change means.

use super::{Change, Changes, Effect};
use sekisho_core::policy::Files;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// What more of a key means: of a list more items, of a number a greater one, of a switch `true`.
/// `None` where neither can be said.
fn more(key: &str) -> Option<Effect> {
    Some(match key {
        "trusted_proxies"
        | "methods"
        | "redirect_hosts"
        | "roles"
        | "public"
        | "hosts"
        | "regions"
        | "audiences"
        | "algorithms"
        | "sole_tenant"
        | "own_keys"
        | "cleartext"
        | "head_bytes"
        | "head_fields"
        | "body_bytes"
        | "max_body_bytes"
        | "max_age_s"
        | "recheck_s"
        | "idle_s"
        | "absolute_s"
        | "burst"
        | "refill_per_minute"
        | "concurrent_requests" => Effect::Opens,
        "all_roles" | "enforce" | "revocation" | "managed_networks" => Effect::Closes,
        _ => return None,
    })
}

/// What the gateway takes where a key is left out.
fn default(key: &str) -> Option<Value> {
    Some(match key {
        "public" | "cleartext" | "sole_tenant" | "discovery" | "own_keys" => false.into(),
        "weight" | "recheck_s" => 1.into(),
        "host" => "origin".into(),
        "connections" => "shared".into(),
        "enforce" | "revocation" => true.into(),
        "network" => "business".into(),
        "tenant_echo" => "required".into(),
        "directory" => "off".into(),
        "unnamed_client" => "nobody".into(),
        "roles_claim" => "roles".into(),
        "client_address_header" => "x-forwarded-for".into(),
        "head_bytes" => 32_768.into(),
        "head_fields" => 100.into(),
        "body_bytes" => 10_485_760.into(),
        "connect_ms" => 5_000.into(),
        "first_byte_ms" => 30_000.into(),
        "idle_ms" => 300_000.into(),
        "roles" | "all_roles" | "trusted_proxies" => Value::Array(Vec::new()),
        _ => return None,
    })
}

impl Changes {
    /// Compares the values of one key.
    pub(super) fn key(&mut self, place: &str, key: &str, old: Option<&Value>, new: Option<&Value>) {
        // Those are the issuer's names, whatever keys of ours they look like.
        if place.ends_with(", role_map") {
            if old != new {
                let what = format!("{key}: {} → {}", shown(old), shown(new));
                self.add(Effect::Changes, place, what);
            }
            return;
        }
        // A route's own timeouts have the gateway's as their default, not the program's.
        let fallback =
            if key.ends_with("_ms") && place.starts_with("route ") { None } else { default(key) };
        let old = old.or(fallback.as_ref());
        let new = new.or(fallback.as_ref());
        if old == new {
            return;
        }
        match (old, new) {
            (Some(Value::Array(old)), Some(Value::Array(new))) => self.items(place, key, old, new),
            (Some(Value::Table(old)), Some(Value::Table(new))) => {
                self.table(&format!("{place}, {key}"), old, new);
            }
            _ => {
                let shown = if key == "proxy_secret" { set } else { shown };
                let what = format!("{key}: {} → {}", shown(old), shown(new));
                self.add(effect(key, old, new), place, what);
            }
        }
    }

    fn items(&mut self, place: &str, key: &str, old: &[Value], new: &[Value]) {
        let effect = more(key).unwrap_or(Effect::Changes);
        // No role at all is every user of the tenant, so the first role closes and the last opens.
        if key == "roles" && (old.is_empty() || new.is_empty()) {
            let effect = if new.is_empty() { Effect::Opens } else { Effect::Closes };
            let names = |list: &[Value]| {
                if list.is_empty() { "everyone".to_owned() } else { joined(list.iter()) }
            };
            return self.add(effect, place, format!("roles: {} → {}", names(old), names(new)));
        }
        let added: Vec<&Value> = new.iter().filter(|item| !old.contains(item)).collect();
        let gone: Vec<&Value> = old.iter().filter(|item| !new.contains(item)).collect();
        if !added.is_empty() {
            self.add(effect, place, format!("{key}: added {}", joined(added.iter().copied())));
        }
        if !gone.is_empty() {
            let what = format!("{key}: removed {}", joined(gone.iter().copied()));
            // Whoever is no proxy any more is a client, and a network may have his address.
            let proxies = key == "trusted_proxies";
            let effect = if proxies { Effect::Changes } else { effect.opposite() };
            self.add(effect, place, what);
        }
        // The first region with an origin is taken, and a claim's path leads from the outside in; of
        // any other list the order means nothing.
        let ordered = key == "regions" || key.ends_with("_claim");
        let told = !(added.is_empty() && gone.is_empty());
        if ordered && !(told && (new.starts_with(old) || old.starts_with(new))) {
            let what = format!("{key}: order {} → {}", joined(old.iter()), joined(new.iter()));
            self.add(Effect::Changes, place, what);
        }
    }

    /// An issuer and its keys.
    pub(super) fn issuer(&mut self, place: &str, old: (&Table, &Files), new: (&Table, &Files)) {
        let empty = (Table::new(), Table::new());
        let (mut before, mut after) = empty;
        before.extend(old.0.clone());
        after.extend(new.0.clone());
        // A file's name means nothing; its keys do.
        before.remove("jwks_file");
        after.remove("jwks_file");
        self.table(place, &before, &after);
        let (before, after) = (key_set(old), key_set(new));
        for (kid, key) in &after {
            match before.get(kid) {
                None => self.add(Effect::Opens, place, format!("key {kid}: added")),
                Some(same) if same == key => {}
                Some(_) => self.add(Effect::Opens, place, format!("key {kid}: is another key now")),
            }
        }
        for kid in before.keys().filter(|kid| !after.contains_key(*kid)) {
            self.add(Effect::Closes, place, format!("key {kid}: removed"));
        }
    }
}

/// The keys that the policy has of an issuer, by `kid`, never shown: a shared secret is one of them.
/// None of an issuer that publishes its own, for which a file only stands in.
fn key_set((issuer, files): (&Table, &Files)) -> BTreeMap<String, Vec<Json>> {
    if publishes_keys(issuer) {
        return BTreeMap::new();
    }
    let file = issuer.get("jwks_file").and_then(Value::as_str).unwrap_or_default();
    let bytes = files.get(file).map(Vec::as_slice).unwrap_or_default();
    let set: Json = serde_json::from_slice(bytes).unwrap_or_default();
    let mut keys: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for key in set.get("keys").and_then(Json::as_array).into_iter().flatten() {
        let kid = key.get("kid").and_then(Json::as_str).unwrap_or_default();
        keys.entry(kid.to_owned()).or_default().push(key.clone());
    }
    keys
}

fn publishes_keys(issuer: &Table) -> bool {
    issuer.contains_key("jwks_url")
        || issuer.get("discovery").and_then(Value::as_bool) == Some(true)
}

fn effect(key: &str, old: Option<&Value>, new: Option<&Value>) -> Effect {
    match (key, old, new) {
        ("tenant_echo" | "directory", Some(old), Some(new)) => {
            // From the strictest word to the laxest.
            let laxity = |word: &Value| {
                ["required", "if-present", "optional", "off"]
                    .iter()
                    .position(|known| Some(*known) == word.as_str())
            };
            // The directory's roles take the place of the token's, and may be more.
            if key == "directory" && old.as_str() == Some("off") {
                Effect::Changes
            } else if laxity(new) > laxity(old) {
                Effect::Opens
            } else {
                Effect::Closes
            }
        }
        ("connections", Some(_), Some(new)) => {
            if new.as_str() == Some("shared") {
                Effect::Opens
            } else {
                Effect::Closes
            }
        }
        ("unnamed_client", Some(_), Some(new)) => {
            if new.as_str() == Some("peer") {
                Effect::Opens
            } else {
                Effect::Closes
            }
        }
        ("concurrent_requests", Some(_), None) => Effect::Opens,
        ("concurrent_requests", None, Some(_)) => Effect::Closes,
        // "peer": whoever connects is believed. And a bound that goes or comes.
        ("trusted_proxies", _, Some(Value::String(_)))
        | ("answer" | "assistant" | "max_age_s" | "token_type" | "proxy_secret", Some(_), None) => {
            Effect::Opens
        }
        ("answer" | "assistant" | "max_age_s" | "token_type" | "proxy_secret", None, Some(_)) => {
            Effect::Closes
        }
        (_, Some(Value::Integer(old)), Some(new)) => {
            let grows = new.as_integer() > Some(*old);
            more(key).map_or(Effect::Changes, |more| if grows { more } else { more.opposite() })
        }
        (_, Some(Value::Boolean(_)), Some(new)) => {
            let on = new.as_bool() == Some(true);
            more(key).map_or(Effect::Changes, |more| if on { more } else { more.opposite() })
        }
        _ => Effect::Changes,
    }
}

/// Of what is nobody's to read.
fn set(value: Option<&Value>) -> String {
    if value.is_some() { "set" } else { "not set" }.to_owned()
}

pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(value) => shown_value(value),
    }
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => joined(items.iter()),
        other => other.to_string().trim().replace('\n', ", "),
    }
}

fn joined<'v>(items: impl Iterator<Item = &'v Value>) -> String {
    items.map(shown_value).collect::<Vec<_>>().join(", ")
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.effect.word(), self.place, self.what)
    }
}
