//! What a tenant narrows of its networks (R14), within what the operator allows.
//!
//! The policy's network is the widest that can be; a list that reaches beyond it would say what is not so, and is
//! refused. Whoever would shut himself out, or everybody, is told so before.

use crate::edit::{Edit, TooLarge, Was};
use ipnet::IpNet;
use sekisho_core::network::block;
use sekisho_core::network::managed::{Blocks, MAX_MANAGED, ManagedNetworks};
use sekisho_core::network::{AddressSet, Network};
use sekisho_core::policy::Tenant;
use sekisho_core::records::{decode, key};
use std::net::IpAddr;

/// Why a list can't be a tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub message: String,
    /// What to write in its place.
    pub help: String,
    /// It could be, and whoever asks for it may insist.
    pub may_insist: bool,
}

/// The lists that a tenant has, and the record that they stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The record as it was read.
    pub was: Was,
    /// What it says.
    pub lists: ManagedNetworks,
}

impl Current {
    /// Reads the record of [`key()`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: Option<Vec<u8>>) -> Result<Self, &'static str> {
        let lists = match &value {
            Some(value) => decode(value)?,
            None => ManagedNetworks::default(),
        };
        Ok(Self { was: value.into(), lists })
    }

    /// Sets the list of one network, or with `None` takes it away: then the policy's network holds alone. `from` are
    /// addresses that whoever asks does not want to shut out, his own above all.
    ///
    /// # Errors
    /// Why the list can't be, or should not.
    pub fn set(
        &self,
        tenant: &Tenant,
        network: &str,
        list: Option<Blocks>,
        from: &[IpAddr],
    ) -> Result<ManagedNetworks, Refused> {
        let never = |message: String, help: &str| Refused {
            message,
            help: help.to_owned(),
            may_insist: false,
        };
        if !tenant.manages(network) {
            let known = tenant.managed_networks();
            let help = if known.is_empty() {
                "the operator allows none: managed_networks in the tenant's policy names them"
                    .to_owned()
            } else {
                format!("the operator allows: {}", known.join(", "))
            };
            let message =
                format!("the tenant {} does not manage the network {network:?}", tenant.id());
            return Err(never(message, &help));
        }
        let mut lists = self.lists.clone();
        let Some(list) = list else {
            lists.networks.remove(network);
            return Ok(lists);
        };
        let set = list.set().map_err(|no| never(no.message, &no.help))?;
        within(tenant, network, &list)?;
        lists.networks.insert(network.to_owned(), list);
        if lists.count() > MAX_MANAGED {
            let message = format!("there would be more than {MAX_MANAGED} blocks");
            return Err(never(message, "join neighbours to wider blocks"));
        }
        match locked_out(network, &set, from) {
            None => Ok(lists),
            Some(message) => Err(Refused {
                message,
                help: "add the address, or insist if that is meant".to_owned(),
                may_insist: true,
            }),
        }
    }

    /// As [`set`](Self::set), by whoever insists: nobody is asked whether he shuts himself out.
    ///
    /// # Errors
    /// Why the list can't be.
    pub fn insist(
        &self,
        tenant: &Tenant,
        network: &str,
        list: Option<Blocks>,
    ) -> Result<ManagedNetworks, Refused> {
        match self.set(tenant, network, list.clone(), &[]) {
            Err(refused) if refused.may_insist => {
                let mut lists = self.lists.clone();
                lists.networks.insert(network.to_owned(), list.unwrap_or_default());
                Ok(lists)
            }
            other => other,
        }
    }

    /// The change of the record that makes it so.
    ///
    /// # Errors
    /// The record is too large.
    pub fn edit(&self, tenant: &str, lists: &ManagedNetworks) -> Result<Edit, TooLarge> {
        if lists.networks.is_empty() {
            return Ok(Edit::remove(key(tenant), self.was.clone()));
        }
        Edit::write(key(tenant), self.was.clone(), lists)
    }
}

/// The key of a tenant's lists.
pub fn key(tenant: &str) -> String {
    key::networks(tenant)
}

/// That a list allows nothing that the operator's network does not.
fn within(tenant: &Tenant, network: &str, list: &Blocks) -> Result<(), Refused> {
    let Some(Network::List(widest)) = tenant.network(network) else { return Ok(()) };
    for text in &list.allow {
        let inside = block::parse(text).is_ok_and(|block| holds(widest, block));
        if !inside {
            return Err(Refused {
                message: format!(
                    "{text} is not within the network {network:?} that the operator allows"
                ),
                help: "choose blocks within it, or ask the operator to widen it".to_owned(),
                may_insist: false,
            });
        }
    }
    Ok(())
}

