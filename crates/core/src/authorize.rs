//! Step 9: the principal has the roles that the route asks for: one of `roles`, and every one of
//! `all_roles`.
//!
//! A route without either is for every principal of the tenant; a public route is for everyone.

use crate::denial::{Denial, Reason};
use crate::session::Live;

/// A request that its principal may make.
#[derive(Debug)]
pub struct Authorized<'p> {
    pub(crate) live: Live<'p>,
}

/// Judges the principal's roles.
pub(crate) fn check(live: Live<'_>) -> Result<Authorized<'_>, Denial> {
    let route = live.authenticated.admitted.routed.route;
    let (any, all) = (route.roles(), route.all_roles());
    let held = match &live.authenticated.principal {
        None => route.is_public(),
        Some(principal) => {
            let has = |role: &String| principal.roles().contains(role);
            (any.is_empty() || any.iter().any(has)) && all.iter().all(has)
        }
    };
    if !held {
        let detail = match (any, all) {
            (any, []) => format!("the route asks for one of: {}", any.join(", ")),
            ([], all) => format!("the route asks for all of: {}", all.join(", ")),
            (any, all) => format!(
                "the route asks for one of: {}; and all of: {}",
                any.join(", "),
                all.join(", ")
            ),
        };
        return Err(Denial::new(Reason::RoleMissing, detail));
    }
    Ok(Authorized { live })
}
