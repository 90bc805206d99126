//! Step 5: the policy has a route for path and method.
//!
//! The most specific pattern wins, whatever the order in the file: from the left, a literal segment
//! before `{name}` or `{*rest}`. Where one stands for the other loading refuses the policy, so no
//! path has two best patterns. Patterns match the canonical path as it is written, so what is matched
//! is what is forwarded.

use crate::client::Located;
use crate::cors::{Preflight, Sharing};
use crate::denial::{Denial, Reason};
use crate::policy::{Policy, Route};

/// A request with the route that it takes.
#[derive(Debug)]
pub struct Routed<'p> {
    pub(crate) located: Located<'p>,
    pub(crate) route: &'p Route,
    /// What stands in the path for the assistant that the route names, byte for byte.
    pub(crate) assistant: Option<String>,
    /// With whom the answer is shared.
    pub(crate) sharing: Option<Sharing<'p>>,
    /// It asks whether a page of another site may take the route, and the gateway answers that.
    pub(crate) preflight: Option<Preflight<'p>>,
}

/// Finds the route: 404 without one for the path, 405 with the allowed methods (RFC 9110, section
/// 15.5.6) without one for the method. A route answers the methods that it lists and no other, so
/// HEAD only where it says so. A [preflight](crate::cors) is for the route of the request that is to follow.
pub fn select<'p>(
    located: Located<'p>,
    sharing: Option<Sharing<'p>>,
    policy: &'p Policy,
) -> Result<Routed<'p>, Denial> {
    let request = &located.hosted.request;
    let found = policy
        .match_path(request.target.path())
        .ok_or_else(|| Denial::new(Reason::RouteNotFound, "no route has this path"))?;
    let preflight = Preflight::of(sharing, request.method, &request.headers)?;
    let method = preflight.map_or(request.method, |preflight| preflight.method);
    let Some(route) = found.routes().find(|route| route.methods().contains(&method)) else {
        let mut allowed: Vec<_> = found.routes().flat_map(Route::methods).copied().collect();
        allowed.sort_unstable();
        allowed.dedup();
        return Err(Denial::new(Reason::MethodNotAllowed, "no route of this path has this method")
            .with_header("allow", allowed.join(", ")));
    };
    let assistant = match route.assistant() {
        None => None,
        // Without it the label could not be judged.
        Some(name) => Some(found.parameter(name).map(str::to_owned).ok_or_else(|| {
            Denial::new(Reason::PolicyUnavailable, "the route's path has no such parameter")
        })?),
    };
    Ok(Routed { located, route, assistant, sharing, preflight })
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