fn holds(set: &AddressSet, block: IpNet) -> bool {
    set.ranges().any(|(first, last)| {
        first.is_ipv4() == block.addr().is_ipv4()
            && (first..=last).contains(&block.network())
            && (first..=last).contains(&block.broadcast())
    })
}

fn locked_out(network: &str, set: &AddressSet, from: &[IpAddr]) -> Option<String> {
    if set.ranges().next().is_none() {
        return Some(format!("the network {network:?} would let nobody in"));
    }
    let out = from.iter().find(|address| !set.contains(**address))?;
    Some(format!("the network {network:?} would shut {out} out, from which you come"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_core::Policy;
    use sekisho_core::policy::{Files, load};

    fn policy() -> Policy {
        let gateway = "version = 1\n[origins.o]\nurl = \"https://o.example\"\nregion = \"jp\"\n\
            [[routes]]\nid = \"r\"\npath = \"/\"\nmethods = [\"GET\"]\norigins = [\"o\"]\npublic = true\n\
            network = \"admin\"\n";
        let tenant = "hosts = [\"acme.example\"]\nregions = [\"jp\"]\n\
            managed_networks = [\"business\", \"admin\"]\n\
            [networks]\nadmin = { allow = [\"203.0.113.0/24\"], deny = [\"203.0.113.64/26\"] }\n";
        load(&Files::from([
            ("gateway.toml".into(), gateway.into()),
            ("tenants/acme.toml".into(), tenant.into()),
        ]))
        .unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    fn blocks(allow: &[&str]) -> Blocks {
        Blocks { allow: allow.iter().map(|block| (*block).to_owned()).collect(), deny: Vec::new() }
    }

    #[test]
    fn lists_that_may_be() {
        let policy = policy();
        let tenant = &policy.tenants()[0];
        let none = Current::read(None).unwrap();
        let me: IpAddr = "203.0.113.9".parse().unwrap();
        for (name, network, list, want) in [
            ("within", "admin", blocks(&["203.0.113.0/26"]), None),
            ("the whole", "admin", blocks(&["203.0.113.0/24"]), Some((false, "is not within"))),
            ("beyond", "admin", blocks(&["203.0.112.0/23"]), Some((false, "is not within"))),
            ("elsewhere", "admin", blocks(&["2001:db8::/32"]), Some((false, "is not within"))),
            ("of an open one", "business", blocks(&["203.0.113.9/32", "2001:db8::/32"]), None),
            ("no block", "business", blocks(&["203.0.113.9"]), Some((false, "is no CIDR block"))),
            (
                "without me",
                "business",
                blocks(&["192.0.2.0/24"]),
                Some((true, "from which you come")),
            ),
            ("nobody", "business", blocks(&[]), Some((true, "let nobody in"))),
            ("not managed", "guests", blocks(&[]), Some((false, "does not manage"))),
            (
                "too many",
                "business",
                blocks(&["203.0.113.9/32"; MAX_MANAGED + 1]),
                Some((false, "more than 256 blocks")),
            ),
        ] {
            let got = none.set(tenant, network, Some(list.clone()), &[me]);
            let refused = got.err().map(|refused| (refused.may_insist, refused.message));
            match (&refused, want) {
                (None, None) => {}
                (Some((may, message)), Some((insist, words))) => {
                    assert!(*may == insist && message.contains(words), "{name}: {message}");
                    let insisted = none.insist(tenant, network, Some(list));
                    assert_eq!(insisted.is_ok(), insist, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_last_list_takes_the_record_with_it() {
        let policy = policy();
        let tenant = &policy.tenants()[0];
        let value = br#"{"v":1,"networks":{"admin":{"allow":["203.0.113.0/26"]}}}"#.to_vec();
        let current = Current::read(Some(value.clone())).unwrap();
        let lists = current.set(tenant, "admin", None, &[]).unwrap();
        let edit = current.edit("acme", &lists).unwrap();
        assert_eq!((edit.was, edit.value), (Was::Value(value), None));
        let lists = current.set(tenant, "business", Some(blocks(&["10.0.0.0/8"])), &[]).unwrap();
        assert_eq!(lists.networks.len(), 2);
        assert!(Current::read(Some(b"x".to_vec())).is_err());
    }
}
