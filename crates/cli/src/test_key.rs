//! A throw-away key that stands in for the issuers of a policy, so that a policy can be tested
//! without an identity provider's private key.
//!
//! The key is put where a real one would be: into a copy of the policy's files in memory, as a
//! member of each issuer's JWK Set and of its algorithms. The decision itself knows of no test and
//! has no way around a signature. The copy is never written anywhere.

use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::{self, Files, TenantProof};
use sekisho_testing::issuer::{Algorithm, SigningKey};
use serde_json::{Map, Value, json};
use toml::Table;

/// The `kid` of the key.
pub const KEY_ID: &str = "sekisho-test";

/// How long a token lives that says nothing of it, in seconds.
const LIFETIME: i64 = 3600;

/// The key, in the two kinds that an issuer may have.
#[derive(Debug)]
pub struct TestKey {
    public: SigningKey,
    shared: SigningKey,
}

impl TestKey {
    /// A fresh key.
    pub fn generate() -> Result<Self, Failure> {
        let key = |algorithm| {
            SigningKey::generate(algorithm, KEY_ID)
                .map_err(|error| Failure::fault(format!("cannot make a test key: {error}")))
        };
        Ok(Self { public: key(Algorithm::EdDSA)?, shared: key(Algorithm::HS256)? })
    }

    /// The policy of these sound files, whose issuers sign with this key too.
    pub fn install(&self, files: &Files) -> Result<Policy, Failure> {
        let mut copy = files.clone();
        for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with("tenants/")) {
            let mut tenant = table(file, bytes)?;
            let issuers = tenant.get_mut("issuers").and_then(toml::Value::as_array_mut);
            for (position, issuer) in issuers.into_iter().flatten().enumerate() {
                if let Some(issuer) = issuer.as_table_mut() {
                    let stem = file.trim_start_matches("tenants/").trim_end_matches(".toml");
                    let set = format!("keys/{KEY_ID}-{stem}-{position}.json");
                    let keys = self.trust(issuer, files)?;
                    issuer.insert("jwks_file".into(), set.clone().into());
                    copy.insert(set, keys);
                }
            }
            copy.insert(file.clone(), tenant.to_string().into_bytes());
        }
        policy::load(&copy).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Failure::invalid(format!("the policy takes no test key: {}", faults.join("; ")))
        })
    }

    /// Adds this key's algorithm to the issuer, and returns its keys with this one.
    fn trust(&self, issuer: &mut Table, files: &Files) -> Result<Vec<u8>, Failure> {
        let key = if shares_secrets(issuer) { &self.shared } else { &self.public };
        let name = toml::Value::from(key.algorithm().name());
        if let Some(algorithms) = issuer.get_mut("algorithms").and_then(toml::Value::as_array_mut)
            && !algorithms.contains(&name)
        {
            algorithms.push(name);
        }
        let file = issuer.get("jwks_file").and_then(toml::Value::as_str).unwrap_or_default();
        let bytes = files.get(file).map(Vec::as_slice).unwrap_or_default();
        let mut set: Value = serde_json::from_slice(bytes)
            .map_err(|error| Failure::invalid(format!("{file} is not JSON: {error}")))?;
        let keys = set.get_mut("keys").and_then(Value::as_array_mut);
        let keys = keys.ok_or_else(|| Failure::invalid(format!("{file} is no JWK Set")))?;
        if keys.iter().any(|key| key.get("kid").and_then(Value::as_str) == Some(KEY_ID)) {
            return Err(Failure::invalid(format!("{file} has a key of the name {KEY_ID:?}"))
                .help("remove it: this name is for tests, and nobody should trust it"));
        }
        keys.push(key.public_jwk());
        Ok(set.to_string().into_bytes())
    }

    /// A token with exactly these claims, signed as its issuer signs.
    pub fn sign(&self, claims: &Map<String, Value>, shared: bool) -> Result<String, Failure> {
        let key = if shared { &self.shared } else { &self.public };
        let header = json!({"alg": key.algorithm().name(), "kid": KEY_ID, "typ": "JWT"});
        key.sign(&header, &Value::Object(claims.clone()))
            .map_err(|error| Failure::fault(format!("cannot sign with the test key: {error}")))
    }
}

/// The claims that a token of the tenant of this host has if nobody says otherwise: `iss` of the
/// tenant's only issuer, and by the issuer `aud`, the tenant's claim, `iat` and `exp`. What is given
/// wins; `null` takes a claim away. Returns them and whether their issuer shares its secret.
///
/// # Errors
/// The tenant has several issuers and the claims name none.
pub fn claims(
    policy: &Policy,
    host: Option<&str>,
    given: &Map<String, Value>,
    now: i64,
) -> Result<(Map<String, Value>, bool), String> {
    let mut claims = Map::new();
    let mut shared = false;
    if let Some(tenant) = host.and_then(|host| policy.tenant_of_host(host)) {
        let named = given.get("iss").and_then(Value::as_str);
        let issuer = match (given.contains_key("iss"), tenant.issuers()) {
            (true, issuers) => issuers.iter().find(|issuer| Some(issuer.name()) == named),
            (false, [only]) => Some(only),
            (false, []) => None,
            (false, issuers) => {
                let names: Vec<&str> = issuers.iter().map(|issuer| issuer.name()).collect();
                return Err(format!(
                    "the tenant {} has several issuers; write one of {} as \"iss\"",
                    tenant.id(),
                    names.join(", ")
                ));
            }
        };
        if let Some(issuer) = issuer {
            claims.insert("iss".into(), issuer.name().into());
            if let Some(audience) = issuer.audiences().first() {
                claims.insert("aud".into(), audience.as_str().into());
            }
            if let TenantProof::Claim(name) = issuer.tenant_proof() {
                claims.insert(name.clone(), tenant.id().as_str().into());
            }
            shared = issuer.algorithms().iter().all(|a| a.name().starts_with("HS"));
        }
    }
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), now.saturating_add(LIFETIME).into());
    claims.extend(given.clone());
    claims.retain(|_, value| !value.is_null());
    Ok((claims, shared))
}

/// A policy file as a table. It was loaded before, so it is one.
pub fn table(file: &str, bytes: &[u8]) -> Result<Table, Failure> {
    let text = String::from_utf8_lossy(bytes);
    text.parse().map_err(|error: toml::de::Error| {
        Failure::invalid(format!("{file} is not TOML: {}", error.message()))
    })
}

fn shares_secrets(issuer: &Table) -> bool {
    let algorithms = issuer.get("algorithms").and_then(toml::Value::as_array);
    algorithms.is_some_and(|algorithms| {
        algorithms.iter().all(|name| name.as_str().is_some_and(|name| name.starts_with("HS")))
    })
}
