//! Step 4: the client's address.
//!
//! 1. The peer of the connection, unless the peer is a trusted proxy.
//! 2. Behind a trusted proxy, the one header that the policy names, and no other:
//!    - `x-forwarded-for`: all its lines as one list, walked from the right past trusted
//!      addresses; the first untrusted one is the client. What the client itself wrote stands
//!      further left and is never reached.
//!    - any other name is a CDN's own header with exactly one address.
//! 3. Anything that the walk meets and can't read, and a header that is missing, is a refusal,
//!    never a fall-back to another address.
//!
//! An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address.

use crate::denial::{Denial, Reason};
use crate::policy::Edge;
use crate::tenant::Hosted;
use std::net::{IpAddr, SocketAddr};

/// A request whose client is known, or known to be unknowable.
#[derive(Debug)]
pub struct Located<'p> {
    pub(crate) hosted: Hosted<'p>,
    pub(crate) client: Option<IpAddr>,
}

/// Finds the client's address. `None` only where the host gives no peer address.
pub fn locate<'p>(hosted: Hosted<'p>, edge: &Edge) -> Result<Located<'p>, Denial> {
    let request = &hosted.request;
    let client = if request.via_proxy {
        let name = edge.client_address_header();
        let lines = request.headers.values(name);
        Some(if name == "x-forwarded-for" {
            walk(lines, |address| edge.trusted_proxies().contains(address))?
        } else {
            single(lines)?
        })
    } else {
        request.peer.map(|peer| peer.ip().to_canonical())
    };
    Ok(Located { hosted, client })
}

fn walk<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Result<IpAddr, Denial> {
    let entries: Vec<&[u8]> = lines.flat_map(|line| line.split(|byte| *byte == b',')).collect();
    let mut nearest = None;
    for entry in entries.into_iter().rev() {
        let address = parse(entry).ok_or_else(|| invalid("an entry that is not an address"))?;
        if !trusted(address) {
            return Ok(address);
        }
        nearest = Some(address);
    }
    nearest.ok_or_else(|| invalid("a trusted proxy sent no client address"))
}

fn single<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Result<IpAddr, Denial> {
    match (lines.next(), lines.next()) {
        (Some(line), None) => parse(line).ok_or_else(|| invalid("not an address")),
        (None, _) => Err(invalid("a trusted proxy sent no client address")),
        (Some(_), Some(_)) => Err(invalid("more than one client address")),
    }
}

/// An address, optionally with a port, as proxies write it: `192.0.2.1`, `192.0.2.1:4711`,
/// `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t']);
    // A zone means something on the proxy's own link only; `SocketAddr` would read past it.
    if text.contains('%') {
        return None;
    }
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| {
            let inner = text.strip_prefix('[')?.strip_suffix(']')?;
            inner.parse().ok().map(IpAddr::V6)
        })?;
    Some(address.to_canonical())
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::ClientAddressInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_from_the_right_past_trusted_proxies() {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        for (name, lines, want) in [
            ("one", &["203.0.113.9"][..], Some("203.0.113.9")),
            ("spoofed left", &["1.2.3.4, 203.0.113.9"], Some("203.0.113.9")),
            (
                "garbage left of the client is not reached",
                &["unknown, 203.0.113.9"],
                Some("203.0.113.9"),
            ),
            ("past a trusted one", &["203.0.113.9, 10.0.0.1"], Some("203.0.113.9")),
            (
                "several lines are one list",
                &["1.2.3.4", "203.0.113.9, 10.0.0.1", "10.0.0.2"],
                Some("203.0.113.9"),
            ),
            ("all trusted: the farthest", &["10.0.0.1, 10.0.0.2"], Some("10.0.0.1")),
            ("port", &["203.0.113.9:1234"], Some("203.0.113.9")),
            ("IPv6", &["2001:db8::1"], Some("2001:db8::1")),
            ("IPv6 in brackets", &["[2001:db8::1]"], Some("2001:db8::1")),
            ("IPv6 with port", &["[2001:db8::1]:44"], Some("2001:db8::1")),
            ("mapped", &["::ffff:203.0.113.9"], Some("203.0.113.9")),
            ("garbage where the walk stands", &["203.0.113.9, unknown"], None),
            ("garbage behind a trusted one", &["203.0.113.9, unknown, 10.0.0.1"], None),
            ("empty entry", &["203.0.113.9, "], None),
            ("leading zero", &["203.0.113.09"], None),
            ("zone", &["fe80::1%1"], None),
            ("zone and port", &["[fe80::1%1]:80"], None),
            ("empty", &[""], None),
            ("missing", &[], None),
        ] {
            let got = walk(lines.iter().map(|line| line.as_bytes()), trusted).ok();
            assert_eq!(got.map(|address| address.to_string()).as_deref(), want, "{name}");
        }
    }

    #[test]
    fn a_single_valued_header_has_one_address() {
        let one = |lines: &[&str]| single(lines.iter().map(|line| line.as_bytes())).ok();
        assert_eq!(one(&["203.0.113.9"]), Some("203.0.113.9".parse().unwrap()));
        assert_eq!(one(&["203.0.113.9, 1.2.3.4"]), None);
        assert_eq!(one(&["203.0.113.9", "203.0.113.9"]), None);
        assert_eq!(one(&[]), None);
    }
}
