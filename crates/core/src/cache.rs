//! Caches on the way to the client (RFC 9111): none that serves several clients may keep an answer that not
//! everybody may have, because it would serve it without asking the gateway.
//!
//! | the route asks for | the origin's `Cache-Control` | it becomes |
//! | --- | --- | --- |
//! | a token | none, or nothing that can be read | `private, no-store` |
//! | a token or a network | any | the same, without `public` and `s-maxage`, with `private` |
//! | a network alone | none | `private` |
//! | neither | any or none | the same |
//!
//! An answer to one user may be in his browser when another signs in there: what may be kept varies by the token.
//! A rule for one cache by its name goes, because such a cache follows it and not ours (RFC 9213, section 2.2).

use crate::network::Network;
use crate::policy::{Route, Tenant};
use crate::request::Headers;
use crate::response::vary_by;

/// Says in an answer who may keep it.
pub(crate) fn confine(headers: &mut Headers, tenant: &Tenant, route: &Route) {
    let by_network = matches!(tenant.network(route.network()), Some(Network::List(_)));
    if route.is_public() && !by_network {
        return;
    }
    headers.retain(|name, _| !is_targeted_cache_control(name));
    let rules: Vec<&[u8]> = headers.values("cache-control").collect();
    let rule = rules.join(&b',');
    let (rule, is_kept) = private(&rule).unwrap_or_else(|| {
        let is_public = route.is_public();
        (if is_public { "private" } else { "private, no-store" }.to_owned(), is_public)
    });
    headers.set("cache-control", rule);
    if is_kept && !route.is_public() {
        vary_by(headers, &["authorization", "cookie"]);
    }
}

/// The rule without what invites shared caches, and whether anybody may keep the answer; none where there is none, or
/// one that readers may split differently.
fn private(rule: &[u8]) -> Option<(String, bool)> {
    let rule = std::str::from_utf8(rule).ok().filter(|rule| !rule.contains(['"', '\\']))?;
    let mut kept = vec!["private"];
    let directives = rule.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    let mut directives = directives.peekable();
    directives.peek()?;
    for directive in directives {
        let name = directive.split('=').next().unwrap_or_default().trim_end();
        if !["public", "s-maxage", "private"].iter().any(|other| name.eq_ignore_ascii_case(other)) {
            kept.push(directive);
        }
    }
    let has = |name: &str| kept.iter().any(|directive| directive.eq_ignore_ascii_case(name));
    // RFC 9111, section 5.2.2.3: who understands the status may then keep it all the same.
    let is_kept = !has("no-store") || has("must-understand");
    Some((kept.join(", "), is_kept))
}

/// `CDN-Cache-Control` (RFC 9213, section 3.1), what CDNs call theirs by the same convention
/// (`Akamai-Cache-Control`), and the older `Surrogate-Control` and `Edge-Control`. The last, of Akamai
/// again, can say `!no-store`.
pub(crate) fn is_targeted_cache_control(name: &str) -> bool {
    name.ends_with("-cache-control") || matches!(name, "surrogate-control" | "edge-control")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_one_client() {
        for (rule, want) in [
            ("", None),
            (" , ,", None),
            ("max-age=60", Some("private, max-age=60")),
            ("public, max-age=60", Some("private, max-age=60")),
            ("Public,S-MaxAge=60 , immutable", Some("private, immutable")),
            ("s-maxage = 60", Some("private")),
            ("private, max-age=1", Some("private, max-age=1")),
            ("No-Store", Some("private, No-Store")),
            ("public, no-store", Some("private, no-store")),
            ("must-understand, no-store", Some("private, must-understand, no-store")),
            ("no-cache", Some("private, no-cache")),
            ("publicity", Some("private, publicity")),
            ("private=\"set-cookie\", max-age=60", None),
            ("max-age=60, x=\"a, no-store", None),
            ("no-store\\, max-age=60", None),
        ] {
            let got = private(rule.as_bytes());
            assert_eq!(got.as_ref().map(|(rule, _)| rule.as_str()), want, "{rule}");
        }
        assert_eq!(private(b"max-age=1\xff"), None);
        for (rule, kept) in [
            ("no-store", false),
            ("max-age=1, NO-STORE", false),
            ("max-age=1", true),
            ("x-no-store-hint", true),
            ("no-store=0", true),
            ("must-understand, no-store", true),
        ] {
            assert_eq!(private(rule.as_bytes()).unwrap().1, kept, "{rule}");
        }
    }
}
