//! A throw-away key that stands in for the issuers of a policy, so that a policy can be tested
//! without an identity provider's private key.
//!
//! The key is put where a real one would be: into a copy of the policy's files in memory, as a
//! member of each issuer's JWK Set and of its algorithms. The decision itself knows of no test and
//! has no way around a signature. The copy is never written anywhere.

use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::{self, Files};
use sekisho_testing::issuer::{Algorithm, SigningKey};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
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

/// A policy whose issuers sign with the test key.
#[derive(Debug)]
pub struct Staged {
    /// The policy.
    pub policy: Policy,
    issuers: Vec<Issuer>,
    /// By tenant, as the files had them, with their keys.
    written: BTreeMap<String, Written>,
}

/// A tenant's issuers and the key files that they name, before the test key came.
type Written = (Option<toml::Value>, Vec<Option<Vec<u8>>>);

/// What a token of an issuer must look like.
#[derive(Debug)]
struct Issuer {
    tenant: String,
    name: String,
    audiences: Vec<String>,
    tenant_claim: Vec<String>,
    token_type: String,
    shared: bool,
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

    /// Makes each issuer of a sound policy trust this key besides its own.
    pub fn install(&self, files: &Files) -> Result<Staged, Failure> {
        self.stage(files, |issuer, key| {
            let name = toml::Value::from(key.algorithm().name());
            let algorithms = issuer.get_mut("algorithms").and_then(toml::Value::as_array_mut);
            if let Some(algorithms) = algorithms.filter(|known| !known.contains(&name)) {
                algorithms.push(name);
            }
            // An issuer that publishes its keys may have no file that stands in for them.
            let Some(file) = text(issuer, "jwks_file") else {
                return Ok(json!({"keys": [key.public_jwk()]}));
            };
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
            Ok(set)
        })
    }

    /// Makes each issuer trust this key alone, as a shared secret, and says of its tokens what an
    /// audit record says: the subject, roles and groups that came of the claims, not the claims. What
    /// stands before the gateway is left out: a record names the client, not the way it came.
    pub fn install_for_replay(&self, files: &Files) -> Result<Staged, Failure> {
        let mut files = files.clone();
        if let Some(bytes) = files.get("gateway.toml") {
            let mut gateway = table("gateway.toml", bytes)?;
            gateway.remove("edge");
            files.insert("gateway.toml".into(), gateway.to_string().into_bytes());
        }
        self.stage(&files, |issuer, _| {
            // By far the cheapest signature to check, and there may be millions.
            issuer.insert("algorithms".into(), vec![self.shared.algorithm().name()].into());
            for mapping in
                ["subject_claim", "subject_prefix", "role_map", "max_age_s", "token_type"]
            {
                issuer.remove(mapping);
            }
            issuer.insert("roles_claim".into(), "roles".into());
            issuer.insert("groups_claim".into(), "groups".into());
            Ok(json!({"keys": [self.shared.public_jwk()]}))
        })
    }

    fn stage(
        &self,
        files: &Files,
        trust: impl Fn(&mut Table, &SigningKey) -> Result<Value, Failure>,
    ) -> Result<Staged, Failure> {
        let (mut copy, mut known, mut written) = (files.clone(), Vec::new(), BTreeMap::new());
        for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with("tenants/")) {
            let mut tenant = table(file, bytes)?;
            let id = file.trim_start_matches("tenants/").trim_end_matches(".toml");
            written.insert(id.to_owned(), as_written(&tenant, files));
            let issuers = tenant.get_mut("issuers").and_then(toml::Value::as_array_mut);
            let issuers = issuers.into_iter().flatten().filter_map(toml::Value::as_table_mut);
            for (position, issuer) in issuers.enumerate() {
                let key = if shares_secrets(issuer) { &self.shared } else { &self.public };
                let keys = trust(issuer, key)?;
                let set = format!("keys/{KEY_ID}-{id}-{position}.json");
                copy.insert(set.clone(), keys.to_string().into_bytes());
                issuer.insert("jwks_file".into(), set.into());
                issuer.remove("jwks_url");
                issuer.remove("discovery");
                issuer.remove("own_keys");
                known.push(Issuer::of(id, issuer));
            }
            copy.insert(file.clone(), tenant.to_string().into_bytes());
        }
        let policy = policy::load(&copy).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Failure::invalid(format!("the policy takes no test key: {}", faults.join("; ")))
        })?;
        Ok(Staged { policy, issuers: known, written })
    }

    /// A token for the tenant of this host. Unless said otherwise it has `iss` of the tenant's only
    /// issuer, and by that issuer `aud`, the tenant's claim, `iat` and `exp`. What is given wins;
    /// `null` takes a claim away.
    ///
    /// # Errors
    /// The tenant has several issuers and the claims name none.
    pub fn token(
        &self,
        staged: &Staged,
        host: Option<&str>,
        given: &Map<String, Value>,
        now: i64,
    ) -> Result<String, String> {
        let issuer = staged.issuer(host, given)?;
        let mut claims = issuer.map(Issuer::claims).unwrap_or_default();
        claims.insert("iat".into(), now.into());
        claims.insert("exp".into(), now.saturating_add(LIFETIME).into());
        claims.extend(given.clone());
        claims.retain(|_, value| !value.is_null());
        let key =
            if issuer.is_some_and(|issuer| issuer.shared) { &self.shared } else { &self.public };
        let kind = issuer.map_or("JWT", |issuer| &issuer.token_type);
        let header = json!({"alg": key.algorithm().name(), "kid": KEY_ID, "typ": kind});
        key.sign(&header, &Value::Object(claims)).map_err(|error| error.to_string())
    }
}

