//! Services that nobody reaches, or that prove too little.

use super::{GATEWAY, Linter, warning};
use crate::policy::{Fault, Route, TenantEcho};

impl Linter<'_> {
    pub(super) fn origins(&self, found: &mut Vec<Fault>) {
        let policy = self.policy;
        for origin in policy.origins() {
            let place = self.gateway.key("origins").key(origin.id());
            let serves = |route: &&Route| route.origins().any(|id| id == origin.id());
            if policy.routes().iter().all(|route| !serves(&route)) {
                found.push(warning(
                    "origin-unused",
                    (GATEWAY, &place),
                    format!("no route names the origin {:?}", origin.id()),
                    "name it in a route's origins, or drop it",
                ));
            }
            // Where nobody signs in, an answer is for everyone.
            let signed_in = policy.routes().iter().any(|r| serves(&r) && !r.is_public());
            if origin.tenant_echo() == TenantEcho::Off && signed_in {
                found.push(warning(
                    "tenant-echo-off",
                    (GATEWAY, &place.key("tenant_echo")),
                    format!("an answer of {:?} for another tenant would be passed on", origin.id()),
                    "have it answer with the X-Tenant-Id that it was asked with, and write \"required\"",
                ));
            }
        }
    }
}
