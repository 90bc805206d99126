//! `Location` (RFC 9110, section 10.2.2) and `Content-Location`: an answer sends its client nowhere but to the tenant.
//!
//! | it names | it becomes |
//! | --- | --- |
//! | a path, a query, a fragment | the same; where the route rewrites, with the prefix in front of the gateway |
//! | the request's host, or the origin's own, whose name stays inside | the path alone, so that scheme and port are the client's |
//! | another host of the tenant, by `https` on its usual port, or without a scheme | the same, by `https` |
//! | a host of the origin's `redirect_hosts`, by `https` | the same |
//! | anything else, among it another tenant's host, or what browsers read otherwise than it is written | a refusal |
//!
//! `/next` and `http://assistant.internal:8080/next` become `/next`; `//evil.example/`, `/\evil.example` and
//! `javascript:...` are refused.

use crate::policy::{Origin, Rewrite, Tenant};
use crate::request::authority::Authority;

/// What a reference is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    pub(crate) host: &'a str,
    pub(crate) tenant: &'a Tenant,
    pub(crate) origin: &'a Origin,
    pub(crate) rewrite: Option<&'a Rewrite>,
}

/// A reference (RFC 3986, section 4.1), as far as it decides where a client goes.
enum Reference<'t> {
    /// To an authority: whether by `https` or by no scheme at all, the authority, and what follows.
    Away { secure: bool, authority: Authority, rest: &'t str },
    /// Within the authority of the request.
    Within(&'t str),
}

impl Bounds<'_> {
    /// The reference as the client may see it.
    pub(crate) fn confine(&self, value: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(value).ok()?;
        match read(text)? {
            Reference::Within(path) => Some(self.in_front(path)),
            Reference::Away { secure, authority, rest } => {
                let host = authority.host();
                let inside = Authority::parse(self.origin.authority());
                if host == self.host || inside.is_ok_and(|inside| inside.host() == host) {
                    // Two slashes would begin an authority again.
                    return (!rest.starts_with("//")).then(|| self.in_front(&absolute(rest)));
                }
                let is_usual = secure && authority.https_port() == 443;
                let ours = self.tenant.hosts().iter().any(|known| known == host);
                if is_usual && (ours || self.origin.redirects_to(host)) {
                    return Some(format!("https://{host}{}", absolute(rest)));
                }
                None
            }
        }
    }

    /// The path as it is in front of the gateway.
    fn in_front(&self, reference: &str) -> String {
        let end = reference.find(['?', '#']).unwrap_or(reference.len());
        let (path, rest) = reference.split_at(end);
        // Any other is relative to a path in front of the gateway already.
        let rewrite = self.rewrite.filter(|_| path.starts_with('/'));
        match rewrite.and_then(|rewrite| rewrite.undo(path)) {
            Some(before) => format!("{before}{rest}"),
            None => reference.to_owned(),
        }
    }
}

fn absolute(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

/// Browsers drop white space and controls and take a backslash for a slash (WHATWG URL, section 4.4), so that a
/// reference with one of them is not what it looks like.
fn read(text: &str) -> Option<Reference<'_>> {
    if text.chars().any(|c| c <= ' ' || c == '\\' || c == '\u{7f}') {
        return None;
    }
    let (secure, after) = match scheme(text) {
        None => match text.strip_prefix("//") {
            None => return Some(Reference::Within(text)),
            Some(after) => (true, after),
        },
        Some((scheme, after)) => {
            let secure = scheme.eq_ignore_ascii_case("https");
            if !secure && !scheme.eq_ignore_ascii_case("http") {
                return None;
            }
            (secure, after.strip_prefix("//")?)
        }
    };
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (authority, rest) = after.split_at(end);
    // Refuses user information, and a name in any but its one form.
    let authority = Authority::parse(authority).ok()?;
    Some(Reference::Away { secure, authority, rest })
}

/// RFC 3986, section 3.1: what stands before the first colon, unless a path has begun.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let end = text.find([':', '/', '?', '#'])?;
    let (scheme, rest) = text.split_at(end);
    rest.strip_prefix(':').map(|after| (scheme, after))
}
