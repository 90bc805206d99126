//! One CIDR block as people write it (RFC 4632, section 3.1; RFC 4291, section 2.3).

use ipnet::IpNet;
use std::net::IpAddr;

/// What is wrong with a text that is no block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoBlock {
    /// A stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write in its place.
    pub help: String,
}

/// Parses a block. Nothing is guessed: an address alone may have lost its prefix length, bits behind the prefix may
/// be a slip in either, and an octet may not start with a zero (010.0.0.0/8 is 8.0.0.0/8 to readers who know octal).
///
/// # Errors
/// It is no block, or could be read as another.
pub fn parse(text: &str) -> Result<IpNet, NoBlock> {
    let address = text.split_once('/').and_then(|(address, _)| address.parse::<IpAddr>().ok());
    match address.and_then(|_| text.parse::<IpNet>().ok()) {
        Some(block) if block.addr() != block.network() => Err(NoBlock {
            code: "block-host-bits",
            message: format!("{text:?} has bits set behind its prefix"),
            help: format!(
                "did you mean {:?}, or {:?}?",
                block.trunc().to_string(),
                IpNet::from(block.addr()).to_string()
            ),
        }),
        Some(IpNet::V6(block)) if block.addr().to_ipv4_mapped().is_some() => Err(NoBlock {
            code: "block-mapped",
            message: format!("{text:?} is an IPv4 block written as IPv6"),
            help: "write it as IPv4: a client is judged by its IPv4 address".to_owned(),
        }),
        Some(block) => Ok(block),
        None => Err(NoBlock {
            code: "block-invalid",
            message: format!("{text:?} is no CIDR block"),
            help: text.parse::<IpAddr>().map_or_else(
                |_| {
                    "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or \
                     2001:db8::/32"
                        .to_owned()
                },
                |address| {
                    format!("for this address alone write {:?}", IpNet::from(address).to_string())
                },
            ),
        }),
    }
}
