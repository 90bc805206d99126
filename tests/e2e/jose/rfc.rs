//! The examples of the RFCs.
//!
//! None of their tokens is one for a gateway: each lacks what RFC 7519 leaves open and a gateway asks for, or has a
//! form that it does not take. `tests/jose/rfc.json` says of each what becomes of it (`verdict`) and why core is
//! stricter (`why`). What they prove besides are the keys: with claims that the gateway takes, a token by each of
//! them is permitted, by every algorithm that fits the key.

use sekisho_core::token::keys::published::PublishedSet;
use sekisho_core::token::keys::{Algorithm, KeySet};
use serde_json::{Value, json};

use super::forge::{PUBLIC, SECRET, Vector, claims_of, published, vector};
use super::signer::{Signer, b64};
use super::{examples, judge};

fn list<'v>(examples: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    examples[name].as_array().unwrap().iter()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// A key as its owner would give it to the gateway, under the example's `kid` or, without one, its name. The names
/// of two keys of one `kid` are told apart.
fn given(key: &Value, algorithm: Option<&str>) -> Value {
    let mut jwk = published(&key["jwk"]);
    jwk["kid"] = text(key, "name").into();
    if let Some(algorithm) = algorithm {
        jwk["alg"] = algorithm.into();
        jwk["kid"] = format!("{}, {algorithm}", text(key, "name")).into();
    }
    jwk
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_the_rfcs() {
    let examples = examples();
    let (mut public, mut secret): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut vectors: Vec<Vector> = list(&examples, "tokens")
        .map(|token| {
            vector(text(token, "name"), text(token, "token"), reason(text(token, "verdict")))
        })
        .collect();
    assert!(list(&examples, "tokens").all(|token| text(token, "why").len() > 10));
    for key in list(&examples, "keys").filter(|key| key["refused"].is_null()) {
        let Some(signer) = signer(&key["jwk"]) else {
            public.push(given(key, None));
            continue;
        };
        let is_secret = matches!(signer, Signer::Secret(_));
        if !is_secret {
            public.push(given(key, None));
        }
        for algorithm in signer.algorithms() {
            let named = key["jwk"]["alg"].as_str();
            if named.is_some_and(|named| named != *algorithm) {
                continue;
            }
            let jwk = given(key, is_secret.then_some(*algorithm));
            let header = json!({"alg": algorithm, "kid": jwk["kid"]}).to_string();
            let claims = claims_of(if is_secret { "hs" } else { "public" });
            assert_eq!(claims["iss"], if is_secret { SECRET } else { PUBLIC });
            let input = format!("{}.{}", b64(header), b64(claims.to_string()));
            let token = format!("{input}.{}", b64(signer.sign(algorithm, &input)));
            vectors.push(vector(format!("{} by {algorithm}", text(key, "name")), token, "permit"));
            if is_secret {
                secret.push(jwk);
            }
        }
    }
    let sets = [
        ("keys/public.jwks.json", json!({"keys": public})),
        ("keys/secret.jwks.json", json!({"keys": secret})),
    ];
    judge(&sets, &vectors).await;
    let permits = vectors.iter().filter(|vector| vector.want == "permit").count();
    println!("{} tokens as printed, {permits} by the printed keys", vectors.len() - permits);
}

/// The signer, where the private part is printed.
fn signer(jwk: &Value) -> Option<Signer> {
    let is_private = jwk.get("d").or_else(|| jwk.get("k")).is_some();
    is_private.then(|| Signer::of(jwk)).flatten()
}

fn reason(code: &str) -> &'static str {
    let known = ["token-malformed", "token-key-unknown"];
    known.into_iter().find(|known| *known == code).unwrap_or_else(|| panic!("{code}"))
}

/// Keys that the gateway has no use for, and why: in a file they are a fault, and of what an issuer publishes they
/// are left out.
#[test]
fn keys_that_are_refused() {
    let examples = examples();
    for key in list(&examples, "keys").filter(|key| !key["refused"].is_null()) {
        let algorithms = algorithms(key["jwk"]["kty"] == "oct");
        let set = json!({"keys": [given(key, None)]}).to_string();
        let why = KeySet::parse(set.as_bytes(), &algorithms).map(|_| ()).unwrap_err();
        assert!(why.contains(text(key, "refused")), "{}: {why}", text(key, "name"));
        assert!(text(key, "why").len() > 10);
    }
}

/// Every algorithm of secrets, or of public keys.
fn algorithms(symmetric: bool) -> Vec<Algorithm> {
    Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_symmetric() == symmetric).collect()
}

/// RFC 7517, appendix A, as an issuer would publish it: what is used of it, and why the rest is not.
#[test]
fn key_sets() {
    let examples = examples();
    for (name, used, refused) in [
        ("RFC 7517, A.1", &["2011-04-29"][..], &["\"use\" is not \"sig\""][..]),
        ("RFC 7517, A.2", &[], &["\"use\" is not \"sig\"", "a private key"]),
        ("RFC 7517, A.3", &[], &["no \"kid\"", "a secret (kty oct)"]),
    ] {
        let set = list(&examples, "sets").find(|set| text(set, "name") == name).unwrap();
        let read =
            PublishedSet::parse(set["jwks"].to_string().as_bytes(), &algorithms(false)).unwrap();
        let kept: Vec<&str> = list(&read.jwks, "keys").map(|key| text(key, "kid")).collect();
        assert_eq!(kept, used, "{name}");
        assert_eq!(read.refused.len(), refused.len(), "{name}: {:?}", read.refused);
        for (why, words) in std::iter::zip(&read.refused, refused) {
            assert!(why.contains(words), "{name}: {why}");
        }
    }
}
