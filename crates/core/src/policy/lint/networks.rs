//! Allowlists that are open or say things twice.

use super::document::Part;
use super::routes::is_administration;
use super::{Customer, Linter, warning};
use crate::network::{BUSINESS, Kind, redundant};
use crate::policy::{Fault, Route};
use ipnet::IpNet;
use std::collections::BTreeSet;

impl Linter<'_> {
    pub(super) fn networks(&self, found: &mut Vec<Fault>) {
        let routes = self.policy.routes().iter().filter(|route| is_administration(route));
        let administration: BTreeSet<&str> =
            routes.map(Route::network).filter(|name| *name != BUSINESS).chain(["admin"]).collect();
        for customer in &self.tenants {
            for name in customer.tenant.networks.keys() {
                let place = customer.document.key("networks").key(name);
                if administration.contains(name.as_str()) {
                    found.extend(open(customer, name, &place));
                }
                found.extend(repeated(&customer.file, &place));
            }
        }
    }
}

/// R3: the administration network is apart.
fn open(customer: &Customer<'_>, name: &str, network: &Part<'_>) -> Option<Fault> {
    let mut allowed = network.blocks().chain(network.clone().key("allow").blocks());
    let everyone = match network.text() {
        Some(_) => network.clone(),
        None => allowed.find(|(block, _)| block.prefix_len() == 0)?.1,
    };
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
