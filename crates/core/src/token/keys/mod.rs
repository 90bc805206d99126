//! An issuer's keys (RFC 7517) and the check of a signature with them.
//!
//! | place | what |
//! | --- | --- |
//! | `algorithm` | which signatures there are |
//! | `jwk` | a key as the set has it |
//! | `material` | its numbers, as a policy stores them |
//! | `verifier` | the key built from them, and what keys and signatures must be |
//! | `proven` | tokens whose signature was checked already |
//! | [`published`] | a set that the issuer publishes, and its discovery document |
//! | [`ring`] | when an instance asks the issuer again |
//!
//! A set of the policy is read once, when it is loaded, and then every key is built: an unusable one
//! is a fault. A stored set is read back without building any, since that is slow in Wasm and a request
//! needs one; each is built when it is first used. One that can't be built then is not known to be
//! a key: 503.

mod algorithm;
mod jwk;
mod material;
mod proven;
pub mod published;
pub mod ring;
#[cfg(test)]
mod tests;
mod verifier;
#[cfg(test)]
mod wycheproof;

pub use algorithm::Algorithm;

use super::json;
use super::jws::Unverified;
use super::kind::TokenType;
use crate::denial::{Denial, Reason};
use crate::policy::Issuer;
use jwk::Jwk;
use material::Material;
use proven::Proven;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::OnceLock;
use verifier::Verifier;

/// The most keys that a set may have.
pub const MAX_KEYS: usize = 32;

/// The largest set, in bytes.
pub const MAX_SET: usize = 150 * 1024;

/// The longest `kid`, in bytes.
pub const MAX_KEY_ID: usize = 256;

/// An issuer's keys by `kid` and algorithm.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeySet {
    keys: Vec<Key>,
    #[serde(skip)]
    proven: Proven,
}

