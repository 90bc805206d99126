//! The gateway's own keys: it signs [`assertion`]s for origins, [`session`] tokens and [`checkpoint`]s of its audit trail
//! with them.
//!
//! They are secret and come from outside the policy, as a JWK Set (RFC 7517, section 5) of private keys
//! that `sekisho keys` makes. Each has a `status`:
//!
//! | status | signs | is checked with and published |
//! | --- | --- | --- |
//! | `current` | yes | yes |
//! | `next` | no | yes, so that everybody knows it before it signs |
//! | `retired` | no | yes, until what it signed has expired |
//!
//! There is one current key of each kind that there is: EdDSA, which others can check, and HS256, which
//! only the gateway can. No message here says anything of what a secret is.

pub mod assertion;
pub mod checkpoint;
pub mod session;

use super::json;
use super::keys::{Algorithm, KeySet, MAX_KEY_ID};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::fmt;
use std::sync::Arc;

/// The most keys.
pub const MAX_OWN_KEYS: usize = 16;

/// The largest set, in bytes.
pub const MAX_OWN_SET: usize = 16 * 1024;

/// The bytes of a secret, as many as the hash has (RFC 7518, section 3.2).
const SECRET: usize = 32;

/// What a key is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It signs.
    Current,
    /// It will sign.
    Next,
    /// It signed.
    Retired,
}

impl Status {
    /// The value of `status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Retired => "retired",
        }
    }
}

/// A key of the gateway's.
struct OwnKey {
    id: String,
    status: Status,
    secret: Secret,
}

enum Secret {
    EdDSA(Box<SigningKey>),
    HS256([u8; SECRET]),
}

impl OwnKey {
    /// A secret that is another key's secret or, worse, its public part, is none.
    fn shares(&self, other: &Self) -> bool {
        let numbers = |key: &Self| match &key.secret {
            Secret::EdDSA(key) => vec![key.to_bytes(), key.verifying_key().to_bytes()],
            Secret::HS256(k) => vec![*k],
        };
        let theirs = numbers(other);
        numbers(self).iter().any(|number| theirs.contains(number))
    }

    fn algorithm(&self) -> Algorithm {
        match self.secret {
            Secret::EdDSA(_) => Algorithm::EdDSA,
            Secret::HS256(_) => Algorithm::HS256,
        }
    }

    /// The key as a JWK; of a public-key algorithm, the public part.
    fn checking(&self) -> Value {
        match &self.secret {
            Secret::EdDSA(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": self.id, "x": URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())})
            }
            Secret::HS256(k) => json!({"kty": "oct", "alg": "HS256", "use": "sig", "kid": self.id,
                "k": URL_SAFE_NO_PAD.encode(k)}),
        }
    }

    fn sign(&self, input: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::EdDSA(key) => key.sign(input).to_bytes().to_vec(),
            Secret::HS256(k) => {
                // A key of any length is one (RFC 2104, section 2).
                Hmac::<Sha256>::new_from_slice(k)
                    .map(|mac| mac.chain_update(input).finalize().into_bytes().to_vec())
                    .unwrap_or_default()
            }
        }
    }
}

/// The gateway's own keys.
pub struct OwnKeys {
    keys: Vec<OwnKey>,
    public: Option<Arc<KeySet>>,
    secret: Option<Arc<KeySet>>,
}

