//! A key ready for use, and the check of a signature with it.
//!
//! Which library does the arithmetic, each of RustCrypto or dalek; `benches/verify` measures them:
//!
//! | algorithm | library |
//! | --- | --- |
//! | EdDSA | `ed25519-dalek`, its strict check |
//! | ES256 | `p256`, with a table of the key's multiples ([`p256`]) |
//! | ES384 | `p384` |
//! | RS256, RS384, RS512 | `crypto-bigint`, for the one exponent that there is ([`rsa`]) |
//! | PS256, PS384, PS512 | `rsa` |
//! | HS256, HS384, HS512 | `hmac` |
//!
//! What a key must be, in the order of the checks; where the library demands it too, it is said here
//! all the same, because the message and the limit are ours:
//!
//! | key | rule |
//! | --- | --- |
//! | Ed25519 | 32 bytes that are the one encoding of a point (RFC 8032, section 5.1.3) of large order: with a small one, a signature fits many messages |
//! | P-256, P-384 | a point on the curve (RFC 8725, section 3.4) |
//! | RSA | a modulus of 2048 (RFC 7518, section 3.3) to 4096 bits, which bounds the work that a token can ask for, without leading zeros (RFC 7518, section 6.3.1.1), odd and not known to be weak ([`weak`]); the exponent is 65537, as everybody's is |
//! | secret | as long as the hash (RFC 7518, section 3.2), and not a public key by mistake |
//!
//! A signature has the one length that key and algorithm give (RFC 7518, sections 3.2 to 3.5, RFC
//! 8037, section 3.1), and one encoding: an EdDSA one is a canonical point of large order and a scalar
//! below the order (RFC 8032, section 5.1.7), an RSA one a number below the modulus (RFC 8017, section
//! 5.2.2); a PSS salt is as long as the hash (RFC 7518, section 3.5).
//!
//! ECDSA takes both `s` and `n - s`: RFC 7518 section 3.4 does not ask for the lower, several issuers
//! don't sign with it, and nothing in the gateway tells tokens apart by their signature. Zero and
//! numbers from the order upwards are no signatures (FIPS 186-5, section 6.4.2).

mod hash;
mod p256;
mod rsa;
mod weak;

use super::algorithm::Algorithm;
use super::material::Material;
use crate::token::json;
use ::rsa::pss;
use ::rsa::{BoxedUint, PublicKey};
use ed25519_dalek::Verifier as _;
use hash::Hash;
use hmac::{Hmac, KeyInit, Mac};
use p384::ecdsa as ecdsa_p384;
use sha2::{Sha256, Sha384, Sha512};
use std::fmt;

/// The size of an RSA modulus in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// 65537, the exponent of RSA keys.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// A key bound to the one algorithm that it is used with (RFC 8725, section 3.1).
pub(super) enum Verifier {
    EdDSA(ed25519_dalek::VerifyingKey),
    ES256(Box<p256::P256>),
    ES384(Box<ecdsa_p384::VerifyingKey>),
    Pkcs1(rsa::Pkcs1),
    PS256(pss::VerifyingKey<Sha256>),
    PS384(pss::VerifyingKey<Sha384>),
    PS512(pss::VerifyingKey<Sha512>),
    HS256(Hmac<Sha256>),
    HS384(Box<Hmac<Sha384>>),
    HS512(Box<Hmac<Sha512>>),
}

