//! `Location` (RFC 9110, section 10.2.2) and `Content-Location`: an answer sends its client nowhere but to the tenant.
//!
//! | it names | it becomes |
//! | --- | --- |
//! | a path, a query, a fragment | the same; without the origin's prefix, and where the route rewrites with the one in front of the gateway |
//! | the request's host, or the origin's own or the one it is asked for, whose names stay inside | the path alone, so that scheme and port are the client's |
//! | another host of the tenant, by `https` on its usual port, or without a scheme | the same, by `https` |
//! | a host of the origin's `redirect_hosts`, by `https` | the same |
//! | anything else, among it another tenant's host, or what browsers read otherwise than it is written | a refusal |
//!
//! `/next` and `http://assistant.internal:8080/next` become `/next`; `//evil.example/`, `/\evil.example` and
//! `javascript:...` are refused.

use crate::policy::{HostPolicy, Origin, Rewrite, Tenant, after_prefix};
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
                if host == self.host || self.is_inside(host) {
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

    /// One of the origin's own names.
    fn is_inside(&self, host: &str) -> bool {
        let asked_for = match self.origin.host() {
            HostPolicy::Named(name) => Some(name.as_str()),
            HostPolicy::Origin | HostPolicy::Client => None,
        };
        let mut names = [Some(self.origin.authority()), asked_for].into_iter().flatten();
        names.any(|name| Authority::parse(name).is_ok_and(|name| name.host() == host))
    }

    /// The path as it is in front of the gateway.
    fn in_front(&self, reference: &str) -> String {
        let end = reference.find(['?', '#']).unwrap_or(reference.len());
        let (path, rest) = reference.split_at(end);
        // Any other is relative to a path in front of the gateway already.
        if !path.starts_with('/') {
            return reference.to_owned();
        }
        let inner = after_prefix(path, self.origin.prefix());
        // Without the prefix, a path that goes on with a slash would begin an authority.
        let path = match inner.filter(|inner| !inner.starts_with("//")) {
            Some("") => "/",
            Some(inner) => inner,
            None => path,
        };
        let before = self.rewrite.and_then(|rewrite| rewrite.undo(path));
        format!("{}{rest}", before.as_deref().unwrap_or(path))
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
