//! CIDR blocks.

use super::Loader;
use crate::policy::source::Spanned;
use ipnet::IpNet;

impl Loader<'_> {
    pub(super) fn blocks(&mut self, file: &str, sources: &[Spanned<String>]) -> Vec<IpNet> {
        let mut blocks = Vec::with_capacity(sources.len());
        for source in sources {
            let text = source.get_ref();
            match text.parse::<IpNet>() {
                Ok(block) if block.addr() != block.network() => self.fault(
                    "block-host-bits",
                    (file, Some(source.span())),
                    format!("{text:?} has bits set behind its prefix"),
                    format!("did you mean {:?}, or {:?}?", block.trunc().to_string(), format!("{}/{}", block.addr(), block.max_prefix_len())),
                ),
                Ok(IpNet::V6(block)) if block.addr().to_ipv4_mapped().is_some() => self.fault(
                    "block-mapped",
                    (file, Some(source.span())),
                    format!("{text:?} is an IPv4 block written as IPv6"),
                    "write it as IPv4: a client is judged by its IPv4 address",
                ),
                Ok(block) => blocks.push(block),
                Err(_) => self.fault(
                    "block-invalid",
                    (file, Some(source.span())),
                    format!("{text:?} is no CIDR block"),
                    "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or 2001:db8::/32",
                ),
            }
        }
        blocks
    }
}
