//! Other path prefixes at the origin.

use super::Loader;
use crate::policy::source::RouteSource;
use crate::policy::{Rewrite, after_prefix};
use crate::request::target::Target;

impl Loader<'_> {
    pub(super) fn rewrite(&mut self, route: &RouteSource) -> Option<Rewrite> {
        const FILE: &str = "gateway.toml";
        let source = route.rewrite.as_ref()?.get_ref();
        let (from, to) = (source.from.get_ref(), source.to.get_ref());
        if !is_prefix(from) || after_prefix(route.path.get_ref(), from).is_none() {
            self.fault(
                "rewrite-invalid",
                (FILE, Some(source.from.span())),
                format!("the path {:?} does not start with {from:?}", route.path.get_ref()),
                "write from = \"/...\": whole literal segments with which the route's path starts, \
                 without a slash at the end",
            );
        }
        if !is_prefix(to) {
            self.fault(
                "rewrite-invalid",
                (FILE, Some(source.to.span())),
                format!("{to:?} is no path at the origin"),
                "write to = \"/...\": a path in normal form without query and without a slash at the \
                 end, or \"/\" alone",
            );
        }
        Some(Rewrite { from: from.clone(), to: to.clone() })
    }
}

/// A canonical path of whole segments: a slash at its end would begin a segment that is not there.
pub(super) fn is_prefix(path: &str) -> bool {
    Target::parse(path).is_ok_and(|target| target.path() == path)
        && (path == "/" || !path.ends_with('/'))
}
