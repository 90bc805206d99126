//! A key ready for use, and the check of a signature with it.
//!
//! jwt-simple does the arithmetic. What a key must be, in the order of the checks; where the library
//! demands it too, it is said here all the same, because the message and the limit are ours:
//!
//! | key | rule |
//! | --- | --- |
//! | Ed25519 | 32 bytes that are the one encoding of a point (RFC 8032, section 5.1.3) of large order: with a small one, a signature fits many messages |
//! | P-256, P-384 | a point on the curve (RFC 8725, section 3.4) |
//! | RSA | a modulus of 2048 (RFC 7518, section 3.3) to 4096 bits, which bounds the work that a token can ask for, without leading zeros (RFC 7518, section 6.3.1.1) and odd; the exponent is 65537, as everybody's is |
//! | secret | as long as the hash (RFC 7518, section 3.2), and not a public key by mistake |
//!
//! A signature has the one length that key and algorithm give (RFC 7518, sections 3.2 to 3.5); an RSA
//! one is a number below the modulus (RFC 8017, section 5.2.2), and a PSS salt is as long as the hash
//! (RFC 7518, section 3.5). The library sees to it, and the tests to the library.
//!
//! ECDSA takes both `s` and `n - s`: RFC 7518 section 3.4 does not ask for the lower, several issuers
//! don't sign with it, and nothing in the gateway tells tokens apart by their signature. Zero and
//! numbers from the order upwards are no signatures (FIPS 186-5, section 6.4.2).

use super::algorithm::Algorithm;
use super::material::Material;
use crate::token::json;
use jwt_simple::Error;
use jwt_simple::prelude::{
    Duration, ECDSAP256PublicKeyLike, ECDSAP384PublicKeyLike, ES256PublicKey, ES384PublicKey,
    Ed25519PublicKey, EdDSAPublicKeyLike, HS256Key, HS384Key, HS512Key, JWTClaims, MACLike,
    NoCustomClaims, PS256PublicKey, PS384PublicKey, PS512PublicKey, RS256PublicKey, RS384PublicKey,
    RS512PublicKey, RSAPublicKeyLike, UnixTimeStamp, VerificationOptions,
};

/// The size of an RSA modulus in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A key bound to the one algorithm that it is used with (RFC 8725, section 3.1).
#[derive(Debug)]
pub(super) enum Verifier {
    EdDSA(Ed25519PublicKey),
    ES256(ES256PublicKey),
    ES384(ES384PublicKey),
    RS256(RS256PublicKey),
    RS384(RS384PublicKey),
    RS512(RS512PublicKey),
    PS256(PS256PublicKey),
    PS384(PS384PublicKey),
    PS512(PS512PublicKey),
    HS256(HS256Key),
    HS384(HS384Key),
    HS512(HS512Key),
}

/// What is wrong with a token for this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The signature is not by this key.
    Signature,
    /// The signature is by this key; a registered claim is of the wrong type.
    Claims,
}

impl Verifier {
    /// Builds the key. There is no way from a public key's numbers to an HMAC key.
    pub(super) fn build(algorithm: Algorithm, material: &Material) -> Result<Self, String> {
        use Algorithm as A;
        Ok(match (algorithm, material) {
            (A::EdDSA, Material::Ed25519(x)) => {
                Self::EdDSA(Ed25519PublicKey::from_bytes(x).map_err(unusable)?)
            }
            (A::ES256, Material::P256(point)) => {
                Self::ES256(ES256PublicKey::from_bytes(point).map_err(unusable)?)
            }
            (A::ES384, Material::P384(point)) => {
                Self::ES384(ES384PublicKey::from_bytes(point).map_err(unusable)?)
            }
            (A::HS256, Material::Secret(k)) => Self::HS256(HS256Key::from_bytes(secret(k, 32)?)),
            (A::HS384, Material::Secret(k)) => Self::HS384(HS384Key::from_bytes(secret(k, 48)?)),
            (A::HS512, Material::Secret(k)) => Self::HS512(HS512Key::from_bytes(secret(k, 64)?)),
            (_, Material::Rsa { n, e }) => Self::rsa(algorithm, n, e)?,
            _ => return Err(format!("{material:?} is no key for {}", algorithm.name())),
        })
    }

    fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, String> {
        let bits = match n.first() {
            None => return Err("an RSA key of 0 bits".into()),
            Some(0) => return Err("the RSA modulus has leading zeros".into()),
            Some(first) => n.len() * 8 - first.leading_zeros() as usize,
        };
        if !RSA_BITS.contains(&bits) {
            let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
            return Err(format!("an RSA key of {bits} bits; {least} to {most} are allowed"));
        }
        if n.last().is_some_and(|last| last % 2 == 0) {
            return Err("the RSA modulus is even".into());
        }
        if e != [1, 0, 1] {
            return Err("the RSA exponent is not 65537 (\"AQAB\")".into());
        }
        Ok(match algorithm {
            Algorithm::RS256 => {
                Self::RS256(RS256PublicKey::from_components(n, e).map_err(unusable)?)
            }
            Algorithm::RS384 => {
                Self::RS384(RS384PublicKey::from_components(n, e).map_err(unusable)?)
            }
            Algorithm::RS512 => {
                Self::RS512(RS512PublicKey::from_components(n, e).map_err(unusable)?)
            }
            Algorithm::PS256 => {
                Self::PS256(PS256PublicKey::from_components(n, e).map_err(unusable)?)
            }
            Algorithm::PS384 => {
                Self::PS384(PS384PublicKey::from_components(n, e).map_err(unusable)?)
            }
            Algorithm::PS512 => {
                Self::PS512(PS512PublicKey::from_components(n, e).map_err(unusable)?)
            }
            _ => return Err(format!("an RSA key is no key for {}", algorithm.name())),
        })
    }

    /// Checks the signature of a compact token.
    pub(super) fn verify(&self, token: &str) -> Result<(), Mismatch> {
        match self.library(token) {
            Ok(_) => Ok(()),
            // The library reads the claims after the signature, into its own types. It reads the
            // header before it: `jws::parse` lets none pass that the library can't read.
            Err(error) if error.is::<serde_json::Error>() => Err(Mismatch::Claims),
            Err(_) => Err(Mismatch::Signature),
        }
    }

    fn library(&self, token: &str) -> Result<JWTClaims<NoCustomClaims>, Error> {
        // Time, audience and the rest are `claims::judge`'s, with reasons of their own. These options
        // take the library's time rules out, with their 15 minutes of leeway, and keep its clock unread.
        let options = Some(VerificationOptions {
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: Some(Duration::from_secs(0)),
            ..VerificationOptions::default()
        });
        match self {
            Self::EdDSA(key) => key.verify_token(token, options),
            Self::ES256(key) => key.verify_token(token, options),
            Self::ES384(key) => key.verify_token(token, options),
            Self::RS256(key) => key.verify_token(token, options),
            Self::RS384(key) => key.verify_token(token, options),
            Self::RS512(key) => key.verify_token(token, options),
            Self::PS256(key) => key.verify_token(token, options),
            Self::PS384(key) => key.verify_token(token, options),
            Self::PS512(key) => key.verify_token(token, options),
            Self::HS256(key) => key.verify_token(token, options),
            Self::HS384(key) => key.verify_token(token, options),
            Self::HS512(key) => key.verify_token(token, options),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err calls")]
fn unusable(error: Error) -> String {
    format!("not usable: {error}")
}

fn secret(k: &[u8], least: usize) -> Result<&[u8], String> {
    if k.len() < least {
        return Err(format!(
            "a secret of {} bytes; {least} are the least (RFC 7518, section 3.2)",
            k.len()
        ));
    }
    if is_written_public_key(k) {
        return Err("the secret is a public key, which everybody knows".into());
    }
    Ok(k)
}

/// PEM (RFC 7468), a JWK, or DER: a SEQUENCE that fills the bytes exactly (X.690, section 8.1.3) and
/// begins with a SEQUENCE (RFC 5280, section 4.1) or, if it is long, with any number.
fn is_written_public_key(bytes: &[u8]) -> bool {
    let der = match bytes {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        [0x30, 0x81, length, rest @ ..] | [0x30, length, rest @ ..] => {
            rest.len() == usize::from(*length) && rest.first() == Some(&0x30)
        }
        _ => false,
    };
    der || bytes.trim_ascii_start().starts_with(b"-----BEGIN ")
        || bytes.starts_with(b"ssh-")
        || json::object(bytes).is_ok_and(|object| object.contains_key("kty"))
}
