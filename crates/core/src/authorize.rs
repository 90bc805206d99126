//! Step 9: the principal may do what the route is for.
//!
//! In evaluation order:
//!
//! 1. The tenant's own list of the route's network ([`managed`]), where it manages that.
//! 2. Roles: one of the route's `roles`, and every one of its `all_roles`. A route without roles
//!    is for every principal of the tenant; a public route is for everyone, and ends here.
//! 3. The [`label`] of the assistant, where the route names one.
//! 4. The rate [`limit`]s that count the route: last, so that nobody spends tokens on what he may
//!    not do.

use crate::denial::{Denial, Reason};
use crate::limit::Write;
use crate::network::managed;
use crate::policy::Route;
use crate::records::Given;
use crate::session::Live;
use crate::token::claims::Principal;
use crate::{dry_run, label, limit};
use jiff::Timestamp;

/// A request that its principal may make.
#[derive(Debug)]
pub struct Authorized<'p> {
    pub(crate) live: Live<'p>,
    /// The buckets that it took a token of.
    pub(crate) writes: Vec<Write>,
    /// What would have refused it, were its route enforced.
    pub(crate) would_deny: Option<Denial>,
}

/// Judges the principal.
pub(crate) fn check<'p>(
    live: Live<'p>,
    given: Given<'_, 'p>,
    now: Timestamp,
) -> Result<Authorized<'p>, Denial> {
    let route = live.authenticated.admitted.routed.route;
    let (writes, would_deny) = dry_run::judge(route, rules(&live, given, now))?;
    Ok(Authorized { live, writes: writes.unwrap_or_default(), would_deny })
}

fn rules(live: &Live<'_>, given: Given<'_, '_>, now: Timestamp) -> Result<Vec<Write>, Denial> {
    let routed = &live.authenticated.admitted.routed;
    managed::judge(routed.route.network(), routed.located.client, given)?;
    let Some(principal) = &live.authenticated.principal else {
        return if routed.route.is_public() { Ok(Vec::new()) } else { Err(missing(routed.route)) };
    };
    rights(routed.route, routed.assistant.as_deref(), given, principal)?;
    limit::judge(given, now)
}

/// Roles and label alone.
pub(crate) fn rights(
    route: &Route,
    assistant: Option<&str>,
    given: Given<'_, '_>,
    principal: &Principal,
) -> Result<(), Denial> {
    roles(route, principal)?;
    if route.assistant().is_some() {
        label::judge(assistant, given, principal)?;
    }
    Ok(())
}

fn roles(route: &Route, principal: &Principal) -> Result<(), Denial> {
    let held = |role: &String| principal.roles().contains(role);
    let any = route.roles().is_empty() || route.roles().iter().any(held);
    if any && route.all_roles().iter().all(held) { Ok(()) } else { Err(missing(route)) }
}

fn missing(route: &Route) -> Denial {
    let mut asked = Vec::with_capacity(2);
    if !route.roles().is_empty() {
        asked.push(format!("one of: {}", route.roles().join(", ")));
    }
    if !route.all_roles().is_empty() {
        asked.push(format!("all of: {}", route.all_roles().join(", ")));
    }
    Denial::new(Reason::RoleMissing, format!("the route asks for {}", asked.join("; and for ")))
}
