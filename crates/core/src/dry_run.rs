//! Dry run: a route with `enforce = false` shows whom its own rules would refuse, before they do.
//!
//! Its own rules are the network (step 6), and roles, label and limits (step 9). What they would
//! have refused is in the audit record, the first of it in the order of the road, and step by step in
//! `explain`. Where step 9 needs a record that can't be read, that is what it would have refused. A
//! request that would have been refused takes no token of a limit.
//!
//! All other rules refuse as ever: transport, canonical form, tenant, client address, size, token,
//! revocation, the user's state and the region. A dry run lets no stranger in and opens no tenant.

use crate::denial::Denial;
use crate::policy::Route;

/// Gives the verdict of a route's own rules, or on a route in dry run the refusal that is kept back.
pub(crate) fn judge<T>(
    route: &Route,
    verdict: Result<T, Denial>,
) -> Result<(Option<T>, Option<Denial>), Denial> {
    match verdict {
        Ok(held) => Ok((Some(held), None)),
        Err(denial) if route.enforced() => Err(denial),
        Err(denial) => Ok((None, Some(denial))),
    }
}
