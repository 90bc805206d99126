//! Paths that two routes ask an origin for.

use super::routes::asks_less;
use super::{GATEWAY, Linter, warning};
use crate::policy::rewrite::after_prefix;
use crate::policy::{Fault, Pattern, Route};
use std::borrow::Cow;

impl Linter<'_> {
    /// Of two routes whose paths meet, the more specific one judges: but by the path in front of the
    /// gateway. Behind a rewrite, of either of the two, nobody asks which other route guards what the
    /// origin is asked for.
    pub(super) fn rewrites(&self, found: &mut Vec<Fault>) {
        let routes = self.policy.routes();
        for (index, lax) in routes.iter().enumerate() {
            let guarded = routes.iter().find(|strict| {
                strict.rewrite() != lax.rewrite() && asks_less(lax, strict) && meet(lax, strict)
            });
            if let Some(strict) = guarded {
                found.push(warning(
                    "rewrite-laxer",
                    (GATEWAY, &self.gateway.key("routes").at(index).key("path")),
                    format!(
                        "the origin is asked for paths of the route {:?}, which this one asks less \
                         for",
                        strict.id()
                    ),
                    "make this route as strict, or rewrite to a prefix that no other route leads to",
                ));
            }
        }
    }
}

/// Whether an origin of both can get one request by either. Where only the strict one is rewritten,
/// the lax one must be the wider: a narrower one is an exception that someone wrote.
fn meet(lax: &Route, strict: &Route) -> bool {
    let (ours, theirs) = (at_origin(lax), at_origin(strict));
    let patterns = Pattern::parse(&ours).ok().zip(Pattern::parse(&theirs).ok());
    let meets = if lax.rewrite().is_some() { Pattern::meets } else { Pattern::covers };
    lax.origins().any(|origin| strict.origins().any(|other| other == origin))
        && lax.methods().iter().any(|method| strict.methods().contains(method))
        && patterns.is_some_and(|(ours, theirs)| meets(&ours, &theirs))
}

/// The route's pattern as the origin sees it.
fn at_origin(route: &Route) -> Cow<'_, str> {
    let Some(rewrite) = route.rewrite() else { return route.path().into() };
    let rest = after_prefix(route.path(), rewrite.from()).unwrap_or_default();
    match format!("{}{rest}", rewrite.to().trim_end_matches('/')) {
        path if path.is_empty() => "/".into(),
        path => path.into(),
    }
}
