//! A tenant's issuers, their keys, and how their claims are read.

use super::Loader;
use super::tenants::Placed;
use crate::policy::source::{ClaimSource, IssuerSource, Spanned};
use crate::policy::{ClaimPath, Issuer, Tenant, TenantProof};
use crate::token::claims::{MAX_SUBJECT, is_name, is_role};
use crate::token::keys::Algorithm;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The longest prefix, in bytes: most of a subject is the user's own name.
const MAX_PREFIX: usize = 64;
const _: () = assert!(MAX_PREFIX * 2 < MAX_SUBJECT);

impl Loader<'_> {
    pub(super) fn issuer(&mut self, file: &str, source: IssuerSource) -> Option<Issuer> {
        let sound = self.names_and_algorithms(file, &source);
        let tenant_proof = self.tenant_proof(file, &source);
        let keys = if sound { self.key_source(file, &source) } else { None };
        let max_age = source.max_age_s.map(|seconds| self.max_age(file, &seconds));
        let subject_claim = self.claim(file, source.subject_claim, "sub");
        let subject_prefix = self.subject_prefix(file, source.subject_prefix);
        let roles_claim = self.claim(file, source.roles_claim, "roles");
        let role_map = source.role_map.map(|map| self.role_map(file, map));
        let groups_claim = match source.groups_claim {
            Some(claim) => Some(self.claim(file, Some(claim), "groups")?),
            None => None,
        };
        Some(Issuer {
            name: source.issuer.into_inner(),
            audiences: source.audiences.into_inner(),
            algorithms: source.algorithms.into_inner(),
            keys: keys?,
            token_type: source.token_type,
            max_age,
            tenant_proof: tenant_proof?,
            subject_claim: subject_claim?,
            subject_prefix,
            roles_claim: roles_claim?,
            role_map,
            groups_claim,
        })
    }

    /// What the keys are read for.
    fn names_and_algorithms(&mut self, file: &str, source: &IssuerSource) -> bool {
        let known = self.faults.len();
        for (what, empty, span) in [
            ("audiences", source.audiences.get_ref().is_empty(), source.audiences.span()),
            ("algorithms", source.algorithms.get_ref().is_empty(), source.algorithms.span()),
        ] {
            if empty {
                self.fault(
                    "issuer-incomplete",
                    (file, Some(span)),
                    format!("the issuer has no {what}, so none of its tokens can pass"),
                    format!("name at least one in {what} = [...]"),
                );
            }
        }
        let fits = |name: &String| (1..=512).contains(&name.len());
        for (what, sound, span) in [
            ("issuer", fits(source.issuer.get_ref()), source.issuer.span()),
            ("audience", source.audiences.get_ref().iter().all(fits), source.audiences.span()),
        ] {
            if !sound {
                self.fault(
                    "issuer-invalid",
                    (file, Some(span)),
                    format!("the {what} is not 1 to 512 bytes of text"),
                    "write it exactly as it stands in the tokens",
                );
            }
        }
        let symmetric = |algorithm: &&Algorithm| algorithm.is_symmetric();
        let secrets = source.algorithms.get_ref().iter().filter(symmetric).count();
        if secrets != 0 && secrets != source.algorithms.get_ref().len() {
            self.fault(
                "algorithms-mixed",
                (file, Some(source.algorithms.span())),
                "HMAC algorithms stand beside public-key ones: a public key could be taken for a secret",
                "keep HS256, HS384 and HS512, or all the others (RFC 8725, section 2.1)",
            );
        }
        self.faults.len() == known
    }

    fn tenant_proof(&mut self, file: &str, source: &IssuerSource) -> Option<TenantProof> {
        match (&source.tenant_claim, source.sole_tenant) {
            (Some(claim), false) => self.path(file, claim).map(TenantProof::Claim),
            (None, true) => Some(TenantProof::SoleTenant),
            (claim, _) => {
                let span = claim.as_ref().map_or_else(|| source.issuer.span(), Spanned::span);
                self.fault(
                    "tenant-proof",
                    (file, Some(span)),
                    "it must be said how the issuer's tokens prove their tenant, once",
                    "write tenant_claim = \"<claim>\", or sole_tenant = true if the issuer has no other tenant",
                );
                None
            }
        }
    }

    fn max_age(&mut self, file: &str, seconds: &Spanned<u32>) -> u32 {
        const YEAR: u32 = 366 * 24 * 3600;
        if !(1..=YEAR).contains(seconds.get_ref()) {
            self.fault(
                "max-age-invalid",
                (file, Some(seconds.span())),
                format!("max_age_s is {}, not 1 second to a year", seconds.get_ref()),
                "write the seconds for which a token may be used, such as 43200 for 12 hours",
            );
        }
        *seconds.get_ref()
    }

    fn subject_prefix(&mut self, file: &str, prefix: Option<Spanned<String>>) -> String {
        let Some(prefix) = prefix else {
            return String::new();
        };
        let (text, span) = (prefix.get_ref(), prefix.span());
        if !(1..=MAX_PREFIX).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
            self.fault(
                "subject-prefix-invalid",
                (file, Some(span)),
                format!("{text:?} is no prefix"),
                "use 1 to 64 printable ASCII characters without spaces, such as \"okta:\"",
            );
        }
        prefix.into_inner()
    }

    fn role_map(
        &mut self,
        file: &str,
        map: BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> BTreeMap<String, String> {
        let mut roles = BTreeMap::new();
        for (name, role) in map {
            if !is_name(name.get_ref()) {
                self.fault(
                    "role-map-invalid",
                    (file, Some(name.span())),
                    "the issuer's name is not 1 to 256 bytes without control characters",
                    "write it exactly as it stands in the tokens",
                );
            }
            if !is_role(role.get_ref()) {
                self.fault(
                    "role-map-invalid",
                    (file, Some(role.span())),
                    format!("{:?} is no role name", role.get_ref()),
                    "use letters, digits, '-', '_', '.', ':' or '/'",
                );
            }
            roles.insert(name.into_inner(), role.into_inner());
        }
        roles
    }

    fn claim(
        &mut self,
        file: &str,
        claim: Option<Spanned<ClaimSource>>,
        default: &str,
    ) -> Option<ClaimPath> {
        match claim {
            Some(claim) => self.path(file, &claim),
            None => ClaimPath::new(vec![default.to_owned()]),
        }
    }

    fn path(&mut self, file: &str, claim: &Spanned<ClaimSource>) -> Option<ClaimPath> {
        let path = ClaimPath::new(claim.get_ref().0.clone());
        if path.is_none() {
            self.fault(
                "claim-invalid",
                (file, Some(claim.span())),
                "it names no claim",
                "write the claim's name, or the names from the outside in: [\"realm_access\", \"roles\"]",
            );
        }
        path
    }

    /// Tenants of one issuer read the tenant from one claim: a token with two such claims would be
    /// good at both tenants.
    pub(super) fn tenant_claims(&mut self, tenants: &[Placed]) {
        let mut first: BTreeMap<&str, (&TenantProof, &Tenant)> = BTreeMap::new();
        for Placed { tenant, file, issuers, .. } in tenants {
            for (issuer, span) in tenant.issuers.iter().zip(issuers) {
                if issuer.tenant_proof == TenantProof::SoleTenant {
                    continue;
                }
                match first.entry(&issuer.name) {
                    Entry::Vacant(entry) => {
                        entry.insert((&issuer.tenant_proof, tenant));
                    }
                    Entry::Occupied(entry) if *entry.get().0 != issuer.tenant_proof => {
                        let other = &entry.get().1.id;
                        self.fault(
                            "tenant-claims-differ",
                            (file, Some(span.clone())),
                            format!(
                                "tokens of {:?} name their tenant in another claim than with the tenant {other}",
                                issuer.name
                            ),
                            "write the same tenant_claim with every tenant of an issuer",
                        );
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
    }
}
