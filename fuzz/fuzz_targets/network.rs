//! A set holds an address exactly if the longest block around it allows.
#![no_main]

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use libfuzzer_sys::fuzz_target;
use sekisho_core::network::{AddressSet, Kind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A version and a kind, a length, and sixteen bytes of an address.
fn block(bytes: &[u8]) -> Option<(IpNet, Kind)> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let address: [u8; 16] = rest.try_into().ok()?;
    let net = if first & 1 == 0 {
        let [a, b, c, d, ..] = address;
        IpNet::V4(Ipv4Net::new(Ipv4Addr::new(a, b, c, d), length % 33).ok()?)
    } else {
        IpNet::V6(Ipv6Net::new(Ipv6Addr::from(address), length % 129).ok()?)
    };
    Some((net.trunc(), if first & 2 == 0 { Kind::Allow } else { Kind::Deny }))
}

fn holds(block: &IpNet, address: IpAddr) -> bool {
    match (block.addr(), address.to_canonical()) {
        (IpAddr::V4(net), IpAddr::V4(address)) => {
            let shift = 32 - u32::from(block.prefix_len());
            net.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(net), IpAddr::V6(address)) => {
            let shift = 128 - u32::from(block.prefix_len());
            net.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let blocks: Vec<(IpNet, Kind)> = bytes.chunks(18).filter_map(block).collect();
    let set = AddressSet::new(blocks.iter().copied());
    let edges = blocks.iter().flat_map(|(block, _)| match block {
        IpNet::V4(block) => {
            let (first, last) = (block.network().to_bits(), block.broadcast().to_bits());
            [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
                .map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)))
        }
        IpNet::V6(block) => {
            let (first, last) = (block.network().to_bits(), block.broadcast().to_bits());
            [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
                .map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)))
        }
    });
    for address in edges {
        let around = blocks.iter().filter(|(block, _)| holds(block, address));
        // Of two equal blocks the denying one has the word.
        let longest = around.max_by_key(|(block, kind)| (block.prefix_len(), *kind));
        let held = longest.is_some_and(|(_, kind)| *kind == Kind::Allow);
        assert_eq!(set.contains(address), held, "{address} in {blocks:?}");
    }
});
