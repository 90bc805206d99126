//! Ways that are wider than they look, or that nobody can take.

use super::{GATEWAY, Linter, warning};
use crate::network::BUSINESS;
use crate::policy::{Fault, Route};
use std::collections::BTreeMap;

/// Methods that change nothing (RFC 9110, section 9.2.1).
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// Whether a route is for administrators alone: every role that opens it says `admin`, or one that
/// nobody may lack.
pub(super) fn is_administration(route: &Route) -> bool {
    let roles = route.roles();
    !roles.is_empty() && roles.iter().all(says_admin) || route.all_roles().iter().any(says_admin)
}

fn says_admin(role: impl AsRef<str>) -> bool {
    role.as_ref().to_ascii_lowercase().contains("admin")
}

impl Linter<'_> {
    pub(super) fn routes(&self, found: &mut Vec<Fault>) {
        let mut patterns: BTreeMap<String, &Route> = BTreeMap::new();
        for (index, route) in self.policy.routes().iter().enumerate() {
            let place = self.gateway.key("routes").at(index);
            if is_administration(route) && route.network() == BUSINESS {
                let by_all = route.all_roles().iter().any(says_admin);
                let admitted_by = if by_all { "all_roles" } else { "roles" };
                found.push(warning(
                    "admin-route-open",
                    (GATEWAY, &place.clone().key(admitted_by)),
                    format!(
                        "administrators take the route {:?} from any network of users",
                        route.id()
                    ),
                    "demand one of their own: network = \"admin\"",
                ));
            }
            if !route.enforced() {
                found.push(warning(
                    "route-not-enforced",
                    (GATEWAY, &place.clone().key("enforce")),
                    format!("the rules of the route {:?} are recorded, not enforced", route.id()),
                    "drop enforce = false when the records show what you expect",
                ));
            }
            if let Some(why) = self.unreachable(route) {
                found.push(warning(
                    "route-unreachable",
                    (GATEWAY, &place.clone().key("path")),
                    format!("nobody can take the route {:?}: {why}", route.id()),
                    "give one tenant what it needs, or drop the route",
                ));
            }
            let path = place.key("path");
            for (other, missed) in self.laxer_than(route) {
                found.push(warning(
                    "route-laxer",
                    (GATEWAY, &path),
                    format!(
                        "{missed} falls to the route {:?}, which asks for less than {:?}",
                        other.id(),
                        route.id()
                    ),
                    "make that route as strict, or add a strict route for what this one misses",
                ));
            }
            let same = patterns.entry(folded(route.path())).or_insert(route);
            if skeleton(same.path()) != skeleton(route.path()) {
                found.push(warning(
                    "routes-differ-in-case",
                    (GATEWAY, &path),
                    format!("the path differs from that of {:?} in case only", same.id()),
                    "keep one spelling: an origin that ignores case would serve both alike",
                ));
            }
        }
    }

    /// Why no client of any tenant can take the route.
    fn unreachable(&self, route: &Route) -> Option<String> {
        let tenants = self.policy.tenants();
        let network = route.network();
        let none_has = tenants.iter().all(|tenant| tenant.network(network).is_none());
        if network != BUSINESS && none_has && route.enforced() {
            return Some(format!("no tenant has set the network {network:?}"));
        }
        if !route.is_public() && tenants.iter().all(|tenant| tenant.issuers().is_empty()) {
            return Some("no tenant has an issuer".into());
        }
        None
    }

    /// The routes that ask for less and take what this one just misses, each with an example: a
    /// trailing slash, a deeper path, what `{*rest}` lies under, as it is not empty, or a method that
    /// changes what this one's methods only read.
    fn laxer_than<'a>(&'a self, route: &'a Route) -> Vec<(&'a Route, String)> {
        let path = example(route.path());
        let stem = path.trim_end_matches('/');
        let reads = route.methods().iter().all(|method| SAFE.contains(method));
        let beside = [path.clone(), format!("{stem}/"), format!("{stem}/x"), stem.to_owned()];
        // `/` is the first page of a site and nobody's index.
        let above = route.path().split_once("/{*").map(|(above, _)| example(above));
        let above = above.filter(|above| !above.is_empty());
        let index = above.iter().flat_map(|above| [format!("{above}/"), above.clone()]);
        let nears = beside.map(|near| (near, false)).into_iter();
        let mut found: Vec<(&Route, String)> = Vec::new();
        for (near, is_index) in nears.chain(index.map(|near| (near, true))) {
            for other in self.policy.routes_of_path(&near) {
                // Who wrote the index out means it as it is.
                if is_index && !other.path().contains('{') {
                    continue;
                }
                let example = if other.path() == route.path() {
                    let write = other.methods().iter().find(|method| !SAFE.contains(method));
                    write.filter(|_| reads).map(|method| format!("{method} {near}"))
                } else {
                    Some(near.clone())
                };
                if let Some(example) = example
                    && asks_less(other, route)
                    && found.iter().all(|(known, _)| known.id() != other.id())
                {
                    found.push((other, example));
                }
            }
        }
        found
    }
}

/// Whether someone whom `strict` refuses could take `lax`. Of two in dry run, once they are not.
pub(super) fn asks_less(lax: &Route, strict: &Route) -> bool {
    let open = lax.is_public() || strict.enforced() && !lax.enforced();
    let network = strict.network() != BUSINESS && (open || lax.network() != strict.network());
    let roles = !strict.roles().is_empty()
        && (open
            || lax.roles().is_empty()
            || lax.roles().iter().any(|role| !strict.roles().contains(role)));
    let all_roles = strict.all_roles().iter().any(|role| open || !lax.all_roles().contains(role));
    let label = strict.assistant().is_some() && (open || lax.assistant().is_none());
    !strict.is_public() && (lax.is_public() || network || roles || all_roles || label)
}

/// A path that the pattern matches.
fn example(pattern: &str) -> String {
    parameters(pattern, |_| "x")
}

/// The pattern without its parameters' names.
fn skeleton(pattern: &str) -> String {
    parameters(pattern, |name| if name.starts_with('*') { "{*}" } else { "{}" })
}

fn folded(pattern: &str) -> String {
    skeleton(pattern).to_ascii_lowercase()
}

/// The pattern with something in place of each parameter.
fn parameters<'s>(pattern: &str, instead: impl Fn(&str) -> &'s str) -> String {
    let mut made = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((literal, opened)) = rest.split_once('{') {
        let (name, after) = opened.split_once('}').unwrap_or((opened, ""));
        made.push_str(literal);
        made.push_str(instead(name));
        rest = after;
    }
    made.push_str(rest);
    made
}