/// A key for one algorithm: an RSA key that may be used with several stands in the set once for
/// each of them (RFC 8725, section 3.1).
#[derive(Debug, Serialize, Deserialize)]
struct Key {
    id: String,
    algorithm: Algorithm,
    material: Material,
    #[serde(skip)]
    verifier: OnceLock<Verifier>,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517, section 5) for an issuer that signs with these algorithms. Keys for
    /// other algorithms are left out. But all must be usable, and public or secret as the algorithms
    /// are: this is a file that the operator wrote, so one that isn't is a mistake to be told, with
    /// the key's position.
    pub fn parse(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Self, String> {
        let jwks = jwks_of(bytes, 1)?;
        let symmetric = algorithms.iter().any(|algorithm| algorithm.is_symmetric());
        let mut keys: Vec<Key> = Vec::with_capacity(jwks.len());
        for (position, jwk) in jwks.iter().enumerate() {
            let place = |why: String| format!("key {}: {why}", position + 1);
            for key in keys_of(jwk, algorithms, symmetric).map_err(place)? {
                if keys.iter().any(|k| k.id == key.id && k.algorithm == key.algorithm) {
                    return Err(place(format!("kid {:?} stands twice", key.id)));
                }
                keys.push(key);
            }
        }
        if keys.is_empty() {
            let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
            return Err(format!("no key is for {}", names.join(", ")));
        }
        Ok(Self::of(keys))
    }

    fn of(keys: Vec<Key>) -> Self {
        Self { keys, proven: Proven::default() }
    }

    /// Whether a key has this `kid`.
    pub fn names(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    /// Checks a token's signature, and nothing else of it, by the key that it names: a key of this set
    /// for this algorithm. One that held is remembered.
    pub fn verify(&self, token: &Unverified<'_>, algorithm: Algorithm) -> Result<(), Denial> {
        let key = self.find(&token.key_id, algorithm)?;
        self.proven.once(&token.token, || key.verify(token.signing_input(), &token.signature))
    }

    fn find(&self, id: &str, algorithm: Algorithm) -> Result<&Key, Denial> {
        if !self.names(id) {
            return Err(Denial::new(Reason::TokenKeyUnknown, "the issuer has no key of this kid"));
        }
        let is_meant = |key: &&Key| key.id == id && key.algorithm == algorithm;
        self.keys.iter().find(is_meant).ok_or_else(|| {
            Denial::new(
                Reason::TokenAlgorithmNotAllowed,
                "the key is of another algorithm than alg",
            )
        })
    }
}

/// The members of a JWK Set (RFC 7517, section 5), as many as this at least.
fn jwks_of(bytes: &[u8], least: usize) -> Result<Vec<Value>, String> {
    if bytes.len() > MAX_SET {
        return Err(format!("{} bytes; {MAX_SET} are allowed", bytes.len()));
    }
    let mut set = json::object(bytes).map_err(|error| format!("not strict JSON: {error}"))?;
    let Some(Value::Array(jwks)) = set.remove("keys") else {
        return Err("not a JWK Set: it has no array \"keys\" (RFC 7517, section 5)".into());
    };
    if !(least..=MAX_KEYS).contains(&jwks.len()) {
        return Err(format!("{} keys; {least} to {MAX_KEYS} are allowed", jwks.len()));
    }
    Ok(jwks)
}

fn keys_of(jwk: &Value, algorithms: &[Algorithm], symmetric: bool) -> Result<Vec<Key>, String> {
    let jwk = Jwk::read(jwk, symmetric)?;
    let key = |algorithm: Algorithm| {
        let material = jwk.material()?;
        let verifier = OnceLock::from(Verifier::build(algorithm, &material)?);
        Ok(Key { id: jwk.id.to_owned(), algorithm, material, verifier })
    };
    let (wanted, others): (Vec<Algorithm>, Vec<Algorithm>) =
        jwk.algorithms.iter().copied().partition(|algorithm| algorithms.contains(algorithm));
    if let ([], [other, ..]) = (wanted.as_slice(), others.as_slice()) {
        key(*other)?;
    }
    wanted.into_iter().map(key).collect()
}

impl Key {
    fn identity(&self) -> (String, Algorithm) {
        (self.id.clone(), self.algorithm)
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Denial> {
        if self.verifier()?.verify(message, signature) {
            Ok(())
        } else {
            Err(Denial::new(Reason::TokenSignatureInvalid, "the signature is not by this key"))
        }
    }

    fn verifier(&self) -> Result<&Verifier, Denial> {
        if let Some(verifier) = self.verifier.get() {
            return Ok(verifier);
        }
        let built = Verifier::build(self.algorithm, &self.material).map_err(|why| {
            Denial::new(
                Reason::PolicyUnavailable,
                format!("the stored key {:?} is no key ({why}); compile the policy anew", self.id),
            )
        })?;
        Ok(self.verifier.get_or_init(|| built))
    }
}

/// A token whose signature is by one of the issuer's keys.
#[derive(Debug)]
pub struct Verified {
    pub(super) claims: Map<String, Value>,
    pub(super) token_type: TokenType,
}

/// The token's algorithm, if it is one of the issuer's. It comes from the issuer's list and from the
/// key; the token's `alg` must agree with both and chooses nothing.
pub(super) fn algorithm(unverified: &Unverified<'_>, issuer: &Issuer) -> Result<Algorithm, Denial> {
    let is_named = |algorithm: &Algorithm| algorithm.name() == unverified.algorithm;
    issuer.algorithms().iter().copied().find(is_named).ok_or_else(|| {
        Denial::new(Reason::TokenAlgorithmNotAllowed, "alg is none of the issuer's algorithms")
    })
}

/// Checks key and signature.
pub(super) fn verify(
    unverified: Unverified<'_>,
    algorithm: Algorithm,
    keys: &KeySet,
) -> Result<Verified, Denial> {
    keys.verify(&unverified, algorithm)?;
    let Unverified { claims, token_type, .. } = unverified;
    Ok(Verified { claims, token_type: token_type.unwrap_or(TokenType::Jwt) })
}
