//! Paths that two routes ask an origin for.

use super::routes::asks_less;
use super::{GATEWAY, Linter, warning};
use crate::policy::rewrite::after_prefix;
use crate::policy::{Fault, Pattern, Route};
use std::borrow::Cow;

impl Linter<'_> {
    /// Of two routes whose paths meet, the more specific one judges: but by the path in front of the
    /// gateway. Where one of them is rewritten, nobody asks which other guards what the origin is
    /// asked for.
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

/// Whether an origin of both can get by `lax` what `strict` guards. A route that is not rewritten and
/// lies within `strict` is the more specific one, and judges what it was written for.
fn meet(lax: &Route, strict: &Route) -> bool {
    let (ours, theirs) = (at_origin(lax), at_origin(strict));
    let patterns = Pattern::parse(&ours).ok().zip(Pattern::parse(&theirs).ok());
    lax.origins().any(|origin| strict.origins().any(|other| other == origin))
        && lax.methods().iter().any(|method| strict.methods().contains(method))
        && patterns.is_some_and(|(ours, theirs)| {
            let within = lax.rewrite().is_none() && theirs.covers(&ours) && !ours.covers(&theirs);
            ours.meets(&theirs) && !within
        })
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
