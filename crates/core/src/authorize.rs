//! Step 9: the principal has a role that the route asks for.
//!
//! A route without roles is for every principal of the tenant; a public route is for everyone.

use crate::denial::{Denial, Reason};
use crate::session::Live;

/// A request that its principal may make.
#[derive(Debug)]
pub struct Authorized<'p> {
    pub(crate) live: Live<'p>,
}

/// Judges the principal's roles: one of the route's is enough.
pub(crate) fn check(live: Live<'_>) -> Result<Authorized<'_>, Denial> {
    let route = live.authenticated.admitted.routed.route;
    let held = match &live.authenticated.principal {
        None => route.is_public(),
        Some(principal) => {
            route.roles().is_empty()
                || route.roles().iter().any(|role| principal.roles().contains(role))
        }
    };
    if !held {
        return Err(Denial::new(
            Reason::RoleMissing,
            format!("the route asks for one of: {}", route.roles().join(", ")),
        ));
    }
    Ok(Authorized { live })
}
