//! Step 4: the client's address.
//!
//! 1. The peer of the connection, unless the peer is a trusted proxy.
//! 2. Behind a trusted proxy, the one header that the policy names, and no other:
//!    - `x-forwarded-for` (`list`) and `forwarded` (`forwarded`, RFC 7239): all its lines as one
//!      list, walked from the right past trusted addresses; the first untrusted one is the client.
//!      What the client itself wrote stands further left and is never reached.
//!    - any other name is a CDN's own header with exactly one address.
//! 3. Anything that the walk meets and can't read, and a header that is missing, is a refusal,
//!    never a fall-back to another address; but for a missing one where the policy says that it is the proxy
//!    itself then (`unnamed_client = "peer"`). So is a walk of more than [`MAX_HOPS`] proxies.
//!
//! An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address.
//!
//! Before all this, in step 1, a trusted proxy proves that it is one, where the policy asks for a
//! secret (`secret`).

mod address;
pub(crate) mod forwarded;
mod list;
pub(crate) mod secret;

use crate::denial::{Denial, Reason};
use crate::policy::{ClientAddress, Edge, UnnamedClient};
use crate::request::Canonical;
use crate::tenant::Hosted;
use std::net::IpAddr;

/// The most trusted proxies that a walk passes. A chain of real ones is a few long; without an end
/// each request could have thousands of entries compared with every trusted block.
pub const MAX_HOPS: usize = 32;

/// A request whose client is known, or known to be unknowable.
#[derive(Debug)]
pub struct Located<'p> {
    pub(crate) hosted: Hosted<'p>,
    pub(crate) client: Option<IpAddr>,
}

/// Finds the client's address. `None` only where the host gives no peer address.
pub fn locate<'p>(hosted: Hosted<'p>, edge: &Edge) -> Result<Located<'p>, Denial> {
    let request = &hosted.request;
    let lines = || request.headers.values(edge.client_address_header());
    let is_own = edge.unnamed_client() == UnnamedClient::Peer && lines().next().is_none();
    let client = if request.via_proxy && !is_own {
        let lines = lines();
        let trusted = |address| edge.trusted_proxies().contains(address);
        Some(match edge.client_address() {
            ClientAddress::XForwardedFor => walk(list::from_the_right(lines), trusted)?,
            ClientAddress::Forwarded => walk(forwarded::from_the_right(lines)?, trusted)?,
            ClientAddress::Single(_) => single(lines)?,
        })
    } else {
        peer(request)
    };
    Ok(Located { hosted, client })
}

fn peer(request: &Canonical) -> Option<IpAddr> {
    request.peer.map(|peer| peer.ip().to_canonical())
}

/// The first address, from the nearest hop on, that is not trusted; the farthest where all are.
/// `None` is a hop that can't be read.
fn walk(
    hops: impl Iterator<Item = Option<IpAddr>>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Result<IpAddr, Denial> {
    let mut farthest = None;
    for (passed, hop) in hops.enumerate() {
        if passed == MAX_HOPS {
            return Err(invalid("more trusted proxies than there can be"));
        }
        let address = hop.ok_or_else(|| invalid("an entry that is not an address"))?;
        if !trusted(address) {
            return Ok(address);
        }
        farthest = Some(address);
    }
    farthest.ok_or_else(|| invalid("a trusted proxy sent no client address"))
}

fn single<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Result<IpAddr, Denial> {
    match (lines.next(), lines.next()) {
        (Some(line), None) => address::parse(line).ok_or_else(|| invalid("not an address")),
        (None, _) => Err(invalid("a trusted proxy sent no client address")),
        (Some(_), Some(_)) => Err(invalid("more than one client address")),
    }
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::ClientAddressInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_valued_header_has_one_address() {
        let one = |lines: &[&str]| single(lines.iter().map(|line| line.as_bytes())).ok();
        assert_eq!(one(&["203.0.113.9"]), Some("203.0.113.9".parse().unwrap()));
        assert_eq!(one(&["203.0.113.9, 1.2.3.4"]), None);
        assert_eq!(one(&["203.0.113.9", "203.0.113.9"]), None);
        assert_eq!(one(&["unknown"]), None);
        assert_eq!(one(&[]), None);
    }

    #[test]
    fn a_walk_has_an_end() {
        let hop: IpAddr = "10.0.0.1".parse().unwrap();
        let client: IpAddr = "203.0.113.9".parse().unwrap();
        let after = |hops: usize| {
            let hops = std::iter::repeat_n(Some(hop), hops).chain([Some(client)]);
            walk(hops, |address| address == hop).ok()
        };
        assert_eq!(after(0), Some(client));
        assert_eq!(after(MAX_HOPS - 1), Some(client));
        assert_eq!(after(MAX_HOPS), None);
    }
}
