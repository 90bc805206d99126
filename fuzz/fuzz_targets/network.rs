//! A set of blocks holds an address exactly if one of its blocks does.
#![no_main]

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use libfuzzer_sys::fuzz_target;
use sekisho_core::network::AddressSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A kind, a length and sixteen bytes of an address.
fn block(bytes: &[u8]) -> Option<IpNet> {
    let (kind, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let address: [u8; 16] = rest.try_into().ok()?;
    let net = if kind % 2 == 0 {
        let [a, b, c, d, ..] = address;
        IpNet::V4(Ipv4Net::new(Ipv4Addr::new(a, b, c, d), length % 33).ok()?)
    } else {
        IpNet::V6(Ipv6Net::new(Ipv6Addr::from(address), length % 129).ok()?)
    };
    Some(net.trunc())
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
    let blocks: Vec<IpNet> = bytes.chunks(18).filter_map(block).collect();
    let set = AddressSet::new(blocks.iter().copied());
    let edges = blocks.iter().flat_map(|block| match block {
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
        let held = blocks.iter().any(|block| holds(block, address));
        assert_eq!(set.contains(address), held, "{address} in {blocks:?}");
    }
});
