//! The patterns of the routes' paths.

use super::Loader;
use crate::policy::Pattern;
use crate::policy::source::Spanned;

impl Loader<'_> {
    /// The pattern, if it may be given to the router, which gets nothing that has a fault.
    pub(super) fn path_pattern<'s>(&mut self, path: &'s Spanned<String>) -> Option<Pattern<'s>> {
        Pattern::parse(path.get_ref()).map_err(|why| self.path_fault(path, why)).ok()
    }

    pub(super) fn path_fault(&mut self, path: &Spanned<String>, why: &str) {
        self.fault(
            "route-path-invalid",
            ("gateway.toml", Some(path.span())),
            format!("{:?} is no path pattern: {why}", path.get_ref()),
            "write /literal/{parameter}/{*rest}; two patterns may not differ in parameter names only",
        );
    }
}
