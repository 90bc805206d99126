//! Entity tags, and the conditions that a request makes of them (RFC 9110, sections 8.8.3 and 13.1).

use crate::problem::Problem;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The tag of a record, or of that there is none.
pub fn of(key: &str, value: Option<&[u8]>) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update([u8::from(value.is_some())]);
    hash.update(value.unwrap_or_default());
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in hash.finalize().iter().take(16) {
        // Writing to a String can't fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// What stands in the place of what is to be changed.
pub struct Target<'a> {
    /// Its tag.
    pub tag: &'a str,
    /// Whether there is something.
    pub exists: bool,
}

impl Target<'_> {
    /// Judges a request that may come without a condition.
    ///
    /// # Errors
    /// 412, or 400 for a condition that can't be read.
    pub fn matches(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(tags) = tags(headers, &IF_MATCH)? {
            let met = match tags {
                Tags::Any => self.exists,
                Tags::List(tags) => tags.iter().any(|tag| tag == self.tag),
            };
            if !met {
                return Err(Problem::changed());
            }
        }
        if let Some(tags) = tags(headers, &IF_NONE_MATCH)? {
            let met = match tags {
                Tags::Any => !self.exists,
                // RFC 9110, section 13.1.2: compared weakly.
                Tags::List(tags) => {
                    tags.iter().all(|tag| tag.strip_prefix("W/").unwrap_or(tag) != self.tag)
                }
            };
            if !met {
                return Err(Problem::changed());
            }
        }
        Ok(())
    }

    /// Judges a request that replaces: of what exists it must say which state it knows.
    ///
    /// # Errors
    /// 428 besides.
    pub fn may_be_replaced(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.matches(headers)?;
        if self.exists && !headers.contains_key(IF_MATCH) {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition-required",
                "Which state is replaced?",
                "Send If-Match with the ETag that was read, or If-Match: * to replace whatever is there.",
            ));
        }
        Ok(())
    }
}

enum Tags {
    Any,
    List(Vec<String>),
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut list = Vec::new();
    let mut any = false;
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| unreadable(name))?.trim();
        if text == "*" {
            any = true;
            continue;
        }
        for tag in text.split(',').map(str::trim) {
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            if !inner.is_some_and(|inner| inner.bytes().all(|b| b.is_ascii_graphic() && b != b'"'))
            {
                return Err(unreadable(name));
            }
            list.push(tag.to_owned());
        }
    }
    match (any, list.is_empty()) {
        (false, true) => Ok(None),
        (true, true) => Ok(Some(Tags::Any)),
        (false, false) => Ok(Some(Tags::List(list))),
        (true, false) => Err(unreadable(name)),
    }
}

fn unreadable(name: &HeaderName) -> Problem {
    Problem::malformed(format!("{name} is * or a list of entity tags, each in double quotes."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let tag = of("k", Some(b"x"));
        let other = of("k", Some(b"y"));
        for (name, value, exists, matches, replaces) in [
            ("x", "", true, 200, 428),
            ("x", "", false, 200, 200),
            ("if-match", "*", true, 200, 200),
            ("if-match", "*", false, 412, 412),
            ("if-match", &tag, true, 200, 200),
            ("if-match", &other, true, 412, 412),
            ("if-match", &format!("{other}, {tag}"), true, 200, 200),
            // RFC 9110, section 13.1.1: compared strongly.
            ("if-match", &format!("W/{tag}"), true, 412, 412),
            ("if-match", "x", true, 400, 400),
            ("if-none-match", "*", true, 412, 412),
            ("if-none-match", "*", false, 200, 200),
            ("if-none-match", &tag, true, 412, 412),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
            let target = Target { tag: &tag, exists };
            let status =
                |judged: Result<(), Problem>| judged.map_or_else(|no| no.status.as_u16(), |()| 200);
            assert_eq!(status(target.matches(&headers)), matches, "{name} {value} {exists}");
            assert_eq!(status(target.may_be_replaced(&headers)), replaces, "{name} {value}");
        }
        assert_ne!(of("k", None), of("k", Some(b"")));
    }
}