impl TestKey {
    /// A token that a recorded user showed: of the old policy's issuer, so that an audience that the
    /// new one has no more is refused; with the new one's tenant claim, where it has another.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn recorded(
        &self,
        (old, new): (&Staged, &Staged),
        host: &str,
        given: &Map<String, Value>,
        now: i64,
    ) -> Result<String, String> {
        let mut claims = new.issuer(Some(host), given)?.map(Issuer::claims).unwrap_or_default();
        let before = old.issuer(Some(host), given)?.map(Issuer::claims).unwrap_or_default();
        claims.extend(before);
        claims.extend(given.clone());
        // An issuer that the new policy has no more signs as it did.
        let signs = if new.issuer(Some(host), &claims)?.is_some() { new } else { old };
        self.token(signs, Some(host), &claims, now)
    }
}

impl Staged {
    /// What the policy's files say of the issuers of this tenant, to be compared.
    pub fn issuers_as_written(&self, tenant: &str) -> Option<&(impl PartialEq + use<>)> {
        self.written.get(tenant)
    }

    fn issuer(
        &self,
        host: Option<&str>,
        given: &Map<String, Value>,
    ) -> Result<Option<&Issuer>, String> {
        let Some(tenant) = host.and_then(|host| self.policy.tenant_of_host(host)) else {
            return Ok(None);
        };
        let of_tenant: Vec<&Issuer> =
            self.issuers.iter().filter(|issuer| issuer.tenant == tenant.id().as_str()).collect();
        match (given.get("iss"), of_tenant.as_slice()) {
            (Some(named), issuers) => Ok(issuers
                .iter()
                .copied()
                .find(|issuer| named.as_str() == Some(issuer.name.as_str()))),
            (None, []) => Ok(None),
            (None, [only]) => Ok(Some(*only)),
            (None, issuers) => {
                let names: Vec<&str> = issuers.iter().map(|issuer| issuer.name.as_str()).collect();
                Err(format!(
                    "the tenant {} has several issuers; write one of {} as \"iss\"",
                    tenant.id(),
                    names.join(", ")
                ))
            }
        }
    }
}

impl Issuer {
    fn of(tenant: &str, issuer: &Table) -> Self {
        let owned = |name| text(issuer, name).map(str::to_owned);
        let audiences = issuer.get("audiences").and_then(toml::Value::as_array);
        let tenant_claim = match issuer.get("tenant_claim") {
            Some(toml::Value::String(name)) => vec![name.clone()],
            Some(toml::Value::Array(path)) => {
                path.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Self {
            tenant: tenant.to_owned(),
            name: owned("issuer").unwrap_or_default(),
            audiences: audiences
                .into_iter()
                .flatten()
                .filter_map(toml::Value::as_str)
                .map(str::to_owned)
                .collect(),
            tenant_claim,
            token_type: owned("token_type").unwrap_or_else(|| "JWT".into()),
            shared: shares_secrets(issuer),
        }
    }

    fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("iss".into(), self.name.as_str().into());
        claims.insert("aud".into(), self.audiences.clone().into());
        let (mut inner, mut path) = (Value::from(self.tenant.as_str()), self.tenant_claim.iter());
        if let Some(outermost) = path.next() {
            for name in path.rev() {
                inner = json!({ name: inner });
            }
            claims.insert(outermost.clone(), inner);
        }
        claims
    }
}

/// A policy file as a table. It was loaded before, so it is one.
pub(crate) fn table(file: &str, bytes: &[u8]) -> Result<Table, Failure> {
    String::from_utf8_lossy(bytes).parse().map_err(|error: toml::de::Error| {
        Failure::invalid(format!("{file} is not TOML: {}", error.message()))
    })
}

fn as_written(tenant: &Table, files: &Files) -> Written {
    let issuers = tenant.get("issuers");
    let tables = issuers.and_then(toml::Value::as_array).into_iter().flatten();
    let keys = tables
        .filter_map(toml::Value::as_table)
        .map(|issuer| files.get(text(issuer, "jwks_file")?).cloned())
        .collect();
    (issuers.cloned(), keys)
}

fn text<'t>(table: &'t Table, name: &str) -> Option<&'t str> {
    table.get(name).and_then(toml::Value::as_str)
}

fn shares_secrets(issuer: &Table) -> bool {
    let algorithms = issuer.get("algorithms").and_then(toml::Value::as_array);
    algorithms.is_some_and(|algorithms| {
        algorithms.iter().all(|name| name.as_str().is_some_and(|name| name.starts_with("HS")))
    })
}
