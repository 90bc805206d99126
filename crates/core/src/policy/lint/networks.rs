//! Allowlists that are open or say things twice.

use super::document::Part;
use super::routes::is_administration;
use super::{Customer, Linter, warning};
use crate::network::BUSINESS;
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
                for list in [place.clone(), place.clone().key("allow"), place.key("deny")] {
                    found.extend(repeated(&customer.file, &list));
                }
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

/// Blocks of one list that lie within another of it. Two CIDR blocks are apart or one holds the
/// other, so the one before in order of address and length, or one around that, is the holder.
fn repeated(file: &str, list: &Part<'_>) -> Vec<Fault> {
    let mut blocks: Vec<(IpNet, Part<'_>)> = list.blocks().collect();
    blocks.sort_by_key(|(block, _)| *block);
    let mut widest: Option<IpNet> = None;
    let mut found = Vec::new();
    for (block, place) in blocks {
        match widest {
            Some(other) if other == block => found.push(warning(
                "network-redundant",
                (file, &place),
                format!("{block} stands twice"),
                "keep one of them",
            )),
            Some(other) if other.contains(&block) => found.push(warning(
                "network-overlap",
                (file, &place),
                format!("{block} lies within {other}, which stands here too"),
                "drop the narrower block, or narrow the wider one",
            )),
            _ => widest = Some(block),
        }
    }
    found
}
