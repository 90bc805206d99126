//! Another path prefix at the origin than in front of the gateway.

use crate::denial::{Denial, Reason};
use crate::request::target::Target;
use serde::{Deserialize, Serialize};

/// A path prefix and what the origin calls it. Both are canonical paths of whole segments, without
/// a trailing slash; `/` is the empty prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    pub(super) from: String,
    pub(super) to: String,
}

impl Rewrite {
    /// The prefix in front of the gateway: literal segments with which the route's pattern starts.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The prefix at the origin.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// The target as the origin sees it: `to`, then what follows `from`, byte for byte, then the
    /// query. What follows was judged in its canonical form, and the whole is parsed again, so no
    /// request leaves the prefix or is too long for it.
    pub fn apply(&self, target: &Target) -> Result<Target, Denial> {
        let path = target.path();
        let rest = after_prefix(path, &self.from).ok_or_else(|| {
            Denial::new(Reason::PolicyUnavailable, "the route's rewrite is not of its path")
        })?;
        let query = target.as_str().get(path.len()..).unwrap_or_default();
        let to = prefix(&self.to);
        let root = if to.is_empty() && rest.is_empty() { "/" } else { "" };
        Target::parse(format!("{to}{rest}{root}{query}"))
    }
}

impl Rewrite {
    /// A path of the origin's as it is in front of the gateway, if it has the prefix.
    pub(crate) fn undo(&self, path: &str) -> Option<String> {
        let rest = after_prefix(path, &self.to)?;
        let from = prefix(&self.from);
        let root = if from.is_empty() && rest.is_empty() { "/" } else { "" };
        // Without a prefix of its own, a path that goes on with a slash would begin an authority.
        (!(from.is_empty() && rest.starts_with("//"))).then(|| format!("{from}{rest}{root}"))
    }
}

/// What follows a prefix of whole segments: nothing, or more segments.
pub(crate) fn after_prefix<'t>(path: &'t str, from: &str) -> Option<&'t str> {
    path.strip_prefix(prefix(from)).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn prefix(path: &str) -> &str {
    if path == "/" { "" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_origin_sees() {
        for (from, to, target, want) in [
            ("/api", "/v1", "/api/me", Some("/v1/me")),
            ("/api", "/v1", "/api/me?a=/api/b", Some("/v1/me?a=/api/b")),
            ("/api", "/v1", "/api", Some("/v1")),
            ("/api", "/v1", "/api/", Some("/v1/")),
            ("/api", "/v1", "/api/api/me", Some("/v1/api/me")),
            ("/api", "/", "/api/me", Some("/me")),
            ("/api", "/", "/api", Some("/")),
            ("/api", "/", "/api?q", Some("/?q")),
            ("/api", "/", "/api/", Some("/")),
            ("/", "/v1", "/", Some("/v1/")),
            ("/", "/v1", "/me", Some("/v1/me")),
            ("/", "/", "/me", Some("/me")),
            ("/api", "/v1/x", "/api/a%20b%3B", Some("/v1/x/a%20b%3B")),
            ("/api", "/v1", "/apis/me", None),
            ("/api", "/v1", "/other", None),
        ] {
            let rewrite = Rewrite { from: from.into(), to: to.into() };
            let got = rewrite.apply(&Target::parse(target).unwrap()).ok();
            assert_eq!(got.as_ref().map(Target::as_str), want, "{from} to {to}: {target}");
        }
    }

    #[test]
    fn a_target_that_grows_too_long_is_refused() {
        let target = Target::parse(format!("/api/{}", "a".repeat(8 * 1024 - 5))).unwrap();
        let to = |to: &str| Rewrite { from: "/api".into(), to: to.into() }.apply(&target);
        assert!(to("/new").is_ok());
        assert_eq!(to("/newer").unwrap_err().reason(), Reason::TargetNotCanonical);
    }
}
