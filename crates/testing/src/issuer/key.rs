//! Keys that sign whatever they are given.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jwt_simple::prelude::RS256KeyPair;
use ring::rand::{SecureRandom, SystemRandom};
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{error, hmac};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

const RSA_BITS: usize = 2048;

/// What precedes the seed in PKCS #8 version 1 (RFC 8410 section 7). The library's own generator
/// writes version 2, which OpenSSL and others do not read.
const ED25519_PKCS8: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// A signature algorithm of JWS (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// HMAC with SHA-256: whoever can verify can also sign.
    HS256,
}

impl Algorithm {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::EdDSA, Self::ES256, Self::ES384, Self::RS256, Self::HS256];

    /// The name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::RS256 => "RS256",
            Self::HS256 => "HS256",
        }
    }
}

/// Why there is no key or no signature.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gave no random bytes or the library refused its own key.
    #[error("cannot generate a {0} key: {1}")]
    Generate(&'static str, String),
    /// The PEM isn't such a key.
    #[error(
        "the PEM is no {0} private key in PKCS #8 form ({1}); convert it with `openssl pkcs8 -topk8 -nodes`"
    )]
    Pem(&'static str, String),
    /// A shared secret has no PEM form.
    #[error("HS256 has a shared secret, which has no PEM form; use `SigningKey::shared_secret`")]
    Secret,
    /// The signature failed.
    #[error("cannot sign")]
    Sign,
    /// The issuer has no such key.
    #[error("issuer {0} has no key to sign this token with")]
    NoKey(String),
    /// The token would have no time at all.
    #[error("the token has no time; call `issued_at`, or set `iat` or `exp`")]
    NoTime,
}

/// A private key with its `kid`. Clones share the key.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    pair: Arc<Pair>,
}

enum Pair {
    Ed25519 { pair: Ed25519KeyPair, pkcs8: Vec<u8> },
    Ecdsa { pair: EcdsaKeyPair, pkcs8: Vec<u8> },
    Rsa { pair: RsaKeyPair, pem: String },
    Secret(Vec<u8>),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} {:?})", self.algorithm.name(), self.kid)
    }
}

impl SigningKey {
    /// A fresh key; RSA has 2048 bits, HS256 a secret of 32 bytes.
    pub fn generate(algorithm: Algorithm, kid: &str) -> Result<Self, KeyError> {
        let rng = SystemRandom::new();
        let failed = |e: error::Unspecified| KeyError::Generate(algorithm.name(), e.to_string());
        let pkcs8 = match algorithm {
            Algorithm::EdDSA => {
                let mut seed = [0; 32];
                rng.fill(&mut seed).map_err(failed)?;
                [ED25519_PKCS8, &seed].concat()
            }
            Algorithm::ES256 | Algorithm::ES384 => {
                let document = EcdsaKeyPair::generate_pkcs8(curve(algorithm), &rng);
                document.map_err(failed)?.as_ref().to_vec()
            }
            Algorithm::RS256 => {
                let pair = RS256KeyPair::generate(RSA_BITS).and_then(|pair| pair.to_pem());
                let failed = |e: jwt_simple::Error| KeyError::Generate("RS256", e.to_string());
                return Self::from_pem(algorithm, kid, &pair.map_err(failed)?);
            }
            Algorithm::HS256 => {
                let mut secret = [0; 32];
                rng.fill(&mut secret).map_err(failed)?;
                return Ok(Self::shared_secret(kid, &secret));
            }
        };
        Self::from_pem(algorithm, kid, &pem(&pkcs8))
    }

