//! An issuer's public keys (RFC 7517) and the check of a signature with them.

use super::json;
use super::jws::Unverified;
use crate::denial::{Denial, Reason};
use crate::policy::Issuer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::Error;
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike, ECDSAP384PublicKeyLike, ES256PublicKey, ES384PublicKey,
    Ed25519PublicKey, EdDSAPublicKeyLike, JWTClaims, NoCustomClaims, PS256PublicKey,
    RS256PublicKey, RSAPublicKeyLike, UnixTimeStamp, VerificationOptions,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// The most keys that a set may have.
pub const MAX_KEYS: usize = 32;

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
/// A signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// ECDSA with P-384 and SHA-384.
    ES384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PSS with SHA-256.
    PS256,
}

impl Algorithm {
    /// The name in a token's `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
        }
    }
}

/// Public keys by `kid`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<u8>")]
pub struct KeySet {
    /// The JWK Set as it was read: what is kept when a policy is stored.
    source: Vec<u8>,
    keys: Vec<PublicKey>,
}

impl TryFrom<Vec<u8>> for KeySet {
    type Error = String;

    fn try_from(source: Vec<u8>) -> Result<Self, String> {
        Self::parse(&source)
    }
}

impl Serialize for KeySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

#[derive(Debug)]
struct PublicKey {
    id: String,
    verifier: Verifier,
}

/// A key bound to the one algorithm that it is used with: an RSA key that fits RS256 and PS256
/// stands in the set once for each (RFC 8725, section 3.1).
#[derive(Debug)]
enum Verifier {
    EdDSA(Ed25519PublicKey),
    ES256(ES256PublicKey),
    ES384(ES384PublicKey),
    RS256(RS256PublicKey),
    PS256(PS256PublicKey),
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517, section 5). Every key must be usable: this is a file that the
    /// operator wrote, so one that isn't is a mistake to be told, with the key's position.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let set = json::object(bytes).map_err(|error| format!("not strict JSON: {error}"))?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("not a JWK Set: it has no array \"keys\" (RFC 7517, section 5)")?;
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(format!("{} keys; 1 to {MAX_KEYS} are allowed", keys.len()));
        }
        let mut parsed: Vec<PublicKey> = Vec::with_capacity(keys.len());
        for (position, key) in keys.iter().enumerate() {
            let new = public_keys(key).map_err(|why| format!("key {}: {why}", position + 1))?;
            for key in new {
                if parsed.iter().any(|k| k.id == key.id && k.algorithm() == key.algorithm()) {
                    return Err(format!("key {}: kid {:?} stands twice", position + 1, key.id));
                }
                parsed.push(key);
            }
        }
        Ok(Self { source: bytes.to_vec(), keys: parsed })
    }

    fn find(&self, id: &str, algorithm: Algorithm) -> Result<&PublicKey, Denial> {
        let mut named = self.keys.iter().filter(|key| key.id == id).peekable();
        if named.peek().is_none() {
            return Err(Denial::new(Reason::TokenKeyUnknown, "the issuer has no key of this kid"));
        }
        named.find(|key| key.algorithm() == algorithm).ok_or_else(|| {
            Denial::new(
                Reason::TokenAlgorithmNotAllowed,
                "the key is of another algorithm than alg",
            )
        })
    }
}

impl PublicKey {
    const fn algorithm(&self) -> Algorithm {
        match self.verifier {
            Verifier::EdDSA(_) => Algorithm::EdDSA,
            Verifier::ES256(_) => Algorithm::ES256,
            Verifier::ES384(_) => Algorithm::ES384,
            Verifier::RS256(_) => Algorithm::RS256,
            Verifier::PS256(_) => Algorithm::PS256,
        }
    }
}

