//! Step 6: the client's address lies in the network that the route demands.
//!
//! | the tenant's network | route demands `business` | route demands another |
//! | --- | --- | --- |
//! | not set | open: an allowlist is the customer's choice | refused |
//! | `"any"` | open | open, because someone wrote so |
//! | blocks | addresses that the longest block allows | the same |
//!
//! A route that the gateway answers itself is everybody's: what it publishes is the same for all tenants,
//! and no tenant's setting shall keep it from origins.
//!
//! | place | what |
//! | --- | --- |
//! | [`block`] | one block as people write it |
//! | [`set`] | the blocks, compiled for a lookup |
//! | [`managed`] | what the tenant narrows itself |
//! | [`redundant`](mod@redundant) | the blocks that change nothing |

pub mod block;
pub mod managed;
pub mod redundant;
pub mod set;

pub use redundant::redundant;
pub use set::{AddressSet, Kind};

use crate::denial::{Denial, Reason};
use crate::dry_run;
use crate::route::Routed;
use serde::{Deserialize, Serialize};

/// The network that is open where a tenant has not set it.
pub const BUSINESS: &str = "business";

/// The most blocks of one network.
pub const MAX_BLOCKS: usize = 100_000;

/// A tenant's named network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Network {
    /// Every address, by explicit word.
    Any,
    /// An allowlist.
    List(AddressSet),
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
    if routed.route.answer().is_some() {
        return Ok(());
    }
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
