//! A pool of key pairs, made once: few, so that issuers of different tenants often share one.

use crate::support::b64;
use jwt_simple::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The number of key pairs.
pub(crate) const POOL: usize = 4;

static PAIRS: LazyLock<Vec<Ed25519KeyPair>> =
    LazyLock::new(|| (0..POOL).map(|_| Ed25519KeyPair::generate()).collect());

/// The `kid` of the key at this place of a set. Every set begins with the same one, so that one
/// `kid` means another key at another issuer.
pub(crate) fn kid(place: usize) -> String {
    format!("k{place}")
}

/// The JWK Set of these keys of the pool.
pub(crate) fn jwks(keys: &[usize]) -> Value {
    let jwk = |(place, key): (usize, &usize)| {
        let x = b64(PAIRS[*key].public_key().to_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid(place), "x": x})
    };
    json!({"keys": keys.iter().enumerate().map(jwk).collect::<Vec<_>>()})
}

/// Signs claims with a key of the pool.
pub(crate) fn sign(key: usize, kid: &str, claims: &Value) -> String {
    let mut all = JWTClaims::<Value>::new();
    all.custom = claims.clone();
    PAIRS[key].clone().with_key_id(kid).sign(all).unwrap()
}
