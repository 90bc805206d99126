//! Who issues tokens for a tenant.

use super::Spanned;
use crate::token::keys::Algorithm;
use crate::token::kind::TokenType;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct IssuerSource {
    /// The exact value of a token's `iss`.
    pub issuer: Spanned<String>,
    /// The values of `aud` that are meant for this gateway.
    pub audiences: Spanned<Vec<String>>,
    /// HMAC algorithms never beside others.
    pub algorithms: Spanned<Vec<Algorithm>>,
    /// A JWK Set, relative to the policy directory. Beside `discovery` or `jwks_url` it stands in for
    /// what the issuer publishes, in the tools that run without a network; the gateway never reads it.
    pub jwks_file: Option<Spanned<String>>,
    /// The issuer publishes its keys where `/.well-known/openid-configuration` below its name says.
    #[serde(default)]
    pub discovery: bool,
    /// The address at which the issuer publishes its keys as a JWK Set.
    pub jwks_url: Option<Spanned<String>>,
    /// The gateway signs these tokens itself, by its own keys: sessions, whose `tenant` names the tenant.
    #[serde(default)]
    pub own_keys: Option<Spanned<bool>>,
    /// The one kind of token that it issues, by the header's `typ`; any, if not given.
    pub token_type: Option<TokenType>,
    /// How long after `iat` a token may be used, in seconds; if not given, until it expires.
    pub max_age_s: Option<Spanned<u32>>,
    /// The claim that names the tenant.
    pub tenant_claim: Option<Spanned<ClaimSource>>,
    /// The issuer serves this tenant alone, so its tokens need no tenant claim.
    #[serde(default)]
    pub sole_tenant: bool,
    /// The claim that names the user; `sub`, if not given.
    pub subject_claim: Option<Spanned<ClaimSource>>,
    /// Stands before the user's name everywhere behind the token, which keeps the users of a tenant's
    /// issuers apart.
    pub subject_prefix: Option<Spanned<String>>,
    /// The claim that lists roles; `roles`, if not given.
    pub roles_claim: Option<Spanned<ClaimSource>>,
    /// From the names in that claim to roles; names that are not here are none.
    pub role_map: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
    /// The claim that lists groups.
    pub groups_claim: Option<Spanned<ClaimSource>>,
}

/// The name of a claim, or a list of names: the objects around it, from the outside in, and its own.
#[derive(Debug)]
pub(in crate::policy) struct ClaimSource(pub Vec<String>);

impl<'de> Deserialize<'de> for ClaimSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimVisitor;

        impl<'de> Visitor<'de> for ClaimVisitor {
            type Value = ClaimSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a claim, or a list of names from the outside in")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<ClaimSource, E> {
                Ok(ClaimSource(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ClaimSource, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(ClaimSource(names))
            }
        }

        deserializer.deserialize_any(ClaimVisitor)
    }
}
