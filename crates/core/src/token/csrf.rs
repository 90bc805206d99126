//! Cross-site requests: a browser sends the session cookie along, whichever site asked it to.
//!
//! In evaluation order:
//!
//! 1. A bearer token passes: no browser adds one unasked.
//! 2. GET, HEAD and OPTIONS pass: they change nothing (RFC 9110, section 9.2.1), and the other site
//!    can't read the answer.
//! 3. A page of a site that the tenant lets use the session cookie (`cors.credentials`) passes by its `Origin`.
//! 4. `Sec-Fetch-Site` (W3C Fetch Metadata Request Headers), exactly one: `same-origin` and `none`,
//!    the user's own doing, pass. Any other value does not, nor do several fields. `same-site` is
//!    among those: another tenant's host may be of the same site.
//! 5. Without it, `Origin` (RFC 6454, section 7), exactly one: it passes if it is `https://` and the
//!    request's authority, where no port is 443. `null` and several fields do not pass.
//! 6. With neither field it passes: every browser of today sends one of them, so it is none.

use super::locate::Token;
use crate::cors::Sharing;
use crate::denial::{Denial, Reason};
use crate::request::Canonical;
use crate::request::canonical::Authority;

/// Refuses a request that a browser made for another site.
pub(super) fn judge(
    request: &Canonical,
    token: &Token<'_>,
    sharing: Option<Sharing<'_>>,
) -> Result<(), Denial> {
    if matches!(token, Token::Bearer(_)) || matches!(request.method, "GET" | "HEAD" | "OPTIONS") {
        return Ok(());
    }
    if sharing.is_some_and(Sharing::takes_cookies) {
        return Ok(());
    }
    let mut sites = request.headers.values("sec-fetch-site");
    if let Some(site) = sites.next() {
        return pass(
            matches!(site, b"same-origin" | b"none") && sites.next().is_none(),
            "Sec-Fetch-Site is not same-origin",
        );
    }
    let mut origins = request.headers.values("origin");
    if let Some(origin) = origins.next() {
        return pass(
            is_of(origin, &request.authority) && origins.next().is_none(),
            "Origin is not this host",
        );
    }
    Ok(())
}

fn is_of(origin: &[u8], authority: &Authority) -> bool {
    std::str::from_utf8(origin)
        .ok()
        .and_then(|origin| origin.strip_prefix("https://"))
        .and_then(|named| Authority::parse(named).ok())
        .is_some_and(|named| {
            (named.host(), named.https_port()) == (authority.host(), authority.https_port())
        })
}

fn pass(same: bool, detail: &'static str) -> Result<(), Denial> {
    if same { Ok(()) } else { Err(Denial::new(Reason::CrossSiteRequest, detail)) }
}