    /// A key from PEM: PKCS #8 (`BEGIN PRIVATE KEY`), for RSA also PKCS #1.
    pub fn from_pem(algorithm: Algorithm, kid: &str, text: &str) -> Result<Self, KeyError> {
        let name = algorithm.name();
        let bad = |reason: String| KeyError::Pem(name, reason);
        if algorithm == Algorithm::HS256 {
            return Err(KeyError::Secret);
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|e| bad(e.to_string()))?;
        let rejected = |e: error::KeyRejected| bad(e.to_string());
        let pair = match (algorithm, der) {
            (Algorithm::RS256, PrivateKeyDer::Pkcs8(der)) => {
                let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(rejected)?;
                Pair::Rsa { pair, pem: text.to_owned() }
            }
            (Algorithm::RS256, PrivateKeyDer::Pkcs1(der)) => {
                let pair = RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(rejected)?;
                Pair::Rsa { pair, pem: text.to_owned() }
            }
            (Algorithm::EdDSA, PrivateKeyDer::Pkcs8(der)) => {
                let pkcs8 = der.secret_pkcs8_der().to_vec();
                // `openssl genpkey` leaves the public key out, so there is nothing to check.
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).map_err(rejected)?;
                Pair::Ed25519 { pair, pkcs8 }
            }
            (Algorithm::ES256 | Algorithm::ES384, PrivateKeyDer::Pkcs8(der)) => {
                let pkcs8 = der.secret_pkcs8_der().to_vec();
                let pair = EcdsaKeyPair::from_pkcs8(curve(algorithm), &pkcs8, &SystemRandom::new())
                    .map_err(rejected)?;
                Pair::Ecdsa { pair, pkcs8 }
            }
            _ => return Err(bad("another kind of key".to_owned())),
        };
        Ok(Self { kid: kid.to_owned(), algorithm, pair: Arc::new(pair) })
    }

    /// An HS256 key over any bytes, such as the PEM of somebody's public key.
    pub fn shared_secret(kid: &str, secret: &[u8]) -> Self {
        let pair = Arc::new(Pair::Secret(secret.to_vec()));
        Self { kid: kid.to_owned(), algorithm: Algorithm::HS256, pair }
    }

    /// The same key under another `kid`.
    #[must_use]
    pub fn named(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self
    }

    /// Its `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The private key as PEM.
    ///
    /// # Errors
    /// [`KeyError::Secret`] for HS256.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        match &*self.pair {
            Pair::Ed25519 { pkcs8, .. } | Pair::Ecdsa { pkcs8, .. } => Ok(pem(pkcs8)),
            Pair::Rsa { pem, .. } => Ok(pem.clone()),
            Pair::Secret(_) => Err(KeyError::Secret),
        }
    }

    /// The public key as a JWK with `kid`, `alg` and `use` (RFC 7517, RFC 7518 section 6, RFC 8037).
    ///
    /// For HS256 it is the secret itself (`oct`): a key set that holds it is one to be refused.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = match &*self.pair {
            Pair::Ed25519 { pair, .. } => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref())})
            }
            Pair::Ecdsa { pair, .. } => {
                // SEC 1 section 2.3.3, uncompressed: 0x04, then two coordinates of one length.
                let point = pair.public_key().as_ref().split_first().map_or(&[][..], |(_, xy)| xy);
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if self.algorithm == Algorithm::ES384 { "P-384" } else { "P-256" };
                json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y)})
            }
            Pair::Rsa { pair, .. } => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": b64(&public.n), "e": b64(&public.e)})
            }
            Pair::Secret(secret) => json!({"kty": "oct", "k": b64(secret)}),
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), self.kid.as_str().into());
            members.insert("alg".to_owned(), self.algorithm.name().into());
            members.insert("use".to_owned(), "sig".into());
        }
        jwk
    }

    /// A compact JWS (RFC 7515 section 7.1) over exactly these two values: nothing is added, and
    /// `alg` may say anything.
    pub fn sign(&self, header: &Value, claims: &Value) -> Result<String, KeyError> {
        self.sign_bytes(&header.to_string(), &claims.to_string())
    }

    /// A compact JWS over exactly these texts, which need not even be JSON.
    pub fn sign_bytes(&self, protected: &str, payload: &str) -> Result<String, KeyError> {
        let input = format!("{}.{}", b64(protected.as_bytes()), b64(payload.as_bytes()));
        let signature = self.signature(input.as_bytes())?;
        Ok(format!("{input}.{}", b64(&signature)))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let rng = SystemRandom::new();
        let failed = |_: error::Unspecified| KeyError::Sign;
        match &*self.pair {
            Pair::Ed25519 { pair, .. } => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Ecdsa { pair, .. } => {
                Ok(pair.sign(&rng, message).map_err(failed)?.as_ref().to_vec())
            }
            Pair::Rsa { pair, .. } => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
        }
    }
}

/// 128 random bits in base64url.
pub(super) fn random_id() -> Result<String, KeyError> {
    let mut id = [0; 16];
    SystemRandom::new()
        .fill(&mut id)
        .map_err(|e| KeyError::Generate("random id", e.to_string()))?;
    Ok(b64(&id))
}

fn curve(algorithm: Algorithm) -> &'static EcdsaSigningAlgorithm {
    if algorithm == Algorithm::ES384 {
        &ECDSA_P384_SHA384_FIXED_SIGNING
    } else {
        &ECDSA_P256_SHA256_FIXED_SIGNING
    }
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 7468 section 10.
fn pem(pkcs8: &[u8]) -> String {
    let text = STANDARD.encode(pkcs8);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
