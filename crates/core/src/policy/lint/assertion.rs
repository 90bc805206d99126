//! Assertions that nobody can verify.

use super::{GATEWAY, Linter, warning};
use crate::policy::Fault;

impl Linter<'_> {
    pub(super) fn assertion(&self, found: &mut Vec<Fault>) {
        let published = self.policy.routes().iter().any(|route| route.answer().is_some());
        if self.policy.assertion().is_some() && !published {
            found.push(warning(
                "assertion-keys-unpublished",
                (GATEWAY, &self.gateway.key("assertion").key("issuer")),
                "no route publishes the keys that assertions are signed with",
                "add a public route with answer = \"jwks\", or give origins what `sekisho keys show --jwks` prints",
            ));
        }
    }
}
