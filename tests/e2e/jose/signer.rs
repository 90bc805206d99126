//! Keys from private JWKs, which sign any bytes by any algorithm that fits them, and no library's idea of a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};
use ring::{digest, hmac};
use serde_json::Value;

pub(super) enum Signer {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Secret(Vec<u8>),
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A number of a JWK.
pub(super) fn octets(jwk: &Value, name: &str) -> Vec<u8> {
    unb64(jwk[name].as_str().unwrap_or_else(|| panic!("no {name} in {jwk}")))
}

/// SEC 1, section 2.3.3, uncompressed.
pub(super) fn point(jwk: &Value) -> Vec<u8> {
    [vec![4], octets(jwk, "x"), octets(jwk, "y")].concat()
}

impl Signer {
    /// The key of a private JWK, and nothing where this gateway has no algorithm for such a key.
    pub(super) fn of(jwk: &Value) -> Option<Self> {
        let rng = SystemRandom::new();
        let ecdsa = |algorithm| {
            let (d, point) = (octets(jwk, "d"), point(jwk));
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &point, &rng).unwrap()
        };
        Some(match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("OKP", Some("Ed25519")) => {
                let (d, x) = (octets(jwk, "d"), octets(jwk, "x"));
                Self::Ed25519(Ed25519KeyPair::from_seed_and_public_key(&d, &x).unwrap())
            }
            ("EC", Some("P-256")) => Self::P256(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            ("EC", Some("P-384")) => Self::P384(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
            ("RSA", None) => {
                let components = KeyPairComponents {
                    public_key: PublicKeyComponents { n: octets(jwk, "n"), e: octets(jwk, "e") },
                    d: octets(jwk, "d"),
                    p: octets(jwk, "p"),
                    q: octets(jwk, "q"),
                    dP: octets(jwk, "dp"),
                    dQ: octets(jwk, "dq"),
                    qInv: octets(jwk, "qi"),
                };
                Self::Rsa(RsaKeyPair::from_components(&components).unwrap())
            }
            ("oct", None) => Self::Secret(octets(jwk, "k")),
            _ => return None,
        })
    }

    /// The algorithms that fit the key (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub(super) fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Self::Ed25519(_) => &["EdDSA"],
            Self::P256(_) => &["ES256"],
            Self::P384(_) => &["ES384"],
            Self::Rsa(_) => &["RS256", "RS384", "PS256", "PS384", "PS512"],
            Self::Secret(k) => match k.len() {
                64.. => &["HS256", "HS384", "HS512"],
                48.. => &["HS256", "HS384"],
                32.. => &["HS256"],
                _ => &[],
            },
        }
    }

    pub(super) fn sign(&self, algorithm: &str, input: &str) -> Vec<u8> {
        let (rng, input) = (SystemRandom::new(), input.as_bytes());
        match self {
            Self::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&rng, input).unwrap().as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let padding: &dyn ring::signature::RsaEncoding = match algorithm {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    other => panic!("{other} is not for RSA"),
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &rng, input, &mut signature).unwrap();
                signature
            }
            Self::Secret(k) => mac(algorithm, k, input),
        }
    }
}

/// An HMAC with any bytes for its key.
pub(super) fn mac(algorithm: &str, k: &[u8], input: &[u8]) -> Vec<u8> {
    let hash = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        other => panic!("{other} is no HMAC"),
    };
    hmac::sign(&hmac::Key::new(hash, k), input).as_ref().to_vec()
}

pub(super) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    digest::digest(&digest::SHA512, &parts.concat()).as_ref().try_into().unwrap()
}
