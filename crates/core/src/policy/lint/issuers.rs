//! Who can sign what for whom.

use super::document::Part;
use super::{Linter, warning};
use crate::policy::Fault;
use std::collections::BTreeSet;

impl Linter<'_> {
    pub(super) fn issuers(&self, found: &mut Vec<Fault>) {
        let mut named = BTreeSet::new();
        for customer in &self.tenants {
            let issuers: Vec<_> = customer.document.key("issuers").items().collect();
            let mut prefixes: Vec<&str> = Vec::new();
            for issuer in issuers.iter().cloned() {
                named.extend(issuer.clone().key("jwks_file").text());
                let shared = issuer.clone().key("algorithms");
                if let Some(shared) = shared
                    .items()
                    .find(|algorithm| algorithm.text().is_some_and(|name| name.starts_with("HS")))
                {
                    found.push(warning(
                        "hs-shared-secret",
                        (&customer.file, &shared),
                        "whoever knows the secret that checks these tokens can sign them too",
                        "have the issuer sign with a private key: EdDSA, ES256 or RS256",
                    ));
                }
                // An empty prefix, which is none, is the start of every subject.
                let prefix = issuer.clone().key("subject_prefix").text().unwrap_or_default();
                let meets = |other: &&str| other.starts_with(prefix) || prefix.starts_with(*other);
                if prefixes.iter().any(meets) {
                    found.push(warning(
                        "issuers-share-subjects",
                        (&customer.file, &issuer.key("issuer")),
                        format!(
                            "a subject of this issuer can have the name of another's at {}",
                            customer.tenant.id()
                        ),
                        "give each issuer a subject_prefix, none the start of another",
                    ));
                }
                prefixes.push(prefix);
            }
            if issuers.is_empty() && self.policy.routes().iter().any(|route| !route.is_public()) {
                found.push(warning(
                    "tenant-without-issuer",
                    (&customer.file, &customer.document.key("issuers")),
                    format!("nobody can sign in at {}: it has no issuer", customer.tenant.id()),
                    "add [[issuers]], or drop the tenant",
                ));
            }
        }
        let keys = self.files.keys().filter(|file| file.starts_with("keys/"));
        for file in keys.filter(|file| !named.contains(file.as_str())) {
            found.push(warning(
                "key-file-unused",
                (file, &Part::whole()),
                "no issuer names this key file",
                "name it as an issuer's jwks_file, or remove it",
            ));
        }
    }
}
