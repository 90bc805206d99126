//! A tenant's issuers and their keys.

use super::Loader;
use crate::policy::source::IssuerSource;
use crate::policy::{Issuer, TenantProof};
use crate::token::keys::KeySet;

impl Loader<'_> {
    pub(super) fn issuer(&mut self, file: &str, source: IssuerSource) -> Option<Issuer> {
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
        let tenant_proof = match (source.tenant_claim, source.sole_tenant) {
            (Some(claim), false) => TenantProof::Claim(claim.into_inner()),
            (None, true) => TenantProof::SoleTenant,
            (claim, _) => {
                let span = claim.map_or_else(|| source.issuer.span(), |claim| claim.span());
                self.fault(
                    "tenant-proof",
                    (file, Some(span)),
                    "it must be said how the issuer's tokens prove their tenant, once",
                    "write tenant_claim = \"<claim>\", or sole_tenant = true if the issuer has no other tenant",
                );
                return None;
            }
        };
        let place = (file, Some(source.jwks_file.span()));
        let name = source.jwks_file.get_ref();
        let Some(bytes) = self.files.get(name) else {
            self.fault(
                "jwks-missing",
                place,
                format!("there is no file {name:?} in the policy directory"),
                "put the issuer's JWK Set there: sekisho token keygen makes one, your IdP publishes one",
            );
            return None;
        };
        match KeySet::parse(bytes) {
            Ok(keys) => Some(Issuer {
                name: source.issuer.into_inner(),
                audiences: source.audiences.into_inner(),
                algorithms: source.algorithms.into_inner(),
                keys,
                tenant_proof,
                roles_claim: source.roles_claim,
            }),
            Err(why) => {
                self.fault(
                    "jwks-invalid",
                    place,
                    format!("{name}: {why}"),
                    "it must be a JWK Set of public keys (RFC 7517), each with a kid",
                );
                None
            }
        }
    }
}
