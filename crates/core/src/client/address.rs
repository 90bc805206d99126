//! An address as proxies write it.

use std::net::{IpAddr, SocketAddr};

/// An address, optionally with a port: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`,
/// `[2001:db8::1]`, `[2001:db8::1]:4711`.
pub(super) fn parse(text: &[u8]) -> Option<IpAddr> {
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
