//! Which other sites' pages may call: what of a tenant's `cors` opens and closes.

use super::keys::shown;
use super::{Changes, Effect};
use toml::{Table, Value};

impl Changes {
    /// Compares the tables, of which each may not be there.
    pub(super) fn cors(&mut self, place: &str, old: Option<&Table>, new: Option<&Table>) {
        let place = format!("{place}, cors");
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => {
                let sites = shown(new.get("origins"));
                self.add(Effect::Opens, &place, format!("added, for {sites}"));
                if of(new, "credentials") == Value::Boolean(true) {
                    self.add(Effect::Opens, &place, "credentials: false → true".into());
                }
            }
            // What the origins say of it passes again.
            (Some(_), None) => self.add(Effect::Changes, &place, "removed".into()),
            (Some(old), Some(new)) => {
                for key in ["origins", "headers", "expose_headers"] {
                    let items = |table: &Table| match of(table, key) {
                        Value::Array(items) => items,
                        _ => Vec::new(),
                    };
                    self.wider(&place, key, &items(old), &items(new));
                }
                for (key, effect) in
                    [("credentials", Effect::Opens), ("max_age_s", Effect::Changes)]
                {
                    let (before, after) = (of(old, key), of(new, key));
                    let effect =
                        if after == Value::Boolean(false) { effect.opposite() } else { effect };
                    if before != after {
                        let what =
                            format!("{key}: {} → {}", shown(Some(&before)), shown(Some(&after)));
                        self.add(effect, &place, what);
                    }
                }
            }
        }
    }

    fn wider(&mut self, place: &str, key: &str, old: &[Value], new: &[Value]) {
        let lacks = |list: &[Value], item: &&Value| !list.contains(*item);
        for (effect, word, from, other) in
            [(Effect::Opens, "added", new, old), (Effect::Closes, "removed", old, new)]
        {
            let items: Vec<Value> =
                from.iter().filter(|item| lacks(other, item)).cloned().collect();
            if !items.is_empty() {
                let items = shown(Some(&Value::Array(items)));
                self.add(effect, place, format!("{key}: {word} {items}"));
            }
        }
    }
}

/// The value of a key, or what the gateway takes where it is left out.
fn of(table: &Table, key: &str) -> Value {
    table.get(key).cloned().unwrap_or_else(|| match key {
        "headers" => Value::Array(vec!["authorization".into(), "content-type".into()]),
        "credentials" => false.into(),
        "max_age_s" => 600.into(),
        _ => Value::Array(Vec::new()),
    })
}
