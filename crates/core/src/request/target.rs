//! The request target in the one form that is judged and forwarded, byte for byte.
//!
//! Refused, not repaired: whoever repairs a path judges another one than the client wrote, and
//! two repairers disagree. In evaluation order:
//!
//! 1. Origin form, at most 8 KiB (RFC 9112, section 3.2.1): it starts with `/`. No fragment.
//! 2. Bytes of the path are those of RFC 3986 section 3.3 (`pchar` and `/`) but `;`: no backslash,
//!    no space, no control, nothing outside ASCII. Servers that know path parameters drop them
//!    before they resolve dot segments, and so read `/a/..;/b` and `/b;x` as `/b`.
//! 3. A percent sign is followed by two upper-case hexadecimal digits (section 2.1) and hides no
//!    slash, backslash or control character, nor an unreserved character: `%61` is another spelling
//!    of `a` (section 2.3). `%26` and `&` are two paths (section 2.2), and browsers' scripts write
//!    the former (`encodeURIComponent`). An origin may take them for one, so no rule tells them
//!    apart: patterns and assistants' identifiers are of unreserved characters.
//! 4. The decoded path is UTF-8 (an overlong form of `/` is nobody's file name) without control
//!    characters and without another percent-encoding: whoever decodes twice reads the same.
//! 5. No `.` or `..` segment (section 3.3), not before an encoded `;` or beside encoded spaces
//!    either, which some servers cut off, and no empty segment but the last.
//! 6. The query has no control, space, fragment, quote, backslash or broken percent-encoding. It
//!    is forwarded and never judged.
//!
//! `/api/assistants/a1/chat?x=1` passes; `/api/../admin`, `/api/%2e%2e/admin`, `/api//admin`,
//! `/%61pi` and `/api%2Fadmin` do not. `/api` and `/api/` are two resources (section 6.2.4), which
//! match two patterns.

use crate::denial::{Denial, Reason};
use std::borrow::Cow;
use std::fmt;

/// The longest target, in bytes. RFC 9112 section 3 recommends at least 8,000.
pub const MAX_TARGET: usize = 8 * 1024;

/// A target in canonical form.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    whole: String,
    path_len: usize,
}

impl Target {
    /// Parses a target in origin form.
    pub fn parse(target: impl AsRef<str> + Into<String>) -> Result<Self, Denial> {
        let path_len = check(target.as_ref())?;
        Ok(Self { whole: target.into(), path_len })
    }

    /// Path and query, as the client wrote them.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// The path, as the client wrote it.
    pub fn path(&self) -> &str {
        self.whole.get(..self.path_len).unwrap_or_default()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.whole, f)
    }
}

fn refused(detail: &'static str) -> Denial {
    Denial::new(Reason::TargetNotCanonical, detail)
}

/// The length of the path.
fn check(target: &str) -> Result<usize, Denial> {
    if target.len() > MAX_TARGET {
        return Err(refused("the target is longer than 8 KiB"));
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    check_path(path)?;
    query.map_or(Ok(()), check_query)?;
    Ok(path.len())
}

fn check_path(path: &str) -> Result<(), Denial> {
    if !path.starts_with('/') {
        return Err(refused("the target does not start with a slash"));
    }
    if path.contains("//") {
        return Err(refused("an empty segment"));
    }
    let decoded = decode(path)?;
    // A slash is never encoded here, so the decoded segments are the written ones.
    let is_dots = |segment: &str| {
        let name = segment.split(';').next().unwrap_or_default();
        matches!(name.trim(), "." | "..")
    };
    if decoded.contains('.') && decoded.split('/').any(is_dots) {
        return Err(refused("a dot segment"));
    }
    Ok(())
}

/// The path as an origin may decode it; a path without a percent sign is that already.
fn decode(path: &str) -> Result<Cow<'_, str>, Denial> {
    if !path.contains('%') {
        return if path.bytes().all(may_stand) {
            Ok(Cow::Borrowed(path))
        } else {
            Err(refused("a byte that may not stand in a path"))
        };
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let hidden = percent_decoded(bytes.next(), bytes.next()).ok_or_else(|| {
                    refused("a percent sign without two upper-case hexadecimal digits")
                })?;
                check_hidden(hidden)?;
                decoded.push(hidden);
            }
            _ if may_stand(byte) => decoded.push(byte),
            _ => return Err(refused("a byte that may not stand in a path")),
        }
    }
    let decoded =
        String::from_utf8(decoded).map_err(|_| refused("the decoded path is not UTF-8"))?;
    if decoded.chars().any(char::is_control) {
        return Err(refused("an encoded control character"));
    }
    if has_percent_encoding(&decoded) {
        return Err(refused("the path is percent-encoded twice"));
    }
    Ok(Cow::Owned(decoded))
}

fn check_hidden(hidden: u8) -> Result<(), Denial> {
    match hidden {
        b'/' | b'\\' => Err(refused("an encoded slash or backslash")),
        _ if is_unreserved(hidden) => {
            Err(refused("a percent-encoded character that needs no encoding"))
        }
        _ => Ok(()),
    }
}

