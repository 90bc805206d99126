//! The policy's files as types: what a reviewer reads, key by key.

use super::TenantEcho;
use crate::token::keys::Algorithm;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// `gateway.toml`: the operator's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    /// The language's version: 1.
    pub version: Spanned<u32>,
    #[serde(default)]
    pub edge: EdgeSource,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub timeouts: TimeoutsSource,
    #[serde(default)]
    pub state: State,
    #[serde(default)]
    pub origins: BTreeMap<Spanned<String>, OriginSource>,
    #[serde(default)]
    pub routes: Vec<RouteSource>,
}

/// What stands before the gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeSource {
    /// CIDR blocks of the proxies whose word is taken, or `"peer"`: whoever connects.
    pub trusted_proxies: Option<Spanned<WordOrBlocks>>,
    /// The one header in which they name the client.
    pub client_address_header: Option<Spanned<String>>,
}

/// A word, or a list of CIDR blocks each with its place.
#[derive(Debug)]
pub(super) enum WordOrBlocks {
    Word(String),
    Blocks(Vec<Spanned<String>>),
}

// By hand, because a derived untagged enum loses the places of the list's items.
impl<'de> Deserialize<'de> for WordOrBlocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrBlocksVisitor;

        impl<'de> Visitor<'de> for WordOrBlocksVisitor {
            type Value = WordOrBlocks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of CIDR blocks")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<WordOrBlocks, E> {
                Ok(WordOrBlocks::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WordOrBlocks, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = seq.next_element()? {
                    blocks.push(block);
                }
                Ok(WordOrBlocks::Blocks(blocks))
            }
        }

        deserializer.deserialize_any(WordOrBlocksVisitor)
    }
}

/// Sizes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    /// Header names and values together, bytes.
    pub head_bytes: usize,
    /// Header fields.
    pub head_fields: usize,
    /// Request body, bytes.
    pub body_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_bytes: 32 * 1024, head_fields: 100, body_bytes: 10 * 1024 * 1024 }
    }
}

/// Times in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the keys of the file say their unit")]
pub(super) struct TimeoutsSource {
    pub connect_ms: Option<Spanned<u64>>,
    pub first_byte_ms: Option<Spanned<u64>>,
    pub idle_ms: Option<Spanned<u64>>,
}

/// What is asked of the state store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct State {
    /// Look revocations up on every request with a token.
    pub revocation: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { revocation: true }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OriginSource {
    pub url: Spanned<String>,
    /// Traffic to this origin may leave the machine without TLS.
    #[serde(default)]
    pub cleartext: bool,
    pub region: Spanned<String>,
    #[serde(default)]
    pub tenant_echo: TenantEcho,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteSource {
    pub id: Spanned<String>,
    pub path: Spanned<String>,
    pub methods: Vec<Spanned<String>>,
    pub origins: Vec<Spanned<String>>,
    #[serde(default)]
    pub public: Option<Spanned<bool>>,
    pub network: Option<Spanned<String>>,
    #[serde(default)]
    pub roles: Vec<Spanned<String>>,
    pub max_body_bytes: Option<u64>,
    #[serde(default)]
    pub timeouts: TimeoutsSource,
}

/// `tenants/<id>.toml`: one file a tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantSource {
    pub hosts: Spanned<Vec<Spanned<String>>>,
    pub regions: Spanned<Vec<Spanned<String>>>,
    /// Each `"any"` or a list of CIDR blocks.
    #[serde(default)]
    pub networks: BTreeMap<Spanned<String>, Spanned<WordOrBlocks>>,
    #[serde(default)]
    pub issuers: Vec<IssuerSource>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSource {
    pub issuer: Spanned<String>,
    pub audiences: Spanned<Vec<String>>,
    pub algorithms: Spanned<Vec<Algorithm>>,
    /// A JWK Set, relative to the policy directory.
    pub jwks_file: Spanned<String>,
    /// The claim that names the tenant.
    pub tenant_claim: Option<Spanned<String>>,
    /// The issuer serves this tenant alone, so its tokens need no tenant claim.
    #[serde(default)]
    pub sole_tenant: bool,
    #[serde(default = "default_roles_claim")]
    pub roles_claim: String,
}

fn default_roles_claim() -> String {
    "roles".into()
}
