//! Networks that a tenant narrows itself (R14), by a record.
//!
//! ```json
//! {"v":1,"networks":{"business":{"allow":["203.0.113.0/24"],"deny":["203.0.113.64/26"]}}}
//! ```
//!
//! The policy's network is the operator's word and stays in force; where it says that the tenant manages a network, an
//! address must be in the tenant's own list as well, if the record has one of that name. So the record can't let
//! anybody in whom the policy keeps out. Looked at first of step 9, because a record is known no sooner; a route in
//! dry run lets by whom it would refuse.

use super::{AddressSet, Kind, block};
use crate::denial::{Denial, Reason};
use crate::records::Given;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The most blocks of all of a tenant's own lists: they are parsed with each request.
pub const MAX_MANAGED: usize = 256;

/// A tenant's own lists, by network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedNetworks {
    /// The lists.
    pub networks: BTreeMap<String, Blocks>,
}

/// One list. An address is in it if the longest block that holds it allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Blocks to allow.
    pub allow: Vec<String>,
    /// Exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl ManagedNetworks {
    /// How many blocks there are in all lists.
    pub fn count(&self) -> usize {
        let counts = self.networks.values().map(|list| list.allow.len() + list.deny.len());
        counts.sum()
    }
}

impl Blocks {
    /// The list as it is judged by.
    ///
    /// # Errors
    /// A text is no block.
    pub fn set(&self) -> Result<AddressSet, block::NoBlock> {
        let allow = self.allow.iter().map(|text| (text, Kind::Allow));
        let deny = self.deny.iter().map(|text| (text, Kind::Deny));
        let parse = |(text, kind): (&String, Kind)| Ok((block::parse(text)?, kind));
        let blocks: Vec<(IpNet, Kind)> = allow.chain(deny).map(parse).collect::<Result<_, _>>()?;
        Ok(AddressSet::new(blocks))
    }
}

/// Judges the client's address by the tenant's own list, where the verdict asked for the record.
pub(crate) fn judge(
    network: &str,
    client: Option<IpAddr>,
    given: Given<'_, '_>,
) -> Result<(), Denial> {
    let Some(stored) = given.networks() else { return Ok(()) };
    let Some(managed) = stored.read::<ManagedNetworks>()? else { return Ok(()) };
    let Some(list) = managed.networks.get(network) else { return Ok(()) };
    if managed.count() > MAX_MANAGED {
        return Err(stored.unreadable("has more than 256 blocks"));
    }
    let set = list.set().map_err(|_| stored.unreadable("has a text that is no block"))?;
    let client = client.ok_or_else(|| {
        Denial::new(Reason::ClientAddressUnknown, "the host gives no peer address")
    })?;
    if set.contains(client) {
        return Ok(());
    }
    Err(Denial::new(
        Reason::NetworkNotAllowed,
        format!("{client} is not in the tenant's own list of the network {network}"),
    ))
}
