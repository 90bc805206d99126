//! Step 2: one authority, a known method, one spelling of the path, clean header fields.
//!
//! In evaluation order:
//!
//! 1. The header fields ([`headers`]).
//! 2. The method is one that a route can have, in upper case (RFC 9110, section 9.1).
//! 3. No WebSocket handshake (RFC 6455, section 4.1): nothing here can speak it, and an answer as if to a plain
//!    GET would tell its client nothing. Any other upgrade may be ignored (RFC 9110, section 7.8), and is.
//! 4. One authority: at most one `Host`, and it, `:authority` and an absolute target agree
//!    ([`Authority`]).
//! 5. An absolute target's scheme is `https`, as the request came.
//! 6. The target ([`super::target`]).

use super::authority::Absolute;
use super::headers::{self, HeadLimits};
use super::target::Target;
use super::transport::Secured;
use super::{Headers, Request};
use crate::denial::{Denial, Reason};
use std::net::SocketAddr;

pub use super::authority::{Authority, host_name};

/// The methods that routes may name (RFC 9110 section 9, RFC 5789). CONNECT and TRACE are not
/// among them: neither has a meaning here that a client should reach.
pub const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// A request that can be read in one way only.
#[derive(Debug)]
pub struct Canonical {
    pub(crate) method: &'static str,
    pub(crate) authority: Authority,
    pub(crate) target: Target,
    pub(crate) headers: Headers,
    pub(crate) content_length: Option<u64>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) in_flight: Option<u32>,
    pub(crate) via_proxy: bool,
    pub(crate) request_id: String,
}

/// The field that every version of the handshake has. Hosts may have taken `Upgrade` away.
fn asks_for_an_upgrade(headers: &Headers) -> bool {
    headers.values("sec-websocket-key").next().is_some()
        || headers.values("upgrade").any(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

/// Makes a request canonical or refuses it.
pub fn canonicalize(secured: Secured, limits: HeadLimits) -> Result<Canonical, Denial> {
    let Secured { request, via_proxy } = secured;
    let content_length = headers::check(&request.headers, limits)?;
    let method = METHODS
        .into_iter()
        .find(|method| *method == request.method)
        .ok_or_else(|| Denial::new(Reason::MethodUnknown, "a method that no route can have"))?;
    if asks_for_an_upgrade(&request.headers) {
        return Err(Denial::new(Reason::UpgradeNotSupported, "a WebSocket handshake"));
    }
    let authority = Authority::of(&request)?;
    let Request { headers, peer, in_flight, target, request_id, .. } = request;
    let target = match Absolute::split(&target) {
        Some(absolute) if !absolute.scheme.eq_ignore_ascii_case("https") => {
            return Err(Denial::new(
                Reason::TargetNotCanonical,
                "an absolute target of another scheme than https",
            ));
        }
        Some(absolute) => Target::parse(absolute.rest)?,
        None => Target::parse(target)?,
    };
    let given = via_proxy.then(|| given_id(&headers)).flatten();
    Ok(Canonical {
        method,
        authority,
        target,
        content_length,
        peer,
        in_flight,
        via_proxy,
        request_id: given.unwrap_or(request_id),
        headers,
    })
}

/// A trusted proxy's `X-Request-Id`, if it is one short token.
fn given_id(headers: &Headers) -> Option<String> {
    let id = std::str::from_utf8(headers.one("x-request-id")?).ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ((1..=64).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}
