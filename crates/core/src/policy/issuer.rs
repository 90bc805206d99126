//! Who issues tokens, and how they are checked.

use super::KeySource;
use crate::denial::{Denial, Reason};
use crate::token::keys::{Algorithm, KeySet};
use crate::token::kind::TokenType;
use crate::token::own::OwnKeys;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Who issues tokens, and how they are checked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Issuer {
    pub(super) name: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) keys: KeySource,
    pub(super) token_type: Option<TokenType>,
    pub(super) max_age: Option<u32>,
    pub(super) tenant_proof: TenantProof,
    pub(super) subject_claim: ClaimPath,
    pub(super) subject_prefix: String,
    pub(super) roles_claim: ClaimPath,
    pub(super) role_map: Option<BTreeMap<String, String>>,
    pub(super) groups_claim: Option<ClaimPath>,
}

impl Issuer {
    /// The exact value of `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of `aud` that are meant for this gateway.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The algorithms that it signs with: all of them HMAC, or none.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Where its keys come from.
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// The one kind of token that it issues; `None` for any.
    pub fn token_type(&self) -> Option<TokenType> {
        self.token_type
    }

    /// How long after `iat` its tokens may be used, in seconds.
    pub fn max_age(&self) -> Option<u32> {
        self.max_age
    }

    /// The keys where nobody can be asked; the gateway's own are these, if any.
    ///
    /// # Errors
    /// Nothing stands in for what it publishes, or these are not there.
    pub fn offline_keys<'k>(&'k self, own: Option<&'k OwnKeys>) -> Result<&'k KeySet, String> {
        self.keys.offline(&self.algorithms, own)
    }

    /// How its tokens prove their tenant.
    pub fn tenant_proof(&self) -> &TenantProof {
        &self.tenant_proof
    }

    /// The claim that names the subject.
    pub fn subject_claim(&self) -> &ClaimPath {
        &self.subject_claim
    }

    /// What stands before its subjects, so that they are not another issuer's; may be empty.
    pub fn subject_prefix(&self) -> &str {
        &self.subject_prefix
    }

    /// The claim that lists roles.
    pub fn roles_claim(&self) -> &ClaimPath {
        &self.roles_claim
    }

    /// The role that each of its names is; `None` where its names are the roles.
    pub fn role_map(&self) -> Option<&BTreeMap<String, String>> {
        self.role_map.as_ref()
    }

    /// The claim that lists groups.
    pub fn groups_claim(&self) -> Option<&ClaimPath> {
        self.groups_claim.as_ref()
    }
}

/// How a token proves whose it is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TenantProof {
    /// This claim equals the tenant's identifier.
    Claim(ClaimPath),
    /// The issuer is declared to serve this tenant alone.
    SoleTenant,
}

/// Where a claim stands: the names of the objects around it, from the outside in, and its own. A dot
/// is part of a name, as in `https://example.com/roles`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// The deepest path.
    pub const MAX_DEPTH: usize = 8;

    /// A path of 1 to 8 names of 1 to 256 bytes.
    pub fn new(names: Vec<String>) -> Option<Self> {
        let fits = (1..=Self::MAX_DEPTH).contains(&names.len())
            && names.iter().all(|name| (1..=256).contains(&name.len()));
        fits.then_some(Self(names))
    }

    /// The claim, if it is there. What stands around it must be an object.
    pub(crate) fn find<'c>(
        &self,
        claims: &'c Map<String, Value>,
    ) -> Result<Option<&'c Value>, Denial> {
        let mut names = self.0.iter();
        let mut found = names.next().and_then(|name| claims.get(name));
        for name in names {
            found = match found {
                None => return Ok(None),
                Some(Value::Object(object)) => object.get(name),
                Some(_) => {
                    return Err(Denial::new(
                        Reason::TokenClaimsInvalid,
                        format!("what stands around {self} is no object"),
                    ));
                }
            };
        }
        Ok(found)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" > "))
    }
}
