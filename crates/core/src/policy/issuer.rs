//! Who issues tokens, and how they are checked.

use crate::token::keys::{Algorithm, KeySet};
use serde::{Deserialize, Serialize};

/// Who issues tokens, and how they are checked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Issuer {
    pub(super) name: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) keys: KeySet,
    pub(super) tenant_proof: TenantProof,
    pub(super) roles_claim: String,
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

    /// The algorithms that it signs with.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Its keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// How its tokens prove their tenant.
    pub fn tenant_proof(&self) -> &TenantProof {
        &self.tenant_proof
    }

    /// The claim that lists roles.
    pub fn roles_claim(&self) -> &str {
        &self.roles_claim
    }
}

/// How a token proves whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub enum TenantProof {
    /// This claim equals the tenant's identifier.
    Claim(String),
    /// The issuer is declared to serve this tenant alone.
    SoleTenant,
}
