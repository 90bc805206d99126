//! CIDR blocks.

use super::Loader;
use crate::policy::source::Spanned;
use ipnet::IpNet;
use std::net::IpAddr;

impl Loader<'_> {
    pub(super) fn blocks(&mut self, file: &str, sources: &[Spanned<String>]) -> Vec<IpNet> {
        sources.iter().filter_map(|source| self.block(file, source)).collect()
    }

    pub(super) fn block(&mut self, file: &str, source: &Spanned<String>) -> Option<IpNet> {
        let text = source.get_ref();
        let place = (file, Some(source.span()));
        // An octet may not start with a zero: 010.0.0.0/8 is 8.0.0.0/8 to readers who know octal.
        let address = text.split_once('/').and_then(|(address, _)| address.parse::<IpAddr>().ok());
        match address.and_then(|_| text.parse::<IpNet>().ok()) {
            Some(block) if block.addr() != block.network() => self.fault(
                "block-host-bits",
                place,
                format!("{text:?} has bits set behind its prefix"),
                format!(
                    "did you mean {:?}, or {:?}?",
                    block.trunc().to_string(),
                    IpNet::from(block.addr()).to_string()
                ),
            ),
            Some(IpNet::V6(block)) if block.addr().to_ipv4_mapped().is_some() => self.fault(
                "block-mapped",
                place,
                format!("{text:?} is an IPv4 block written as IPv6"),
                "write it as IPv4: a client is judged by its IPv4 address",
            ),
            Some(block) => return Some(block),
            None => {
                // An address alone may have lost its prefix length, so nobody guesses one.
                let help = text.parse::<IpAddr>().map_or_else(
                    |_| {
                        "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or \
                         2001:db8::/32"
                            .to_owned()
                    },
                    |address| {
                        format!(
                            "for this address alone write {:?}",
                            IpNet::from(address).to_string()
                        )
                    },
                );
                self.fault("block-invalid", place, format!("{text:?} is no CIDR block"), help);
            }
        }
        None
    }
}
