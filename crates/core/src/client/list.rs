//! `X-Forwarded-For`: addresses, each proxy appending its peer's.

use super::address;
use std::net::IpAddr;

/// The entries from the nearest hop on; `None` for one that is not an address.
pub(super) fn from_the_right<'a>(
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
) -> impl Iterator<Item = Option<IpAddr>> {
    lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).map(address::parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::walk;

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
            let got = walk(from_the_right(lines.iter().map(|line| line.as_bytes())), trusted).ok();
            assert_eq!(got.map(|address| address.to_string()).as_deref(), want, "{name}");
        }
    }
}
