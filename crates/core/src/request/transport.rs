//! Step 1: the request came over HTTPS.
//!
//! 1. A peer on a trusted address knows the proxy's secret, where the policy asks for one
//!    (`crate::client::secret`); before that, nothing it says is believed.
//! 2. A trusted proxy that sends `X-Forwarded-Proto`: exactly one, `https`, passes, and nothing
//!    else does. What it relays over TLS may have reached it in the clear.
//! 3. Where the policy reads the client's address from `Forwarded`, the nearest element's `proto` is
//!    the proxy's word too. Where both speak, both must say `https`. No trusted proxy behind it may
//!    say anything else.
//! 4. Without such a word: it arrived over TLS and passes.
//! 5. Otherwise GET and HEAD are redirected (308, RFC 9110 section 15.4.9) to the same address
//!    over HTTPS, and everything else is refused, because its body has been on the wire already.
//!
//! `X-Forwarded-Proto` and `Forwarded` from anyone else are not looked at.

use super::canonical::Authority;
use super::target::Target;
use super::{Request, Scheme};
use crate::client::{forwarded, secret};
use crate::denial::{Denial, Reason};
use crate::policy::{ClientAddress, Edge};

/// A request that came over HTTPS.
#[derive(Debug)]
pub struct Secured {
    pub(super) request: Request,
    /// The peer is a proxy whose word the policy takes.
    pub(super) via_proxy: bool,
}

/// Judges the transport.
pub fn require_https(mut request: Request, edge: &Edge) -> Result<Secured, Denial> {
    let via_proxy = edge.trusted_proxies().trusts_peer(request.peer.map(|peer| peer.ip()));
    secret::require(&mut request.headers, edge, via_proxy)?;
    let word = if via_proxy { proxy_says_https(&request, edge)? } else { None };
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
fn proxy_says_https(request: &Request, edge: &Edge) -> Result<Option<bool>, Denial> {
    let mut values = request.headers.values("x-forwarded-proto");
    let word =
        values.next().map(|first| first.eq_ignore_ascii_case(b"https") && values.next().is_none());
    let other = match edge.client_address() {
        ClientAddress::Forwarded => {
            let trusted = |address| edge.trusted_proxies().contains(address);
            forwarded::says_https(request.headers.values("forwarded"), trusted)?
        }
        ClientAddress::XForwardedFor | ClientAddress::Single(_) => None,
    };
    Ok(match (word, other) {
        (Some(word), Some(other)) => Some(word && other),
        (word, other) => word.or(other),
    })
}

/// The same address over HTTPS, only where host and target are in canonical form: whatever is
/// quoted in a `Location` must not be able to lead elsewhere. The port is left out, because the
/// plain port is not the TLS port.
fn https_address(request: &Request) -> Option<String> {
    let authority = Authority::of(request).ok()?;
    let target = Target::parse(request.target.as_str()).ok()?;
    Some(format!("https://{}{}", authority.host(), target.as_str()))
}
