//! A JWK (RFC 7517, section 4) as the keys that it stands for.
//!
//! In evaluation order:
//!
//! 1. An object; `kid` is 1 to 256 bytes of text (section 4.5): a key is found by it alone.
//! 2. `use`, if there, is `sig` (4.2); `key_ops`, if there, has `verify` (4.3).
//! 3. A public key where the issuer's algorithms are public-key ones, a secret where they are HMAC,
//!    never the other way round. A public key has no private member.
//! 4. `alg` (4.4), if there, fits the key. A secret must have it (RFC 8725, section 3.1).
//! 5. The numbers are strict base64url of the length that the curve has (RFC 7518, section 6).

use super::MAX_KEY_ID;
use super::algorithm::Algorithm;
use super::material::Material;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A key, and the algorithms that it may be used with.
pub(super) struct Jwk<'j> {
    pub(super) id: &'j str,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) material: fn(&Map<String, Value>) -> Result<Material, String>,
    pub(super) members: &'j Map<String, Value>,
}

impl<'j> Jwk<'j> {
    /// Reads all but the numbers. `symmetric`: the issuer signs with secrets.
    pub(super) fn read(jwk: &'j Value, symmetric: bool) -> Result<Self, String> {
        let members = jwk.as_object().ok_or("not an object")?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let id = text("kid")
            .filter(|id| (1..=MAX_KEY_ID).contains(&id.len()))
            .ok_or_else(|| format!("no \"kid\" of 1 to {MAX_KEY_ID} bytes"))?;
        if members.contains_key("use") && text("use") != Some("sig") {
            return Err("\"use\" is not \"sig\" (RFC 7517, section 4.2)".into());
        }
        let verifies = |operations: &Value| {
            operations.as_array().is_some_and(|operations| operations.contains(&"verify".into()))
        };
        if members.get("key_ops").is_some_and(|operations| !verifies(operations)) {
            return Err("\"key_ops\" has no \"verify\" (RFC 7517, section 4.3)".into());
        }
        match (text("kty") == Some("oct"), symmetric) {
            (true, false) => {
                return Err(
                    "a secret (kty oct), but the issuer's algorithms need public keys".into()
                );
            }
            (false, true) => {
                return Err("no secret (kty oct), but the issuer's algorithms are HMAC".into());
            }
            _ => {}
        }
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        if !symmetric && private.iter().any(|name| members.contains_key(*name)) {
            return Err("a private key; publish only the public part".into());
        }
        let (fitting, material) = kind(text("kty"), text("crv"))?;
        let algorithms = match members.get("alg") {
            None if symmetric => {
                return Err("a secret without \"alg\" (RFC 8725, section 3.1)".into());
            }
            None => fitting,
            Some(alg) => {
                let declared = alg.as_str().and_then(Algorithm::from_name);
                let declared = declared.filter(|declared| fitting.contains(declared));
                vec![declared.ok_or_else(|| format!("\"alg\" {alg} does not fit the key"))?]
            }
        };
        Ok(Self { id, algorithms, material, members })
    }

    /// The numbers.
    pub(super) fn material(&self) -> Result<Material, String> {
        (self.material)(self.members)
    }
}

type Reader = fn(&Map<String, Value>) -> Result<Material, String>;

fn kind(kty: Option<&str>, crv: Option<&str>) -> Result<(Vec<Algorithm>, Reader), String> {
    Ok(match (kty, crv) {
        (Some("OKP"), Some("Ed25519")) => {
            (vec![Algorithm::EdDSA], |jwk| Ok(Material::Ed25519(bytes(jwk, "x", 32)?)))
        }
        (Some("EC"), Some("P-256")) => {
            (vec![Algorithm::ES256], |jwk| Ok(Material::P256(point(jwk, 32)?)))
        }
        (Some("EC"), Some("P-384")) => {
            (vec![Algorithm::ES384], |jwk| Ok(Material::P384(point(jwk, 48)?)))
        }
        (Some("RSA"), None) => (Algorithm::RSA.to_vec(), |jwk| {
            Ok(Material::Rsa { n: octets(jwk, "n")?, e: octets(jwk, "e")? })
        }),
        (Some("oct"), None) => {
            (vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512], |jwk| {
                Ok(Material::Secret(octets(jwk, "k")?))
            })
        }
        _ => return Err("kty and crv are none of OKP Ed25519, EC P-256, EC P-384, RSA, oct".into()),
    })
}

fn octets(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name:?}"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("{name:?} is not base64url without padding"))
}

fn bytes(jwk: &Map<String, Value>, name: &str, length: usize) -> Result<Vec<u8>, String> {
    let bytes = octets(jwk, name)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(format!("{name:?} has {} bytes, not {length}", bytes.len()))
    }
}

/// RFC 7518, section 6.2.1.2: each coordinate has the full length of the field.
fn point(jwk: &Map<String, Value>, length: usize) -> Result<Vec<u8>, String> {
    let mut point = vec![4];
    point.extend(bytes(jwk, "x", length)?);
    point.extend(bytes(jwk, "y", length)?);
    Ok(point)
}
