//! Names that reach across tenants.

use super::{Linter, warning};
use crate::policy::Fault;
use std::collections::HashMap;

impl Linter<'_> {
    /// A page may set cookies for every host below its own (RFC 6265, section 5.3), and one for a
    /// host above unless that is a public suffix: the two tenants' pages would share them.
    pub(super) fn hosts(&self, found: &mut Vec<Fault>) {
        let owners: HashMap<&str, &str> = self
            .tenants
            .iter()
            .flat_map(|c| {
                c.tenant.hosts().iter().map(|host| (host.as_str(), c.tenant.id().as_str()))
            })
            .collect();
        for customer in &self.tenants {
            for (index, host) in customer.tenant.hosts().iter().enumerate() {
                let above =
                    std::iter::successors(host.split_once('.'), |(_, rest)| rest.split_once('.'))
                        .find_map(|(_, above)| owners.get_key_value(above))
                        .filter(|(_, owner)| **owner != customer.tenant.id().as_str());
                if let Some((above, owner)) = above {
                    found.push(warning(
                        "hosts-nested",
                        (&customer.file, &customer.document.key("hosts").at(index)),
                        format!("{host} lies below {above}, a host of the tenant {owner}"),
                        "give the tenants hosts side by side, so that no cookie is for both",
                    ));
                }
            }
        }
    }
}
