//! Allowlists that are open or say things twice.

use super::document::Part;
use super::routes::is_administration;
use super::{Customer, Linter, warning};
use crate::network::{BUSINESS, Kind, Network, redundant};
use crate::policy::{Fault, Route};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

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
    let mut allowed = place.blocks().chain(place.clone().key("allow").blocks());
    let whole = allowed.find(|(block, _)| block.prefix_len() == 0).map(|(_, place)| place);
    let everyone = whole.or_else(|| is_everyone(network).then(|| place.clone()))?;
    Some(warning(
        "admin-network-any",
        (&customer.file, &everyone),
        format!(
            "administrators of {} may come from anywhere by the network {name:?}",
            customer.tenant.id()
        ),
        "list the blocks that they work from",
    ))
}

/// Whether it has every address of a kind: as a word, as a block or as two halves.
fn is_everyone(network: &Network) -> bool {
    match network {
        Network::Any => true,
        Network::List(set) => set.ranges().any(|(first, last)| {
            let end = match last {
                IpAddr::V4(last) => last == Ipv4Addr::BROADCAST,
                IpAddr::V6(last) => last.to_bits() == u128::MAX,
            };
            first.is_unspecified() && end
        }),
    }
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