fn public_keys(jwk: &Value) -> Result<Vec<PublicKey>, String> {
    let jwk = jwk.as_object().ok_or("not an object")?;
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if ["d", "p", "q", "k"].iter().any(|name| jwk.contains_key(*name)) {
        return Err("a private or symmetric key; publish only the public part".into());
    }
    if text("use").is_some_and(|usage| usage != "sig") {
        return Err("\"use\" is not \"sig\" (RFC 7517, section 4.2)".into());
    }
    let id = text("kid").filter(|id| !id.is_empty()).ok_or("no \"kid\"")?.to_owned();
    let mut verifiers = match (text("kty"), text("crv")) {
        (Some("OKP"), Some("Ed25519")) => vec![Verifier::EdDSA(
            Ed25519PublicKey::from_bytes(&bytes(jwk, "x", 32)?).map_err(unusable)?,
        )],
        (Some("EC"), Some("P-256")) => {
            vec![Verifier::ES256(ES256PublicKey::from_bytes(&point(jwk, 32)?).map_err(unusable)?)]
        }
        (Some("EC"), Some("P-384")) => {
            vec![Verifier::ES384(ES384PublicKey::from_bytes(&point(jwk, 48)?).map_err(unusable)?)]
        }
        (Some("RSA"), None) => {
            let (n, e) = (integer(jwk, "n")?, integer(jwk, "e")?);
            // RFC 7518, section 3.3: 2048 bits or more.
            if n.len() < 256 {
                return Err(format!("an RSA key of {} bits; 2048 is the least", n.len() * 8));
            }
            vec![
                Verifier::RS256(RS256PublicKey::from_components(&n, &e).map_err(unusable)?),
                Verifier::PS256(PS256PublicKey::from_components(&n, &e).map_err(unusable)?),
            ]
        }
        _ => return Err("kty and crv are none of OKP Ed25519, EC P-256, EC P-384, RSA".into()),
    };
    if let Some(declared) = text("alg") {
        verifiers.retain(|verifier| verifier.name() == declared);
        if verifiers.is_empty() {
            return Err(format!("\"alg\" {declared:?} does not fit the key"));
        }
    }
    Ok(verifiers.into_iter().map(|verifier| PublicKey { id: id.clone(), verifier }).collect())
}

impl Verifier {
    const fn name(&self) -> &'static str {
        match self {
            Self::EdDSA(_) => Algorithm::EdDSA.name(),
            Self::ES256(_) => Algorithm::ES256.name(),
            Self::ES384(_) => Algorithm::ES384.name(),
            Self::RS256(_) => Algorithm::RS256.name(),
            Self::PS256(_) => Algorithm::PS256.name(),
        }
    }

    fn verify(&self, token: &str) -> Result<JWTClaims<NoCustomClaims>, Error> {
        // The library checks the signature; time, audience and the rest are `claims::judge`'s, with
        // reasons of their own. These options take its time rules out and keep its clock unread.
        let options = Some(VerificationOptions {
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: Some(jwt_simple::prelude::Duration::from_secs(0)),
            ..VerificationOptions::default()
        });
        match self {
            Self::EdDSA(key) => key.verify_token(token, options),
            Self::ES256(key) => key.verify_token(token, options),
            Self::ES384(key) => key.verify_token(token, options),
            Self::RS256(key) => key.verify_token(token, options),
            Self::PS256(key) => key.verify_token(token, options),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err calls")]
fn unusable(error: Error) -> String {
    format!("not usable: {error}")
}

fn member<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<&'j str, String> {
    jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name:?}"))
}

fn integer(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD
        .decode(member(jwk, name)?)
        .map_err(|_| format!("{name:?} is not base64url without padding"))
}

fn bytes(jwk: &Map<String, Value>, name: &str, length: usize) -> Result<Vec<u8>, String> {
    let bytes = integer(jwk, name)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(format!("{name:?} has {} bytes, not {length}", bytes.len()))
    }
}

/// An uncompressed point (SEC 1, section 2.3.3).
fn point(jwk: &Map<String, Value>, length: usize) -> Result<Vec<u8>, String> {
    let mut point = vec![4];
    point.extend(bytes(jwk, "x", length)?);
    point.extend(bytes(jwk, "y", length)?);
    Ok(point)
}

/// A token whose signature is by one of the issuer's keys.
#[derive(Debug)]
pub struct Verified {
    pub(super) claims: Map<String, Value>,
}

/// Checks algorithm, key and signature. The algorithm comes from the issuer's list and from the
/// key; the token's `alg` must agree with both and chooses nothing.
pub fn verify(unverified: Unverified<'_>, issuer: &Issuer) -> Result<Verified, Denial> {
    let algorithm = issuer
        .algorithms()
        .iter()
        .copied()
        .find(|algorithm| algorithm.name() == unverified.algorithm)
        .ok_or_else(|| {
            Denial::new(Reason::TokenAlgorithmNotAllowed, "alg is none of the issuer's algorithms")
        })?;
    let key = issuer.keys().find(&unverified.key_id, algorithm)?;
    match key.verifier.verify(unverified.token) {
        Ok(_) => Ok(Verified { claims: unverified.claims }),
        // The library reads the claims after the signature, into its own types.
        Err(error) if error.is::<serde_json::Error>() => {
            Err(Denial::new(Reason::TokenClaimsInvalid, "a registered claim has the wrong type"))
        }
        Err(_) => {
            Err(Denial::new(Reason::TokenSignatureInvalid, "the signature is not by this key"))
        }
    }
}