fn check_query(query: &str) -> Result<(), Denial> {
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = (bytes.next(), bytes.next());
                if !matches!(digits, (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
                {
                    return Err(refused("a broken percent-encoding in the query"));
                }
            }
            b'#' | b'"' | b'<' | b'>' | b'\\' => {
                return Err(refused("a byte that may not stand in a query"));
            }
            0x21..=0x7e => {}
            _ => return Err(refused("a byte that may not stand in a query")),
        }
    }
    Ok(())
}

fn percent_decoded(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| match byte? {
        byte @ b'0'..=b'9' => Some(byte - b'0'),
        byte @ b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

fn has_percent_encoding(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|w| matches!(w, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// A byte that stands in a path as it is: a slash, or a `pchar` (RFC 3986, section 3.3) but the
/// percent sign and `;`.
const fn may_stand(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'/' | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
        )
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn accepted_targets_keep_every_byte() {
        for (name, target, path) in [
            ("root", "/", "/"),
            ("plain", "/api/assistants/a1/chat?x=1", "/api/assistants/a1/chat"),
            ("trailing slash", "/api/", "/api/"),
            ("sub-delims", "/a,v=1,2!$&'()*+=:@~", "/a,v=1,2!$&'()*+=:@~"),
            ("encoded reserved characters", "/a%26b%3Ac%40d%2Be%2C", "/a%26b%3Ac%40d%2Be%2C"),
            ("encoded semicolon", "/a%3Bb", "/a%3Bb"),
            ("encoded UTF-8", "/%E9%96%A2%E6%89%80", "/%E9%96%A2%E6%89%80"),
            ("encoded space and percent sign", "/a%20b%25", "/a%20b%25"),
            ("encoded space at the end", "/a%20", "/a%20"),
            ("quote, brackets and braces", "/%22%5B%7Bx%7D%5D", "/%22%5B%7Bx%7D%5D"),
            ("dots in a name", "/a..b/.well-known/...", "/a..b/.well-known/..."),
            ("empty query", "/a?", "/a"),
            ("query of brackets and encoded slashes", "/a?b[]=%2f%2F|{}^`'", "/a"),
        ] {
            let parsed = Target::parse(target).unwrap_or_else(|d| panic!("{name}: {}", d.detail()));
            assert_eq!(parsed.as_str(), target, "{name}");
            assert_eq!(parsed.path(), path, "{name}");
        }
    }

    #[test]
    fn refused_targets() {
        for (name, target) in [
            ("nothing", ""),
            ("no slash", "api"),
            ("asterisk form", "*"),
            ("absolute form", "http://acme.example.jp/"),
            ("dot segment", "/api/./x"),
            ("dot-dot segment", "/api/../admin"),
            ("dot-dot at the end", "/api/.."),
            ("encoded dots", "/api/%2E%2E/admin"),
            ("encoded dots, lower case", "/api/%2e%2e/admin"),
            ("encoded slash", "/api%2Fadmin"),
            ("encoded backslash", "/api%5Cadmin"),
            ("encoded NUL", "/api%00"),
            ("encoded line feed", "/api%0A"),
            ("encoded DEL", "/api%7F"),
            ("encoded letter", "/%61pi"),
            ("encoded tilde", "/%7Eu"),
            ("encoded C1 control", "/a%C2%85b"),
            ("lower-case hexadecimal", "/%e9%96%a2"),
            ("double encoding", "/api%252Fadmin"),
            ("double encoding of dots", "/%252e%252e/"),
            ("overlong slash", "/%C0%AF"),
            ("lone continuation byte", "/%80"),
            ("half an encoding", "/a%2"),
            ("percent sign alone", "/a%"),
            ("not hexadecimal", "/a%zz"),
            ("path parameter", "/admin;x/users"),
            ("dot-dot with a path parameter", "/api/..;/admin"),
            ("dot-dot with an encoded semicolon", "/api/..%3Bx/admin"),
            ("dot with an encoded semicolon at the end", "/api/.%3B"),
            ("dot-dot before an encoded space", "/api/..%20/admin"),
            ("dot-dot behind an encoded space", "/api/%20../admin"),
            ("dot-dot before a no-break space", "/api/..%C2%A0/admin"),
            ("segment of a semicolon", "/;/admin"),
            ("backslash", "/a\\b"),
            ("space", "/a b"),
            ("control", "/a\u{1}"),
            ("outside ASCII", "/関所"),
            ("empty segment", "/api//admin"),
            ("empty first segment", "//admin"),
            ("fragment", "/a#b"),
            ("fragment in the query", "/a?b#c"),
            ("control in the query", "/a?b\r\nc"),
            ("broken encoding in the query", "/a?%4"),
        ] {
            assert!(Target::parse(target).is_err(), "{name}");
        }
        assert!(Target::parse(format!("/{}", "a".repeat(super::MAX_TARGET))).is_err());
        assert!(Target::parse(format!("/{}", "a".repeat(super::MAX_TARGET - 1))).is_ok());
    }
}
