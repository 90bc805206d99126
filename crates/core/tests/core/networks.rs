//! Networks: the longest block decides, and blocks that change nothing are found.

use super::policy::{edited, faults, pointed};
use super::support::{ask, files};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use sekisho_core::network::redundant::MAX_REDUNDANT;
use sekisho_core::network::{AddressSet, Kind, redundant};
use sekisho_core::policy::load;
use sekisho_core::{Policy, Reason};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

type Block = (IpNet, Kind);

fn allow(block: &str) -> Block {
    (block.parse().unwrap(), Kind::Allow)
}

fn deny(block: &str) -> Block {
    (block.parse().unwrap(), Kind::Deny)
}

/// The rule, word for word: the longest block that holds the address decides.
fn naive(blocks: &[Block], address: IpAddr) -> bool {
    let address = address.to_canonical();
    let holding = blocks.iter().filter(|(block, _)| block.contains(&address));
    let longest = holding.max_by_key(|(block, kind)| (block.prefix_len(), *kind));
    longest.is_some_and(|(_, kind)| *kind == Kind::Allow)
}

#[test]
fn addresses() {
    let blocks = [
        allow("192.0.2.0/24"),
        deny("192.0.2.64/26"),
        allow("192.0.2.96/32"),
        allow("192.0.2.192/26"),
        deny("192.0.2.192/27"),
        deny("198.51.100.0/24"),
        allow("0.0.0.0/32"),
        allow("255.255.255.255/32"),
        allow("2001:db8::/32"),
        deny("2001:db8:0:1::/64"),
        allow("ffff::/16"),
        deny("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"),
    ];
    let set = AddressSet::new(blocks);
    for (name, address, inside) in [
        ("first of a block", "192.0.2.0", true),
        ("before it", "192.0.1.255", false),
        ("before an exception", "192.0.2.63", true),
        ("first of the exception", "192.0.2.64", false),
        ("before an exception to it", "192.0.2.95", false),
        ("the exception to it", "192.0.2.96", true),
        ("behind that", "192.0.2.97", false),
        ("last of the exception", "192.0.2.127", false),
        ("behind it", "192.0.2.128", true),
        ("an exception where a nested block starts", "192.0.2.192", false),
        ("behind that exception", "192.0.2.224", true),
        ("last of the block", "192.0.2.255", true),
        ("behind it", "192.0.3.0", false),
        ("denied and never allowed", "198.51.100.7", false),
        ("mapped", "::ffff:192.0.2.9", true),
        ("mapped, in the exception", "::ffff:192.0.2.65", false),
        ("first of all", "0.0.0.0", true),
        ("second of all", "0.0.0.1", false),
        ("last of all", "255.255.255.255", true),
        ("IPv6", "2001:db8::1", true),
        ("IPv6, in the exception", "2001:db8:0:1::1", false),
        ("IPv6, behind the exception", "2001:db8:0:2::", true),
        ("IPv6, behind the block", "2001:db9::", false),
        ("next to last", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", true),
        ("last, an exception", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(set.contains(address), inside, "{name}");
        assert_eq!(naive(&blocks, address), inside, "{name}, naively");
    }
}

#[test]
fn every_edge_of_a_large_set() {
    let every_third = (0..1000_u32)
        .map(|n| (Ipv4Net::new(Ipv4Addr::from_bits(3 * n + 1), 32).unwrap().into(), Kind::Allow));
    let set = AddressSet::new(every_third);
    for bits in 0..3010 {
        let inside = bits % 3 == 1 && bits < 3000;
        assert_eq!(set.contains(Ipv4Addr::from_bits(bits).into()), inside, "{bits}");
    }
    assert_eq!(set.ranges().count(), 1000);
}

#[test]
fn a_set_as_ranges() {
    for (name, blocks, want) in [
        ("nothing", vec![], ""),
        ("only denied", vec![deny("10.0.0.0/8")], ""),
        (
            "neighbours join",
            vec![allow("10.1.0.0/16"), allow("10.0.0.0/16")],
            "10.0.0.0-10.1.255.255",
        ),
        ("nested", vec![allow("10.0.0.0/8"), allow("10.1.0.0/16")], "10.0.0.0-10.255.255.255"),
        (
            "an exception splits",
            vec![deny("10.0.0.4/30"), allow("10.0.0.0/28")],
            "10.0.0.0-10.0.0.3 10.0.0.8-10.0.0.15",
        ),
        (
            "an exception at the end",
            vec![allow("10.0.0.0/30"), deny("10.0.0.2/31")],
            "10.0.0.0-10.0.0.1",
        ),
        (
            "an exception at the start",
            vec![allow("10.0.0.0/30"), deny("10.0.0.0/31")],
            "10.0.0.2-10.0.0.3",
        ),
        (
            "an exception that is all",
            vec![allow("10.0.0.0/31"), deny("10.0.0.0/32"), deny("10.0.0.1/32")],
            "",
        ),
        ("both ways", vec![deny("10.0.0.0/8"), allow("10.0.0.0/8")], ""),
        (
            "everything",
            vec![allow("::/0"), allow("0.0.0.0/0")],
            "0.0.0.0-255.255.255.255 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
        (
            "all but the last",
            vec![allow("0.0.0.0/0"), deny("255.255.255.255/32")],
            "0.0.0.0-255.255.255.254",
        ),
    ] {
        let ranges: Vec<_> = AddressSet::new(blocks)
            .ranges()
            .map(|(first, last)| format!("{first}-{last}"))
            .collect();
        assert_eq!(ranges.join(" "), want, "{name}");
    }
}

#[test]
fn blocks_that_change_nothing() {
    for (name, blocks, want) in [
        ("apart", vec![allow("10.0.0.0/8"), allow("11.0.0.0/8")], vec![]),
        ("inside", vec![allow("10.1.0.0/16"), allow("10.0.0.0/8")], vec![(0, 1)]),
        ("twice", vec![allow("10.0.0.0/8"), allow("10.0.0.0/8")], vec![(1, 0)]),
        ("an exception", vec![allow("10.0.0.0/8"), deny("10.1.0.0/16")], vec![]),
        (
            "an exception to an exception",
            vec![allow("10.0.0.0/8"), deny("10.1.0.0/16"), allow("10.1.1.0/24")],
            vec![],
        ),
        (
            "an exception inside an exception",
            vec![allow("10.0.0.0/8"), deny("10.1.0.0/16"), deny("10.1.1.0/24")],
            vec![(2, 1)],
        ),
        (
            "three deep",
            vec![allow("10.1.1.0/24"), allow("10.1.0.0/16"), allow("10.0.0.0/8")],
            vec![(0, 1), (1, 2)],
        ),
        ("of another family", vec![allow("0.0.0.0/0"), allow("::/96")], vec![]),
        ("IPv6", vec![allow("2001:db8::/32"), allow("2001:db8:1::/48")], vec![(1, 0)]),
    ] {
        assert_eq!(redundant(&blocks), want, "{name}");
    }
    let many = vec![allow("10.0.0.0/8"); MAX_REDUNDANT + 2];
    assert_eq!(redundant(&many).len(), MAX_REDUNDANT);
}

fn with_network(business: &str) -> Policy {
    let mut files = files();
    let text = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    let line = "business = [\"203.0.113.0/24\", \"2001:db8:42::/48\"]";
    assert!(text.contains(line));
    let text = text.replace(line, &format!("business = {business}"));
    files.insert("tenants/globex.toml".into(), text.into());
    load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn a_network_as_it_is_written() {
    let refused = Some(Reason::NetworkNotAllowed);
    let list = with_network("[\"203.0.113.0/24\"]");
    let table = with_network(
        "{ allow = [\"203.0.113.0/24\"], deny = [\"203.0.113.64/26\", \"2001:db8::/32\"] }",
    );
    let all_but =
        with_network("{ allow = [\"0.0.0.0/0\", \"::/0\"], deny = [\"203.0.113.9/32\"] }");
    let nobody = with_network("[]");
    let any = with_network("\"any\"");
    for (name, policy, peer, want) in [
        ("a list", &list, "203.0.113.65:1", None),
        ("outside a list", &list, "203.0.114.1:1", refused),
        ("allowed", &table, "203.0.113.63:1", None),
        ("denied", &table, "203.0.113.64:1", refused),
        ("neither", &table, "192.0.2.1:1", refused),
        ("mapped and denied", &table, "[::ffff:203.0.113.64]:1", refused),
        ("all but one", &all_but, "203.0.113.10:1", None),
        ("that one", &all_but, "203.0.113.9:1", refused),
        ("that one, mapped", &all_but, "[::ffff:203.0.113.9]:1", refused),
        ("all but one, IPv6", &all_but, "[2001:db8::1]:1", None),
        ("an empty list", &nobody, "203.0.113.9:1", refused),
        ("any", &any, "192.0.2.1:1", None),
    ] {
        let ask = ask().with(|a| a.peer = Some(peer.into()));
        assert_eq!(ask.reason(policy), want, "{name}");
    }
}

#[test]
fn what_is_no_network() {
    for (written, code, at) in [
        ("\"all\"", "network-invalid", "\"all\""),
        ("true", "value-invalid", "true"),
        ("[\"10.0.0.0/8\", 7]", "value-invalid", "7"),
        ("{ allow = [], deni = [] }", "key-unknown", "deni"),
        ("{ allow = [], deny = 7 }", "value-invalid", "7"),
        ("{ deny = [\"10.0.0.0/8\"] }", "key-missing", "{ deny = [\"10.0.0.0/8\"] }"),
        ("{ allow = \"any\" }", "value-invalid", "\"any\""),
        ("{ allow = [\"10.0.0.0\"] }", "block-invalid", "\"10.0.0.0\""),
        ("{ allow = [], deny = [\"10.0.0.0\"] }", "block-invalid", "\"10.0.0.0\""),
    ] {
        let files = edited("tenants/globex.toml", "\"any\"", written);
        let faults = faults(&files);
        let [fault] = faults.as_slice() else { panic!("{written}: {faults:#?}") };
        assert_eq!((fault.code, pointed(&files, fault)), (code, Some(at)), "{written}");
    }
}

#[test]
fn a_network_of_as_many_blocks_as_there_may_be() {
    let list: Vec<String> =
        (0..100_000).map(|n: u128| format!("\"{}/128\"", Ipv6Addr::from_bits(n << 64))).collect();
    let policy = with_network(&format!("[{}]", list.join(",\n")));
    let refused = Some(Reason::NetworkNotAllowed);
    for (name, bits, want) in [
        ("the last", 99_999 << 64, None),
        ("one more", 100_000 << 64, refused),
        ("between", 1, refused),
    ] {
        let peer = format!("[{}]:1", Ipv6Addr::from_bits(bits));
        assert_eq!(ask().with(|a| a.peer = Some(peer)).reason(&policy), want, "{name}");
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Allow), Just(Kind::Deny)]
}

/// Blocks that nest often, at both ends of the address space and in its middle.
fn block() -> impl Strategy<Value = Block> {
    let bits = prop_oneof![
        0..64_u32,
        Just(u32::MAX),
        u32::MAX - 63..=u32::MAX,
        0x0a00_0000..0x0a00_0040_u32
    ];
    let v4 = (bits, prop_oneof![0..=32_u8, 24..=32_u8, 27..=32_u8]).prop_map(|(bits, length)| {
        IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(bits), length).unwrap().trunc())
    });
    let bits = prop_oneof![
        0..64_u128,
        u128::MAX - 63..=u128::MAX,
        (0x2001_u128 << 112)..(0x2001_u128 << 112) + 64
    ];
    let v6 = (bits, prop_oneof![0..=128_u8, 122..=128_u8]).prop_map(|(bits, length)| {
        IpNet::V6(Ipv6Net::new(Ipv6Addr::from_bits(bits), length).unwrap().trunc())
    });
    (prop_oneof![v4, v6], kind())
}

/// The addresses at which an answer may change, and their neighbours.
fn near(blocks: &[Block]) -> Vec<IpAddr> {
    let beside = |address: IpAddr| match address {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            [bits.wrapping_sub(1), bits, bits.wrapping_add(1)]
                .map(|b| Ipv4Addr::from_bits(b).into())
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [bits.wrapping_sub(1), bits, bits.wrapping_add(1)]
                .map(|b| Ipv6Addr::from_bits(b).into())
        }
    };
    blocks
        .iter()
        .flat_map(|(block, _)| [block.network(), block.broadcast()])
        .flat_map(beside)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_longest_block_decides(blocks in prop::collection::vec(block(), 0..24)) {
        let set = AddressSet::new(blocks.iter().copied());
        for address in near(&blocks) {
            prop_assert_eq!(set.contains(address), naive(&blocks, address), "{}", address);
        }
        let backwards = AddressSet::new(blocks.iter().rev().copied());
        prop_assert_eq!(&set, &backwards, "the order does not count");
        let mut ranges: Vec<_> = set.ranges().collect();
        for (first, last) in &ranges {
            // A range of IPv6 may end among the mapped addresses, which are judged as IPv4.
            for end in [first, last].into_iter().filter(|end| end.to_canonical() == **end) {
                prop_assert!(first <= last && set.contains(*end));
            }
        }
        let sorted = ranges.clone();
        ranges.sort_unstable();
        prop_assert_eq!(ranges, sorted);
    }

    #[test]
    fn without_what_is_redundant_nothing_changes(blocks in prop::collection::vec(block(), 0..24)) {
        let found = redundant(&blocks);
        for (one, other) in &found {
            let ((inner, kind), (outer, same)) = (blocks[*one], blocks[*other]);
            prop_assert!(outer.contains(&inner) && kind == same && one != other);
        }
        let kept = blocks
            .iter()
            .enumerate()
            .filter(|(index, _)| found.iter().all(|(redundant, _)| redundant != index))
            .map(|(_, block)| *block);
        prop_assert_eq!(AddressSet::new(kept), AddressSet::new(blocks.iter().copied()));
    }
}
