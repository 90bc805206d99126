//! Who can sign what for whom.

use super::document::Part;
use super::{Linter, warning};
use crate::policy::{Fault, KeySource};
use crate::token::keys::Algorithm;
use crate::token::own::OwnKeys;
use std::collections::BTreeSet;

impl Linter<'_> {
    pub(super) fn issuers(&self, found: &mut Vec<Fault>) {
        let mut named = BTreeSet::new();
        for customer in &self.tenants {
            let issuers = customer.tenant.issuers();
            let mut prefixes: Vec<&str> = Vec::new();
            for (index, issuer) in issuers.iter().enumerate() {
                let place = customer.document.key("issuers").at(index);
                named.extend(place.clone().key("jwks_file").text());
                // The gateway's own secrets check what it signed itself, and nobody else has them.
                let own = matches!(issuer.keys(), KeySource::Own);
                let shared = |algorithm: &Algorithm| algorithm.is_symmetric() && !own;
                if let Some(first) = issuer.algorithms().iter().position(shared) {
                    found.push(warning(
                        "hs-shared-secret",
                        (&customer.file, &place.clone().key("algorithms").at(first)),
                        "whoever knows the secret that checks these tokens can sign them too",
                        "have the issuer sign with a private key: EdDSA, ES256 or RS256",
                    ));
                }
                // An empty prefix, which is none, is the start of every subject.
                let prefix = issuer.subject_prefix();
                let meets = |other: &&str| other.starts_with(prefix) || prefix.starts_with(*other);
                if prefixes.iter().any(meets) {
                    found.push(warning(
                        "issuers-share-subjects",
                        (&customer.file, &place.key("issuer")),
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
            let own = self.files.get(file).is_some_and(|bytes| OwnKeys::parse(bytes).is_ok());
            let (message, help) = if own {
                (
                    "these are the gateway's own keys, and whoever reads the policy has them",
                    "move the file out of the policy: sekisho up --keys takes it",
                )
            } else {
                ("no issuer names this key file", "name it as an issuer's jwks_file, or remove it")
            };
            found.push(warning("key-file-unused", (file, &Part::whole()), message, help));
        }
    }
}
