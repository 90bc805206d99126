//! Step 6: the client's address lies in the network that the route demands.
//!
//! | the tenant's network | route demands `business` | route demands another |
//! | --- | --- | --- |
//! | not set | open: an allowlist is the customer's choice | refused |
//! | `"any"` | open | open, because someone wrote so |
//! | a list | addresses of the list | addresses of the list |

use crate::denial::{Denial, Reason};
use crate::dry_run;
use crate::route::Routed;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network that is open where a tenant has not set it.
pub const BUSINESS: &str = "business";

/// A tenant's named network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Network {
    /// Every address, by explicit word.
    Any,
    /// An allowlist.
    List(AddressSet),
}

/// A set of addresses: disjoint ranges in order, so that a lookup is a binary search.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AddressSet {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl AddressSet {
    /// The union of these blocks.
    pub fn new(blocks: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for block in blocks {
            match block {
                IpNet::V4(block) => {
                    v4.push((block.network().to_bits(), block.broadcast().to_bits()));
                }
                IpNet::V6(block) => {
                    v6.push((block.network().to_bits(), block.broadcast().to_bits()));
                }
            }
        }
        Self { v4: merge(v4), v6: merge(v6) }
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
        let v4 = self.v4.iter().map(|(first, last)| {
            (Ipv4Addr::from_bits(*first).into(), Ipv4Addr::from_bits(*last).into())
        });
        let v6 = self.v6.iter().map(|(first, last)| {
            (Ipv6Addr::from_bits(*first).into(), Ipv6Addr::from_bits(*last).into())
        });
        v4.chain(v6)
    }
}

/// Overlapping ranges become one, so that at most one range can hold an address.
fn merge<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn holds<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).and_then(|i| ranges.get(i)).is_some_and(|(_, last)| address <= *last)
}

/// A request from an address that the route's network holds.
#[derive(Debug)]
pub struct Admitted<'p> {
    pub(crate) routed: Routed<'p>,
    /// What would have refused it, were its route enforced.
    pub(crate) would_deny: Option<Denial>,
}

/// Judges the client's address.
pub fn admit(routed: Routed<'_>) -> Result<Admitted<'_>, Denial> {
    let (_, would_deny) = dry_run::judge(routed.route, judge(&routed))?;
    Ok(Admitted { routed, would_deny })
}

fn judge(routed: &Routed<'_>) -> Result<(), Denial> {
    let name = routed.route.network();
    let tenant = routed.located.hosted.tenant;
    match tenant.network(name) {
        None if name == BUSINESS => {}
        None => {
            return Err(Denial::new(
                Reason::NetworkUndefined,
                format!("the tenant has not set the network {name}"),
            ));
        }
        Some(Network::Any) => {}
        Some(Network::List(list)) => {
            let client = routed.located.client.ok_or_else(|| {
                Denial::new(Reason::ClientAddressUnknown, "the host gives no peer address")
            })?;
            if !list.contains(client) {
                return Err(Denial::new(
                    Reason::NetworkNotAllowed,
                    format!("{client} is not in the tenant's network {name}"),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::AddressSet;

    #[test]
    fn address_sets() {
        let set = AddressSet::new(
            ["192.0.2.0/24", "192.0.2.128/25", "198.51.100.7/32", "2001:db8::/32", "0.0.0.0/32"]
                .map(|block| block.parse().unwrap()),
        );
        for (address, inside) in [
            ("192.0.2.0", true),
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("192.0.1.255", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("::ffff:192.0.2.9", true),
            ("::ffff:192.0.3.9", false),
            ("2001:db8:ffff::", true),
            ("2001:db9::", false),
            ("0.0.0.0", true),
            ("255.255.255.255", false),
        ] {
            assert_eq!(set.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(!AddressSet::default().contains("127.0.0.1".parse().unwrap()));
        let all = AddressSet::new(["0.0.0.0/0".parse().unwrap()]);
        assert!(all.contains("255.255.255.255".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