impl OwnKeys {
    /// Reads the set that `sekisho keys` writes.
    ///
    /// # Errors
    /// What is wrong, with the key's position, and nothing of its content.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_OWN_SET {
            return Err(format!("{} bytes; {MAX_OWN_SET} are allowed", bytes.len()));
        }
        // The reader's own words may quote what it read.
        let mut set = json::object(bytes).map_err(|_| "not strict JSON".to_owned())?;
        let Some(Value::Array(jwks)) = set.remove("keys") else {
            return Err("not a JWK Set: it has no array \"keys\" (RFC 7517, section 5)".into());
        };
        if !(1..=MAX_OWN_KEYS).contains(&jwks.len()) {
            return Err(format!("{} keys; 1 to {MAX_OWN_KEYS} are allowed", jwks.len()));
        }
        let mut keys: Vec<OwnKey> = Vec::with_capacity(jwks.len());
        for (position, jwk) in jwks.iter().enumerate() {
            let key = own_key(jwk).map_err(|why| format!("key {}: {why}", position + 1))?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(format!("key {}: its kid stands twice", position + 1));
            }
            if keys.iter().any(|known| known.shares(&key)) {
                return Err(format!("key {}: another key has the same numbers", position + 1));
            }
            keys.push(key);
        }
        for algorithm in [Algorithm::EdDSA, Algorithm::HS256] {
            let of_status = |status| {
                let is_meant = |key: &&OwnKey| key.algorithm() == algorithm && key.status == status;
                keys.iter().filter(is_meant).count()
            };
            let is_used = keys.iter().any(|key| key.algorithm() == algorithm);
            if is_used && of_status(Status::Current) != 1 {
                return Err(format!("not one current key for {}", algorithm.name()));
            }
        }
        let checking = |algorithm: Algorithm| {
            let jwks: Vec<Value> = keys
                .iter()
                .filter(|key| key.algorithm() == algorithm)
                .map(OwnKey::checking)
                .collect();
            if jwks.is_empty() {
                return Ok(None);
            }
            let set = json!({"keys": jwks}).to_string();
            match KeySet::parse(set.as_bytes(), &[algorithm]) {
                Ok(set) => Ok(Some(Arc::new(set))),
                Err(why) => Err(format!("of the keys for {}, {why}", algorithm.name())),
            }
        };
        let (public, secret) = (checking(Algorithm::EdDSA)?, checking(Algorithm::HS256)?);
        Ok(Self { keys, public, secret })
    }

    /// The public keys as a JWK Set: what `/.well-known/sekisho/jwks.json` answers.
    pub fn published(&self) -> String {
        let public = self.keys.iter().filter(|key| !key.algorithm().is_symmetric());
        json!({"keys": public.map(OwnKey::checking).collect::<Vec<_>>()}).to_string()
    }

    /// The keys that check what the gateway signed with one of these algorithms.
    ///
    /// # Errors
    /// There is none.
    pub fn checking(&self, algorithms: &[Algorithm]) -> Result<&Arc<KeySet>, String> {
        let symmetric = algorithms.iter().any(|algorithm| algorithm.is_symmetric());
        let set = if symmetric { &self.secret } else { &self.public };
        set.as_ref().ok_or_else(|| "the gateway has no own key of this kind".into())
    }

    /// Whether there is a key that signs by this algorithm.
    pub fn signs(&self, algorithm: Algorithm) -> bool {
        self.list().any(|(_, of, status)| of == algorithm && status == Status::Current)
    }

    /// Each key's identifier, algorithm and status.
    pub fn list(&self) -> impl Iterator<Item = (&str, Algorithm, Status)> {
        self.keys.iter().map(|key| (key.id.as_str(), key.algorithm(), key.status))
    }

    /// A compact JWS (RFC 7515, section 7.1) by the current key of this algorithm.
    fn sign(
        &self,
        algorithm: Algorithm,
        token_type: &str,
        claims: &impl Serialize,
    ) -> Result<String, String> {
        let is_meant =
            |key: &&OwnKey| key.algorithm() == algorithm && key.status == Status::Current;
        let key = self
            .keys
            .iter()
            .find(is_meant)
            .ok_or_else(|| format!("the gateway has no own key for {}", algorithm.name()))?;
        let header = json!({"alg": algorithm.name(), "typ": token_type, "kid": key.id}).to_string();
        let claims = serde_json::to_string(claims).map_err(|error| error.to_string())?;
        let mut token = [URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)].join(".");
        let signature = key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

impl fmt::Debug for OwnKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

fn own_key(jwk: &Value) -> Result<OwnKey, &'static str> {
    let members = jwk.as_object().ok_or("not an object")?;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let id =
        text("kid").filter(|id| is_key_id(id)).ok_or("no \"kid\" of 1 to 256 printable ASCII")?;
    let status = [Status::Current, Status::Next, Status::Retired]
        .into_iter()
        .find(|status| text("status") == Some(status.name()))
        .ok_or("its \"status\" is none of current, next and retired")?;
    let secret = match (text("kty"), text("crv"), text("alg")) {
        (Some("OKP"), Some("Ed25519"), Some("EdDSA")) => {
            let key = SigningKey::from_bytes(&octets(members, "d")?);
            if octets(members, "x")? != *key.verifying_key().as_bytes() {
                return Err("\"x\" is not the public key of \"d\"");
            }
            Secret::EdDSA(Box::new(key))
        }
        (Some("oct"), None, Some("HS256")) => Secret::HS256(octets(members, "k")?),
        _ => return Err("kty, crv and alg are neither OKP, Ed25519, EdDSA nor oct, HS256"),
    };
    Ok(OwnKey { id: id.to_owned(), status, secret })
}

fn is_key_id(id: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn octets(members: &Map<String, Value>, name: &str) -> Result<[u8; SECRET], &'static str> {
    members
        .get(name)
        .and_then(Value::as_str)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("its numbers are not base64url of 32 bytes without padding")
}

/// A private JWK of 32 random bytes, as `sekisho keys` writes it.
///
/// # Errors
/// The algorithm is neither EdDSA nor HS256.
pub fn private_jwk(
    algorithm: Algorithm,
    id: &str,
    status: Status,
    random: [u8; SECRET],
) -> Result<Value, String> {
    let secret = match algorithm {
        Algorithm::EdDSA => Secret::EdDSA(Box::new(SigningKey::from_bytes(&random))),
        Algorithm::HS256 => Secret::HS256(random),
        other => return Err(format!("own keys are for EdDSA and HS256, not {}", other.name())),
    };
    let key = OwnKey { id: id.to_owned(), status, secret };
    let mut jwk = key.checking();
    let mut set = |name: &str, value: String| {
        if let Some(members) = jwk.as_object_mut() {
            members.insert(name.to_owned(), value.into());
        }
    };
    if let Secret::EdDSA(_) = key.secret {
        set("d", URL_SAFE_NO_PAD.encode(random));
    }
    set("status", status.name().to_owned());
    Ok(jwk)
}
