//! Step 1: the request came over HTTPS.
//!
//! 1. The peer is a trusted proxy that sends `X-Forwarded-Proto`: exactly one, `https`, passes,
//!    and nothing else does. What it relays over TLS may have reached it in the clear.
//! 2. Without such a word: it arrived over TLS and passes.
//! 3. Otherwise GET and HEAD are redirected (308, RFC 9110 section 15.4.9) to the same address
//!    over HTTPS, and everything else is refused, because its body has been on the wire already.
//!
//! `X-Forwarded-Proto` from anyone else is not looked at.

use super::canonical::Authority;
use super::target::Target;
use super::{Request, Scheme};
use crate::denial::{Denial, Reason};
use crate::policy::Edge;

/// A request that came over HTTPS.
#[derive(Debug)]
pub struct Secured {
    pub(super) request: Request,
    /// The peer is a proxy whose word the policy takes.
    pub(super) via_proxy: bool,
}

/// Judges the transport.
pub fn require_https(request: Request, edge: &Edge) -> Result<Secured, Denial> {
    let via_proxy = edge.trusted_proxies().trusts_peer(request.peer.map(|peer| peer.ip()));
    let word = if via_proxy { proxy_says_https(&request) } else { None };
    if word.unwrap_or(request.scheme == Scheme::Https) {
        return Ok(Secured { request, via_proxy });
    }
    if matches!(request.method.as_str(), "GET" | "HEAD")
        && let Some(location) = https_address(&request)
    {
        return Err(Denial::new(Reason::HttpsRedirect, "arrived without TLS")
            .with_header("location", location));
    }
    Err(Denial::new(Reason::HttpsRequired, "arrived without TLS"))
}

/// The proxy's word; `None` where it gives none.
fn proxy_says_https(request: &Request) -> Option<bool> {
    let mut values = request.headers.values("x-forwarded-proto");
    let first = values.next()?;
    Some(first.eq_ignore_ascii_case(b"https") && values.next().is_none())
}

/// The same address over HTTPS, only where host and target are in canonical form: whatever is
/// quoted in a `Location` must not be able to lead elsewhere. The port is left out, because the
/// plain port is not the TLS port.
fn https_address(request: &Request) -> Option<String> {
    let authority = Authority::of(request).ok()?;
    let target = Target::parse(&request.target).ok()?;
    Some(format!("https://{}{}", authority.host(), target.as_str()))
}
