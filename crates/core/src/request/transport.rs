//! Step 1: the request came over HTTPS.
//!
//! 1. It arrived over TLS: it passes.
//! 2. The peer is a trusted proxy and its one `X-Forwarded-Proto` is `https`: it passes.
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
    if request.scheme == Scheme::Https || (via_proxy && proxy_says_https(&request)) {
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

fn proxy_says_https(request: &Request) -> bool {
    let mut values = request.headers.values("x-forwarded-proto");
    values.next().is_some_and(|value| value.eq_ignore_ascii_case(b"https")) && values.next().is_none()
}

/// The same address over HTTPS, only where host and target are in canonical form: whatever is
/// quoted in a `Location` must not be able to lead elsewhere. The port is left out, because the
/// plain port is not the TLS port.
fn https_address(request: &Request) -> Option<String> {
    let authority = Authority::of(request).ok()?;
    let target = Target::parse(&request.target).ok()?;
    Some(format!("https://{}{}", authority.host(), target.as_str()))
}
