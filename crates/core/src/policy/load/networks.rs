//! A tenant's networks.

use super::Loader;
use crate::network::{AddressSet, Kind, MAX_BLOCKS, Network};
use crate::policy::source::{BlocksSource, NetworkSource, Spanned};
use ipnet::IpNet;
use std::collections::HashSet;

impl Loader<'_> {
    pub(super) fn network(
        &mut self,
        file: &str,
        name: &Spanned<String>,
        given: &Spanned<NetworkSource>,
    ) -> Network {
        self.name(file, name, "network");
        match given.get_ref() {
            NetworkSource::Word(word) if word == "any" => Network::Any,
            NetworkSource::Word(word) => {
                self.fault(
                    "network-invalid",
                    (file, Some(given.span())),
                    format!("{word:?} is no network"),
                    "write a list of CIDR blocks, or \"any\"",
                );
                Network::List(AddressSet::default())
            }
            NetworkSource::Blocks(source) => Network::List(self.address_set(file, name, source)),
        }
    }

    fn address_set(
        &mut self,
        file: &str,
        name: &Spanned<String>,
        source: &BlocksSource,
    ) -> AddressSet {
        let count = source.allow.len().saturating_add(source.deny.len());
        if count > MAX_BLOCKS {
            self.fault(
                "network-too-large",
                (file, Some(name.span())),
                format!("the network {:?} has {count} blocks", name.get_ref()),
                format!("at most {MAX_BLOCKS} are read; join neighbours to wider blocks"),
            );
            return AddressSet::default();
        }
        let allow = self.blocks(file, &source.allow);
        let allowed: HashSet<IpNet> = allow.iter().copied().collect();
        let mut blocks: Vec<_> = allow.into_iter().map(|block| (block, Kind::Allow)).collect();
        for given in &source.deny {
            let Some(block) = self.block(file, given) else { continue };
            if allowed.contains(&block) {
                self.fault(
                    "block-conflict",
                    (file, Some(given.span())),
                    format!("{block} is allowed and denied"),
                    "keep it in one of the two lists; an exception is a longer block",
                );
            }
            blocks.push((block, Kind::Deny));
        }
        AddressSet::new(blocks)
    }
}
