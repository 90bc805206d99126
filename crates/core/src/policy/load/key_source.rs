//! Where an issuer's keys come from: exactly one place.

use super::Loader;
use crate::policy::source::{IssuerSource, Spanned};
use crate::policy::{KeySource, Published, WebAddress};
use crate::token::keys::{Algorithm, KeySet};
use crate::token::own::session;

impl Loader<'_> {
    pub(super) fn key_source(&mut self, file: &str, source: &IssuerSource) -> Option<KeySource> {
        let written = source.jwks_file.as_ref().map(|name| self.written(file, source, name));
        let at = match (source.discovery, &source.jwks_url) {
            (false, None) => None,
            (true, None) => Some(self.discovery(file, source)),
            (false, Some(url)) => Some(self.jwks_url(file, url)),
            (true, Some(url)) => {
                self.fault(
                    "key-source",
                    (file, Some(url.span())),
                    "two places publish the issuer's keys",
                    "keep jwks_url or discovery = true",
                );
                return None;
            }
        };
        let symmetric = source.algorithms.get_ref().iter().any(|a| a.is_symmetric());
        if let Some(own) = source.own_keys.as_ref().filter(|own| *own.get_ref()) {
            let alone = written.is_none() && at.is_none();
            return self.own_keys(file, source, own, alone);
        }
        match (written, at) {
            (None, None) => {
                self.fault(
                    "key-source",
                    (file, Some(source.issuer.span())),
                    "it is not said where the issuer's keys come from",
                    "write discovery = true, jwks_url = \"https://...\", jwks_file = \"keys/...\" for keys that you keep, or own_keys = true for the gateway's sessions",
                );
                None
            }
            (Some(keys), None) => keys.map(KeySource::Written),
            (_, Some(_)) if symmetric => {
                self.fault(
                    "secret-published",
                    (file, Some(source.algorithms.span())),
                    "HMAC secrets can't be what an issuer publishes",
                    "write jwks_file alone, or algorithms with public keys",
                );
                None
            }
            (stand_in, Some(at)) => Some(KeySource::Published {
                at: at?,
                stand_in: match stand_in {
                    None => None,
                    Some(keys) => Some(keys?),
                },
            }),
        }
    }

    /// The gateway's own sessions name their tenant, and nothing else does: all tenants share its keys.
    fn own_keys(
        &mut self,
        file: &str,
        source: &IssuerSource,
        own: &Spanned<bool>,
        alone: bool,
    ) -> Option<KeySource> {
        let tenant = source.tenant_claim.as_ref().map(|claim| claim.get_ref().0.as_slice());
        let ours = |algorithm: &Algorithm| matches!(algorithm, Algorithm::EdDSA | Algorithm::HS256);
        let why = if !alone {
            "keys of another place stand beside the gateway's own"
        } else if tenant != Some(&[session::TENANT.to_owned()]) {
            "the gateway's own tokens name their tenant in \"tenant\""
        } else if source.token_type.is_some() {
            "the gateway's own tokens have a typ of their own"
        } else if !source.algorithms.get_ref().iter().all(ours) {
            "the gateway's own keys are for EdDSA or HS256"
        } else {
            return Some(KeySource::Own);
        };
        self.fault(
            "own-keys-invalid",
            (file, Some(own.span())),
            why,
            "write own_keys = true, tenant_claim = \"tenant\" and algorithms = [\"HS256\"] or [\"EdDSA\"], and neither token_type nor another place of keys",
        );
        None
    }

    fn discovery(&mut self, file: &str, source: &IssuerSource) -> Option<Published> {
        let published = Published::discovery_of(source.issuer.get_ref());
        if published.is_none() {
            self.fault(
                "discovery-invalid",
                (file, Some(source.issuer.span())),
                "no discovery document can be below this name",
                "discovery needs an issuer that is an https address without a query; else write jwks_url",
            );
        }
        published
    }

    fn jwks_url(&mut self, file: &str, url: &Spanned<String>) -> Option<Published> {
        let address = WebAddress::parse(url.get_ref());
        if address.is_none() {
            self.fault(
                "jwks-url-invalid",
                (file, Some(url.span())),
                format!("{:?} is no address of a key set", url.get_ref()),
                "write https://, a host and a path; http:// only on this host",
            );
        }
        address.map(Published::JwkSet)
    }

    fn written(
        &mut self,
        file: &str,
        source: &IssuerSource,
        name: &Spanned<String>,
    ) -> Option<KeySet> {
        let place = (file, Some(name.span()));
        let name = name.get_ref();
        let Some(bytes) = self.files.get(name) else {
            self.fault(
                "jwks-missing",
                place,
                format!("there is no file {name:?} in the policy directory"),
                "put the issuer's JWK Set there: sekisho token keygen makes one, your IdP publishes one",
            );
            return None;
        };
        let algorithms = source.algorithms.get_ref();
        match KeySet::parse(bytes, algorithms) {
            Ok(keys) => Some(keys),
            Err(why) => {
                let help = if algorithms.iter().copied().any(Algorithm::is_symmetric) {
                    "it must be a JWK Set of secrets (RFC 7518, section 6.4), each with a kid and an alg"
                } else {
                    "it must be a JWK Set of public keys (RFC 7517), each with a kid"
                };
                self.fault("jwks-invalid", place, format!("{name}: {why}"), help);
                None
            }
        }
    }
}
