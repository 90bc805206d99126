//! The price of a network of 100,000 blocks: one lookup, and compiling it.
//!
//! `cargo bench -p sekisho-core --bench networks`
#![allow(clippy::unwrap_used, reason = "a benchmark that can't set itself up should stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sekisho_core::network::{AddressSet, Kind};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const BLOCKS: u64 = 100_000;

/// Addresses that are asked for in turn: too many for a processor to learn the answers.
const ADDRESSES: u64 = 1 << 14;

/// Numbers without an order, the same in every run (`SplitMix64`).
fn scattered(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn v4(bits: u64) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::try_from(bits >> 32).unwrap())
}

fn v6(bits: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(0x2001_u128 << 112 | u128::from(bits) << 32)
}

/// Every tenth block denies.
fn blocks(block: impl Fn(u64) -> IpNet) -> Vec<(IpNet, Kind)> {
    let kind = |n| if n % 10 == 0 { Kind::Deny } else { Kind::Allow };
    (0..BLOCKS).map(|n| (block(scattered(n)), kind(n))).collect()
}

/// Half of the addresses are in a block.
fn addresses(address: impl Fn(u64) -> IpAddr) -> Vec<IpAddr> {
    (0..ADDRESSES).map(|n| address(scattered(if n % 2 == 0 { n } else { BLOCKS + n }))).collect()
}

fn networks(c: &mut Criterion) {
    let of_v4 = blocks(|bits| Ipv4Net::new(v4(bits), 24).unwrap().trunc().into());
    let of_v6 = blocks(|bits| Ipv6Net::new(v6(bits), 64).unwrap().trunc().into());
    let set = AddressSet::new(of_v4.iter().chain(&of_v6).copied());
    let mut group = c.benchmark_group("networks");
    for (name, addresses) in [
        ("v4, 100,000 blocks", addresses(|bits| v4(bits).into())),
        ("v6, 100,000 blocks", addresses(|bits| v6(bits).into())),
    ] {
        let inside = addresses.iter().filter(|address| set.contains(**address)).count();
        assert!(inside > addresses.len() / 3 && inside < addresses.len(), "{name}: {inside}");
        let mut asked = addresses.iter().cycle();
        group.bench_function(name, |bench| {
            bench.iter(|| set.contains(*black_box(asked.next().unwrap())));
        });
    }
    group.sample_size(10);
    for (name, blocks) in [("compile v4", &of_v4), ("compile v6", &of_v6)] {
        group.bench_function(name, |bench| {
            bench.iter(|| AddressSet::new(blocks.iter().copied()));
        });
    }
    group.finish();
}

criterion_group!(benches, networks);
criterion_main!(benches);
