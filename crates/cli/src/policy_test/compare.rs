//! Where a verdict is not the expected one.

use serde::Serialize;
use serde_json::Value;

/// One place where they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The place, as names with dots between them.
    pub at: String,
    /// What was expected there.
    pub expected: Value,
    /// What is there; null also where nothing is.
    pub got: Value,
}

/// What not every verdict has; `null` expects that it has not.
const OPTIONAL: [&str; 3] = ["reason", "upstream", "would_deny"];

/// Every difference: what `expected` names must be so in `got`, and what it leaves out may be
/// anything. Lists must be equal as a whole. A name that no verdict has is a difference, even if
/// nothing is expected there.
pub fn differences(expected: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    collect("", expected, got, &mut found);
    found
}

fn collect(at: &str, expected: &Value, got: &Value, found: &mut Vec<Difference>) {
    if let (Value::Object(members), Value::Object(_)) = (expected, got) {
        for (name, value) in members {
            let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            match got.get(name) {
                Some(got) => collect(&at, value, got, found),
                None if OPTIONAL.contains(&at.as_str()) => collect(&at, value, &Value::Null, found),
                None => {
                    let got = "a verdict has no such name".into();
                    found.push(Difference { at, expected: value.clone(), got });
                }
            }
        }
    } else if expected != got {
        found.push(Difference { at: at.to_owned(), expected: expected.clone(), got: got.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_named_must_be_so() {
        let got =
            json!({"decision": "permit", "upstream": {"origin": "a", "headers": [["x", "1"]]}});
        for (name, expected, want) in [
            ("a part", json!({"decision": "permit"}), vec![]),
            ("within", json!({"upstream": {"origin": "a"}}), vec![]),
            ("another value", json!({"decision": "deny"}), vec!["decision"]),
            ("a misspelt name", json!({"desicion": "permit"}), vec!["desicion"]),
            (
                "two places",
                json!({"decision": "deny", "upstream": {"origin": "b"}}),
                vec!["decision", "upstream.origin"],
            ),
            ("a list in part", json!({"upstream": {"headers": []}}), vec!["upstream.headers"]),
            ("another kind", json!({"upstream": 1}), vec!["upstream"]),
        ] {
            let found = differences(&expected, &got);
            let found: Vec<&str> = found.iter().map(|difference| difference.at.as_str()).collect();
            assert_eq!(found, want, "{name}");
        }
    }
}
