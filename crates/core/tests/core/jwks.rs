//! JWK Sets: what an operator may put into `keys/`.

use super::support::{KEYS, b64};
use sekisho_core::token::keys::{KeySet, MAX_KEYS};
use serde_json::{Value, json};

fn parse(keys: &[Value]) -> Result<(), String> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).map(drop)
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

fn without(mut key: Value, name: &str) -> Value {
    key.as_object_mut().unwrap().remove(name).unwrap();
    key
}

#[test]
fn good_keys_of_each_kind() {
    for (name, keys) in [
        ("Ed25519", vec![KEYS.eddsa_jwk("k")]),
        ("P-256", vec![KEYS.es256_jwk("k")]),
        ("P-384", vec![KEYS.es384_jwk("k")]),
        ("RSA", vec![KEYS.rsa_jwk("k")]),
        ("RSA of one algorithm", vec![with(KEYS.rsa_jwk("k"), "alg", "PS256".into())]),
        ("members that nobody knows", vec![with(KEYS.eddsa_jwk("k"), "x5t", "abc".into())]),
        (
            "one kid, two algorithms",
            vec![KEYS.eddsa_jwk("k"), KEYS.es256_jwk("k"), KEYS.rsa_jwk("k")],
        ),
        (
            "RSA split by algorithm",
            vec![
                with(KEYS.rsa_jwk("k"), "alg", "PS256".into()),
                with(KEYS.rsa_jwk("k"), "alg", "RS256".into()),
            ],
        ),
        ("as many as allowed", (0..MAX_KEYS).map(|i| KEYS.eddsa_jwk(&i.to_string())).collect()),
    ] {
        assert_eq!(parse(&keys), Ok(()), "{name}");
    }
}

#[test]
fn refused_sets() {
    for (text, want) in [
        ("", "not strict JSON"),
        ("[]", "not strict JSON: not an object"),
        ("-----BEGIN PUBLIC KEY-----", "not strict JSON"),
        ("{}", "no array \"keys\""),
        (r#"{"keys":{}}"#, "no array \"keys\""),
        (r#"{"keys":[]}"#, "0 keys; 1 to 32"),
        (r#"{"keys":[],"keys":[]}"#, "a member stands twice"),
        (r#"{"keys":[1]}"#, "key 1: not an object"),
    ] {
        let error = KeySet::parse(text.as_bytes()).unwrap_err();
        assert!(error.contains(want), "{text}: {error}");
    }
    let many: Vec<Value> = (0..=MAX_KEYS).map(|i| KEYS.eddsa_jwk(&i.to_string())).collect();
    assert!(parse(&many).unwrap_err().contains("33 keys; 1 to 32"));
}

#[test]
fn refused_keys() {
    let (ed, ec, rsa) = (KEYS.eddsa_jwk("k"), KEYS.es256_jwk("k"), KEYS.rsa_jwk("k"));
    let modulus = KEYS.rs256.public_key().to_components().n;
    let padded: Vec<u8> = [vec![0; 128], modulus[..127].to_vec(), vec![1]].concat();
    let off_curve = with(ec.clone(), "y", b64([1; 32]).into());
    for (name, key, want) in [
        ("private Ed25519", with(ed.clone(), "d", "AAAA".into()), "private or symmetric"),
        ("private RSA", with(rsa.clone(), "p", "AAAA".into()), "private or symmetric"),
        ("symmetric", json!({"kty": "oct", "kid": "k", "k": "AAAA"}), "private or symmetric"),
        ("encryption", with(ec.clone(), "use", "enc".into()), "\"use\" is not \"sig\""),
        ("no kid", without(ed.clone(), "kid"), "no \"kid\""),
        ("empty kid", with(ed.clone(), "kid", "".into()), "no \"kid\""),
        ("kid a number", with(ed.clone(), "kid", 1.into()), "no \"kid\""),
        ("no kty", without(ed.clone(), "kty"), "kty and crv are none of"),
        ("another curve", with(ec.clone(), "crv", "secp256k1".into()), "kty and crv are none of"),
        ("key agreement", with(ed.clone(), "crv", "X25519".into()), "kty and crv are none of"),
        ("RSA with a curve", with(rsa.clone(), "crv", "P-256".into()), "kty and crv are none of"),
        ("alg of another kind", with(ec.clone(), "alg", "EdDSA".into()), "does not fit the key"),
        ("symmetric alg on RSA", with(rsa.clone(), "alg", "HS256".into()), "does not fit the key"),
        ("no x", without(ed.clone(), "x"), "no \"x\""),
        ("no y", without(ec.clone(), "y"), "no \"y\""),
        ("no n", without(rsa.clone(), "n"), "no \"n\""),
        ("no e", without(rsa.clone(), "e"), "no \"e\""),
        (
            "padded base64",
            with(ed.clone(), "x", format!("{}=", b64([1; 32])).into()),
            "not base64url",
        ),
        ("ordinary base64", with(ed.clone(), "x", "+/".into()), "not base64url"),
        ("x too short", with(ed.clone(), "x", b64([1; 31]).into()), "31 bytes, not 32"),
        ("x of the other curve", with(ec.clone(), "x", b64([1; 48]).into()), "48 bytes, not 32"),
        ("not on the curve", off_curve, "not usable"),
        (
            "RSA of 1024 bits",
            with(rsa.clone(), "n", b64(&modulus[..128]).into()),
            "1024 bits; 2048 is the least",
        ),
        ("RSA of 1024 bits behind zeros", with(rsa.clone(), "n", b64(padded).into()), "not usable"),
        ("RSA with an exponent of 1", with(rsa.clone(), "e", b64([1]).into()), "not usable"),
        ("RSA with an empty exponent", with(rsa.clone(), "e", "".into()), "not usable"),
    ] {
        let error = parse(&[KEYS.es384_jwk("other"), key]).expect_err(name);
        assert!(error.starts_with("key 2: ") && error.contains(want), "{name}: {error}");
    }
    for (name, keys) in [
        ("one kid, one algorithm", [ed.clone(), ed]),
        ("RSA, and the same for one algorithm", [rsa.clone(), with(rsa, "alg", "PS256".into())]),
    ] {
        assert_eq!(parse(&keys), Err("key 2: kid \"k\" stands twice".into()), "{name}");
    }
}
