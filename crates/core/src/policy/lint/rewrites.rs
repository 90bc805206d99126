//! Paths that two routes ask an origin for.

use super::routes::asks_less;
use super::{GATEWAY, Linter, warning};
use crate::policy::rewrite::after_prefix;
use crate::policy::{Fault, Origin, Pattern, Route};

impl Linter<'_> {
    /// Of two routes whose paths meet, the more specific one judges: but by the path in front of the
    /// gateway. Where one of them is rewritten, nobody asks which other guards what the origin is
    /// asked for.
    pub(super) fn rewrites(&self, found: &mut Vec<Fault>) {
        let routes = self.policy.routes();
        for (index, lax) in routes.iter().enumerate() {
            let guarded =
                routes.iter().find(|strict| asks_less(lax, strict) && self.meet(lax, strict));
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

impl Linter<'_> {
    /// Whether a server of both can get by `lax` what `strict` guards.
    fn meet(&self, lax: &Route, strict: &Route) -> bool {
        let origins = |route: &Route| -> Vec<&Origin> {
            route.origins().filter_map(|id| self.policy.origin(id)).collect()
        };
        let (ours, theirs) = (origins(lax), origins(strict));
        lax.methods().iter().any(|method| strict.methods().contains(method))
            && ours.iter().any(|our| {
                let same = |their: &&&Origin| their.authority() == our.authority();
                theirs.iter().filter(same).any(|their| crosses((lax, our), (strict, their)))
            })
    }
}

/// Where neither is rewritten nor below a prefix of its own, the more specific route judges what it was written for. A
/// route that is as it was written and lies within the other is that.
fn crosses((lax, our): (&Route, &Origin), (strict, their): (&Route, &Origin)) -> bool {
    if lax.rewrite() == strict.rewrite() && our.prefix() == their.prefix() {
        return false;
    }
    let as_written = lax.rewrite().is_none() && our.prefix().is_empty();
    let (asked, guarded) = (at_server(lax, our), at_server(strict, their));
    let patterns = Pattern::parse(&asked).ok().zip(Pattern::parse(&guarded).ok());
    patterns.is_some_and(|(asked, guarded)| {
        let within = as_written && guarded.covers(&asked) && !asked.covers(&guarded);
        asked.meets(&guarded) && !within
    })
}

/// The route's pattern as the origin's server sees it.
fn at_server(route: &Route, origin: &Origin) -> String {
    let path = match route.rewrite() {
        None => route.path().to_owned(),
        Some(rewrite) => {
            let rest = after_prefix(route.path(), rewrite.from()).unwrap_or_default();
            format!("{}{rest}", rewrite.to().trim_end_matches('/'))
        }
    };
    let whole = format!("{}{path}", origin.prefix());
    if whole.is_empty() { "/".to_owned() } else { whole }
}