impl Verifier {
    /// Builds the key. There is no way from a public key's numbers to an HMAC key.
    pub(super) fn build(algorithm: Algorithm, material: &Material) -> Result<Self, String> {
        use Algorithm as A;
        Ok(match (algorithm, material) {
            (A::EdDSA, Material::Ed25519(x)) => Self::EdDSA(ed25519(x)?),
            (A::ES256, Material::P256(point)) => {
                Self::ES256(Box::new(p256::P256::new(point).ok_or(OFF_THE_CURVE)?))
            }
            (A::ES384, Material::P384(point)) => {
                let key = ecdsa_p384::VerifyingKey::from_sec1_bytes(point);
                Self::ES384(Box::new(key.map_err(|_| OFF_THE_CURVE)?))
            }
            (A::HS256, Material::Secret(k)) => Self::HS256(mac(k, 32)?),
            (A::HS384, Material::Secret(k)) => Self::HS384(Box::new(mac(k, 48)?)),
            (A::HS512, Material::Secret(k)) => Self::HS512(Box::new(mac(k, 64)?)),
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
        if e != EXPONENT {
            return Err("the RSA exponent is not 65537 (\"AQAB\")".into());
        }
        if let Some(why) = weak::weakness(n) {
            return Err(format!("anybody can factor the RSA modulus: {why}"));
        }
        let pkcs1 = |hash| rsa::Pkcs1::new(hash, n).map(Self::Pkcs1).ok_or("not usable".to_owned());
        let any = || {
            let number = BoxedUint::from_be_slice_vartime;
            PublicKey::new(number(n), number(e)).map_err(|error| format!("not usable: {error}"))
        };
        match algorithm {
            Algorithm::RS256 => pkcs1(Hash::Sha256),
            Algorithm::RS384 => pkcs1(Hash::Sha384),
            Algorithm::RS512 => pkcs1(Hash::Sha512),
            Algorithm::PS256 => Ok(Self::PS256(pss::VerifyingKey::new(any()?))),
            Algorithm::PS384 => Ok(Self::PS384(pss::VerifyingKey::new(any()?))),
            Algorithm::PS512 => Ok(Self::PS512(pss::VerifyingKey::new(any()?))),
            _ => Err(format!("an RSA key is no key for {}", algorithm.name())),
        }
    }

    /// Whether the signature of this message is by this key.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::EdDSA(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::ES256(key) => key.verify(message, signature),
            Self::ES384(key) => ecdsa_p384::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Pkcs1(key) => key.verify(message, signature),
            Self::PS256(key) => pss(key, message, signature),
            Self::PS384(key) => pss(key, message, signature),
            Self::PS512(key) => pss(key, message, signature),
            Self::HS256(key) => is_mac_of(key.clone(), message, signature),
            Self::HS384(key) => is_mac_of(Hmac::clone(key), message, signature),
            Self::HS512(key) => is_mac_of(Hmac::clone(key), message, signature),
        }
    }
}

impl fmt::Debug for Verifier {
    /// The kind alone: an HMAC key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EdDSA(_) => "EdDSA",
            Self::ES256(_) => "ES256",
            Self::ES384(_) => "ES384",
            Self::Pkcs1(_) => "RSASSA-PKCS1-v1_5",
            Self::PS256(_) | Self::PS384(_) | Self::PS512(_) => "RSASSA-PSS",
            Self::HS256(_) | Self::HS384(_) | Self::HS512(_) => "HMAC",
        })
    }
}

const OFF_THE_CURVE: &str = "not usable: no point on the curve";

fn ed25519(x: &[u8]) -> Result<ed25519_dalek::VerifyingKey, String> {
    let bytes: &[u8; 32] = x.try_into().map_err(|_| "not usable: not 32 bytes")?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| OFF_THE_CURVE)?;
    // The library takes coordinates from the field's prime upwards, and keeps them as they were.
    if key.to_edwards().compress().as_bytes() != bytes {
        return Err(
            "not usable: not the one encoding of the point (RFC 8032, section 5.1.3)".into()
        );
    }
    if key.is_weak() {
        return Err("not usable: a point of small order".into());
    }
    Ok(key)
}

fn pss<D>(key: &pss::VerifyingKey<D>, message: &[u8], signature: &[u8]) -> bool
where
    D: sha2::Digest,
    pss::VerifyingKey<D>: ecdsa_p384::signature::Verifier<pss::Signature>,
{
    pss::Signature::try_from(signature)
        .is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn mac<M: KeyInit>(k: &[u8], least: usize) -> Result<M, String> {
    M::new_from_slice(secret(k, least)?).map_err(|_| "not usable: its length".into())
}

/// In a time that does not depend on where they differ.
fn is_mac_of<M: Mac>(mut mac: M, message: &[u8], signature: &[u8]) -> bool {
    mac.update(message);
    mac.verify_slice(signature).is_ok()
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
