//! What is not asked of the state store.

use super::{GATEWAY, Linter, warning};
use crate::policy::Fault;

impl Linter<'_> {
    /// R6: a leaver leaves no access behind.
    pub(super) fn state(&self, found: &mut Vec<Fault>) {
        if !self.policy.checks_revocation() {
            found.push(warning(
                "revocation-off",
                (GATEWAY, &self.gateway.key("state").key("revocation")),
                "nobody can be shut out before his token expires",
                "write revocation = true and give the gateway a state store",
            ));
        }
    }
}
