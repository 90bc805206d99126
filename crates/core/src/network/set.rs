//! A set of addresses, written as blocks that allow and blocks that deny.
//!
//! An address is in the set if and only if the longest block that holds it allows; what no block
//! holds is not. Blocks nest or are apart (RFC 4632, section 5.1), so one sweep over them in order,
//! with a stack of those that are open, finds every address at which the answer changes.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a block does with its addresses. Where one block is given both ways, it denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// They are in the set.
    Allow,
    /// They are not.
    Deny,
}

/// A set of addresses: the edges at which the answer changes, in order, so that a lookup is one
/// binary search, whatever the number and nesting of the blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSet {
    v4: Vec<u32>,
    v6: Vec<u128>,
}

impl AddressSet {
    /// Compiles blocks in any order, in O(n log n).
    pub fn new(blocks: impl IntoIterator<Item = (IpNet, Kind)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (block, kind) in blocks {
            match block {
                IpNet::V4(block) => {
                    let last = block.broadcast().to_bits();
                    v4.push((block.network().to_bits(), Reverse(last), kind));
                }
                IpNet::V6(block) => {
                    let last = block.broadcast().to_bits();
                    v6.push((block.network().to_bits(), Reverse(last), kind));
                }
            }
        }
        Self { v4: edges(v4), v6: edges(v6) }
    }

    /// Whether the address is in the set. An IPv4-mapped IPv6 address is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => holds(&self.v4, address.to_bits()),
            IpAddr::V6(address) => holds(&self.v6, address.to_bits()),
        }
    }

    /// The set as disjoint ranges, first and last address of each, IPv4 first.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let v4 = ranges(&self.v4).map(|(first, last)| {
            (Ipv4Addr::from_bits(first).into(), Ipv4Addr::from_bits(last).into())
        });
        let v6 = ranges(&self.v6).map(|(first, last)| {
            (Ipv6Addr::from_bits(first).into(), Ipv6Addr::from_bits(last).into())
        });
        v4.chain(v6)
    }
}

/// An address as a number.
trait Bits: Copy + Ord {
    const LAST: Self;
    fn next(self) -> Option<Self>;
    fn previous(self) -> Self;
}

impl Bits for u32 {
    const LAST: Self = Self::MAX;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Self {
        self.saturating_sub(1)
    }
}

impl Bits for u128 {
    const LAST: Self = Self::MAX;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn previous(self) -> Self {
        self.saturating_sub(1)
    }
}

/// The addresses at which the answer changes: in at the first, out at the second, and so on.
fn edges<T: Bits>(mut blocks: Vec<(T, Reverse<T>, Kind)>) -> Vec<T> {
    // Outer before inner, and of two equal blocks the denying one inside.
    blocks.sort_unstable();
    let mut edges = Vec::new();
    let mut open: Vec<(T, Kind)> = Vec::new();
    for (first, Reverse(last), kind) in blocks {
        while open.last().is_some_and(|(last, _)| *last < first) {
            close(&mut open, &mut edges);
        }
        turn(&mut edges, first, kind);
        open.push((last, kind));
    }
    while !open.is_empty() {
        close(&mut open, &mut edges);
    }
    edges
}

/// Behind the innermost open block, the one around it has the word.
fn close<T: Bits>(open: &mut Vec<(T, Kind)>, edges: &mut Vec<T>) {
    let closed = open.pop();
    let around = open.last().map_or(Kind::Deny, |(_, kind)| *kind);
    // Behind the last address of all there is nothing.
    if let Some(after) = closed.and_then(|(last, _)| last.next()) {
        turn(edges, after, around);
    }
}

/// From this address on, addresses are of this kind.
fn turn<T: Bits>(edges: &mut Vec<T>, at: T, kind: Kind) {
    if is_inside(edges.len()) == (kind == Kind::Allow) {
        return;
    }
    if edges.last() == Some(&at) {
        edges.pop();
    } else {
        edges.push(at);
    }
}

/// Whoever has passed an odd number of edges is inside.
const fn is_inside(edges: usize) -> bool {
    edges % 2 == 1
}

fn holds<T: Bits>(edges: &[T], address: T) -> bool {
    is_inside(edges.partition_point(|edge| *edge <= address))
}

fn ranges<T: Bits>(edges: &[T]) -> impl Iterator<Item = (T, T)> {
    edges.chunks(2).filter_map(|range| match range {
        [first, after] => Some((*first, after.previous())),
        [first] => Some((*first, T::LAST)),
        _ => None,
    })
}
