//! Step 5: the policy has a route for path and method.
//!
//! The most specific pattern wins, whatever the order in the file: a literal segment before
//! `{name}`, `{name}` before `{*rest}`. Patterns match the canonical path as it is written, so
//! what is matched is what is forwarded.

use crate::client::Located;
use crate::denial::{Denial, Reason};
use crate::policy::{Policy, Route};

/// A request with the route that it takes.
#[derive(Debug)]
pub struct Routed<'p> {
    pub(crate) located: Located<'p>,
    pub(crate) route: &'p Route,
    /// What stands in the path for the route's assistant parameter, byte for byte.
    pub(crate) assistant: Option<String>,
}

/// Finds the route: 404 without one for the path, 405 with the allowed methods (RFC 9110, section
/// 15.5.6) without one for the method.
pub fn select<'p>(located: Located<'p>, policy: &'p Policy) -> Result<Routed<'p>, Denial> {
    let request = &located.hosted.request;
    let candidates = policy.routes_of_path(request.target.path());
    if candidates.is_empty() {
        return Err(Denial::new(Reason::RouteNotFound, "no route has this path"));
    }
    let found = candidates.iter().find(|route| route.methods().contains(&request.method));
    if let Some(route) = found {
        let assistant = route
            .assistant()
            .and_then(|name| policy.parameter(request.target.path(), name))
            .map(str::to_owned);
        return Ok(Routed { located, route, assistant });
    }
    let mut allowed: Vec<_> =
        candidates.iter().flat_map(|route| route.methods()).copied().collect();
    allowed.sort_unstable();
    Err(Denial::new(Reason::MethodNotAllowed, "no route of this path has this method")
        .with_header("allow", allowed.join(", ")))
}

/// A declared length over the route's limit is refused before a byte of it is read. Apart from
/// [`select`], so that the record of the refusal names the route.
pub fn limit_body(routed: &Routed<'_>) -> Result<(), Denial> {
    let limit = routed.route.max_body();
    match routed.located.hosted.request.content_length {
        Some(length) if length > limit => Err(Denial::new(
            Reason::BodyTooLarge,
            format!("{length} bytes declared; the route allows {limit}"),
        )),
        _ => Ok(()),
    }
}
