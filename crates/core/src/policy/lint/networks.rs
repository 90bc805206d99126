//! Allowlists that are open or say things twice.

use super::document::Part;
use super::routes::is_administration;
use super::{Customer, Linter, warning};
use crate::network::{BUSINESS, Kind, Network, redundant};
use crate::policy::{Fault, Route};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

impl Linter<'_> {
    pub(super) fn networks(&self, found: &mut Vec<Fault>) {
        let routes = self.policy.routes().iter().filter(|route| is_administration(route));
        let administration: BTreeSet<&str> =
            routes.map(Route::network).filter(|name| *name != BUSINESS).chain(["admin"]).collect();
        for customer in &self.tenants {
            for (name, network) in &customer.tenant.networks {
                let place = customer.document.key("networks").key(name);
                if administration.contains(name.as_str()) {
                    found.extend(open(customer, name, network, &place));
                }
                found.extend(repeated(&customer.file, &place));
            }
        }
    }
}

/// R3: the administration network is apart.
fn open(customer: &Customer<'_>, name: &str, network: &Network, place: &Part<'_>) -> Option<Fault> {
    if !is_everyone(network) {
        return None;
    }
    let mut allowed = place.blocks().chain(place.clone().key("allow").blocks());
    let whole = allowed.find(|(block, _)| block.prefix_len() == 0).map(|(_, place)| place);
    Some(warning(
        "admin-network-any",
        (&customer.file, &whole.unwrap_or_else(|| place.clone())),
        format!(
            "administrators of {} may come from anywhere by the network {name:?}",
            customer.tenant.id()
        ),
        "list the blocks that they work from",
    ))
}

/// Whether it has every address of a kind, or most of them: as a word, as a block, as two halves, or
/// but for some exceptions.
fn is_everyone(network: &Network) -> bool {
    let Network::List(set) = network else { return true };
    let (mut v4, mut v6) = (0_u32, 0_u128);
    for range in set.ranges() {
        match range {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                v4 = v4.saturating_add(last.to_bits().saturating_sub(first.to_bits()));
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                v6 = v6.saturating_add(last.to_bits().saturating_sub(first.to_bits()));
            }
            _ => {}
        }
    }
    v4 > u32::MAX / 2 || v6 > u128::MAX / 2
}

/// Blocks that change nothing: the next longer block around them does the same.
fn repeated<'d>(file: &str, network: &Part<'d>) -> Vec<Fault> {
    let parts = [
        (network.clone(), Kind::Allow),
        (network.clone().key("allow"), Kind::Allow),
        (network.clone().key("deny"), Kind::Deny),
    ];
    let of = |(part, kind): (Part<'d>, Kind)| {
        part.blocks().map(move |(block, place)| (block, kind, place))
    };
    let listed: Vec<(IpNet, Kind, Part<'d>)> = parts.into_iter().flat_map(of).collect();
    let blocks: Vec<(IpNet, Kind)> =
        listed.iter().map(|(block, kind, _)| (*block, *kind)).collect();
    let warn = |(inner, outer): (usize, usize)| {
        let ((block, _, place), (around, ..)) = (listed.get(inner)?, listed.get(outer)?);
        Some(if block == around {
            warning(
                "network-redundant",
                (file, place),
                format!("{block} stands twice"),
                "keep one of them",
            )
        } else {
            warning(
                "network-overlap",
                (file, place),
                format!("{block} lies within {around}, which stands here too"),
                "drop the narrower block, or narrow the wider one",
            )
        })
    };
    redundant(&blocks).into_iter().filter_map(warn).collect()
}
