//! Filters (RFC 7644, section 3.4.2.2): comparisons by `eq`, joined by `and`. That is what Entra ID and Okta ask; others
//! are refused as `invalidFilter`, and nothing is ever listed by a filter that was not understood.

use super::fault;
use crate::problem::Problem;
use serde_json::Value;

/// The longest filter, in bytes.
const MAX_FILTER: usize = 1_024;
/// The most comparisons of one.
const MAX_TERMS: usize = 4;

/// A comparison: the attribute in lower case, without the name of its schema, and a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) attribute: String,
    pub(super) value: Value,
}

impl Term {
    /// The value as text; one that is none equals no text.
    pub(super) fn text(&self) -> Option<&str> {
        self.value.as_str()
    }
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, Problem> {
    if text.len() > MAX_FILTER {
        return Err(refused("is longer than 1,024 bytes"));
    }
    let mut rest = text.trim();
    let mut terms = Vec::new();
    loop {
        let (term, after) = term(rest)?;
        terms.push(term);
        if terms.len() > MAX_TERMS {
            return Err(refused("compares more than four things"));
        }
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(terms);
        }
        let (word, next) = word(after);
        if !word.eq_ignore_ascii_case("and") {
            return Err(refused("has more than comparisons that are joined by and"));
        }
        rest = next.trim_start();
    }
}

fn term(text: &str) -> Result<(Term, &str), Problem> {
    let (attribute, rest) = attribute(text)?;
    let (operator, rest) = word(rest.trim_start());
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(refused("compares by something else than eq"));
    }
    let (value, rest) = value(rest.trim_start())?;
    Ok((Term { attribute, value }, rest))
}

/// An attribute's path, with `[type eq "work"]` where it is one of several values: there is one of each alone.
fn attribute(text: &str) -> Result<(String, &str), Problem> {
    let end = text.find([' ', '[']).unwrap_or(text.len());
    let (mut path, mut rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut name = plain(path);
    if let Some(inner) = rest.strip_prefix('[') {
        let (_, after) = inner.split_once(']').ok_or_else(|| refused("has no ] for its ["))?;
        let end = after.find(' ').unwrap_or(after.len());
        (path, rest) = after.split_at_checked(end).unwrap_or((after, ""));
        name.push_str(&path.to_ascii_lowercase());
    }
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'$');
    if name.is_empty() || !name.bytes().all(sound) {
        return Err(refused("names no attribute"));
    }
    Ok((name, rest))
}

/// An attribute in lower case, without its schema's name: `userName` of
/// `urn:ietf:params:scim:schemas:core:2.0:User:userName`.
pub(super) fn plain(path: &str) -> String {
    let core = [
        "urn:ietf:params:scim:schemas:core:2.0:user:",
        "urn:ietf:params:scim:schemas:core:2.0:group:",
    ];
    let lower = path.to_ascii_lowercase();
    core.iter().find_map(|urn| lower.strip_prefix(urn)).unwrap_or(&lower).to_owned()
}

fn word(text: &str) -> (&str, &str) {
    text.split_at_checked(text.find(' ').unwrap_or(text.len())).unwrap_or((text, ""))
}

/// A JSON value at the beginning of a text, and what comes after it.
fn value(text: &str) -> Result<(Value, &str), Problem> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) if !value.is_array() && !value.is_object() => {
            let rest = text.get(values.byte_offset()..).unwrap_or_default();
            Ok((value, rest))
        }
        _ => Err(refused("compares with no value in double quotes")),
    }
}

fn refused(why: &str) -> Problem {
    fault(
        "invalidFilter",
        format!("The filter {why}. Ask as in userName eq \"hanako@example.jp\"."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_are_asked() {
        for (text, want) in [
            (r#"userName eq "a@b""#, &[("username", "a@b")][..]),
            (r#"USERNAME EQ "a \"b\"""#, &[("username", "a \"b\"")]),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#, &[("username", "a")]),
            (r#"emails[type eq "work"].value eq "a@b""#, &[("emails.value", "a@b")]),
            (r#"emails.value eq "a@b""#, &[("emails.value", "a@b")]),
            (r#"id eq "x" and members eq "y""#, &[("id", "x"), ("members", "y")]),
        ] {
            let terms = parse(text).unwrap();
            let got: Vec<_> =
                terms.iter().map(|term| (term.attribute.as_str(), term.text().unwrap())).collect();
            assert_eq!(got, want, "{text}");
        }
        let long = format!("userName eq \"{}\"", "a".repeat(2_000));
        let many = ["a eq \"b\""; 9].join(" and ");
        for text in [
            "",
            "userName",
            "userName eq",
            "userName eq a",
            r#"userName eq ["a"]"#,
            r#"userName co "a""#,
            r#"userName eq "a" or userName eq "b""#,
            r#"not (userName eq "a")"#,
            r#"userName eq "a" and"#,
            r#"emails[type eq "work" eq "a""#,
            r#"関所 eq "a""#,
            "userName pr",
            r#"userName eq "a"#,
            &long,
            &many,
        ] {
            let problem = parse(text).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.reason), (400, "invalidFilter"), "{text}");
        }
    }
}
