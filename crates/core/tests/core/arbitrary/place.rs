//! Addresses at the edges of a tenant's networks.

use super::policy::{Network, Tenant, ends};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which address of a network.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    block: Index,
    edge: Edge,
}

#[derive(Clone, Copy, Debug)]
enum Edge {
    First,
    Last,
    Before,
    After,
}

/// An address inside, as far as nothing denies it.
pub(crate) fn inside() -> impl Strategy<Value = Place> {
    place(&[Edge::First, Edge::Last])
}

/// An address inside, or the next one outside.
pub(crate) fn near() -> impl Strategy<Value = Place> {
    place(&[Edge::First, Edge::Last, Edge::Before, Edge::After])
}

fn place(edges: &'static [Edge]) -> impl Strategy<Value = Place> {
    (any::<Index>(), select(edges)).prop_map(|(block, edge)| Place { block, edge })
}

/// An address at the tenant's network, or anywhere if it has none of this name.
pub(crate) fn address(tenant: &Tenant, network: &str, place: &Place) -> IpAddr {
    let Some(Network::Blocks { allow, deny }) = tenant.networks.get(network) else {
        return Ipv4Addr::new(198, 51, 100, 7).into();
    };
    let blocks: Vec<&String> = allow.iter().chain(deny).collect();
    let (first, last) = ends(blocks[place.block.index(blocks.len())]);
    match place.edge {
        Edge::First => first,
        Edge::Last => last,
        Edge::Before => moved(first, u128::MAX),
        Edge::After => moved(last, 1),
    }
}

fn moved(address: IpAddr, by: u128) -> IpAddr {
    match address {
        #[allow(clippy::cast_possible_truncation, reason = "one step, forth or back")]
        IpAddr::V4(address) => {
            Ipv4Addr::from_bits(address.to_bits().wrapping_add(by as u32)).into()
        }
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits().wrapping_add(by)).into(),
    }
}
