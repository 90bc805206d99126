//! JWK Sets: what an operator may put into `keys/`.

use super::support::{KEYS, b64};
use sekisho_core::token::keys::{Algorithm, KeySet, MAX_KEYS, MAX_SET};
use serde_json::{Value, json};

const SECRET: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

fn public() -> Vec<Algorithm> {
    Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()).collect()
}

fn parse_for(keys: &[Value], algorithms: &[Algorithm]) -> Result<(), String> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes(), algorithms).map(drop)
}

fn parse(keys: &[Value]) -> Result<(), String> {
    parse_for(keys, &public())
}

fn secret(alg: &str, bytes: &[u8]) -> Value {
    json!({"kty": "oct", "kid": "k", "alg": alg, "k": b64(bytes)})
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
        let error = KeySet::parse(text.as_bytes(), &public()).unwrap_err();
        assert!(error.contains(want), "{text}: {error}");
    }
    let large = [b"{\"keys\":[", vec![b' '; MAX_SET].as_slice(), b"]}"].concat();
    assert!(KeySet::parse(&large, &public()).unwrap_err().contains("153600 are allowed"));
    let sound = json!({"keys": [KEYS.eddsa_jwk("k")]}).to_string();
    let blanks = vec![b' '; MAX_SET - sound.len()];
    let largest = [sound.into_bytes(), blanks].concat();
    assert!(KeySet::parse(&largest, &public()).is_ok());
    let many: Vec<Value> = (0..=MAX_KEYS).map(|i| KEYS.eddsa_jwk(&i.to_string())).collect();
    assert!(parse(&many).unwrap_err().contains("33 keys; 1 to 32"));
}

/// A small number as Ed25519 encodes a coordinate (RFC 8032, section 5.1.2).
fn little(number: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = number;
    bytes
}

/// `2^255 - 19 + n`, encoded so.
fn p_plus(n: i8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed_u8.checked_add_signed(n).unwrap();
    bytes[31] = 0x7f;
    bytes
}

/// A point of order 8.
const ORDER_8: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];

#[test]
fn refused_keys() {
    let (ed, ec, rsa) = (KEYS.eddsa_jwk("k"), KEYS.es256_jwk("k"), KEYS.rsa_jwk("k"));
    let modulus = KEYS.rs256.public_key().to_components().n;
    let padded: Vec<u8> = [vec![0; 128], modulus[..127].to_vec(), vec![1]].concat();
    let even: Vec<u8> = [&modulus[..255], &[2]].concat();
    let sized = |first: u8, bytes: usize| [vec![first], vec![0xff; bytes - 1]].concat();
    let zeros = || Value::from(b64([0; 32]));
    let minus_one = p_plus(-1);
    let off_curve = with(ec.clone(), "y", b64([1; 32]).into());
    for (name, key, want) in [
        ("private Ed25519", with(ed.clone(), "d", "AAAA".into()), "a private key"),
        ("private RSA", with(rsa.clone(), "p", "AAAA".into()), "a private key"),
        ("RSA with a CRT exponent", with(rsa.clone(), "dq", "AAAA".into()), "a private key"),
        ("public and secret", with(ed.clone(), "k", "AAAA".into()), "a private key"),
        ("secret", secret("HS256", &[7; 32]), "a secret (kty oct)"),
        ("encryption", with(ec.clone(), "use", "enc".into()), "\"use\" is not \"sig\""),
        ("use a number", with(ec.clone(), "use", 1.into()), "\"use\" is not \"sig\""),
        ("for signing alone", with(ec.clone(), "key_ops", json!(["sign"])), "\"key_ops\" has no"),
        ("key_ops a text", with(ec.clone(), "key_ops", "verify".into()), "\"key_ops\" has no"),
        ("kid of 257", with(ed.clone(), "kid", "k".repeat(257).into()), "no \"kid\" of 1 to 256"),
        ("no kid", without(ed.clone(), "kid"), "no \"kid\""),
        ("empty kid", with(ed.clone(), "kid", "".into()), "no \"kid\""),
        ("kid a number", with(ed.clone(), "kid", 1.into()), "no \"kid\""),
        ("no kty", without(ed.clone(), "kty"), "kty and crv are none of"),
        ("another curve", with(ec.clone(), "crv", "secp256k1".into()), "kty and crv are none of"),
        ("key agreement", with(ed.clone(), "crv", "X25519".into()), "kty and crv are none of"),
        ("RSA with a curve", with(rsa.clone(), "crv", "P-256".into()), "kty and crv are none of"),
        ("alg of another kind", with(ec.clone(), "alg", "EdDSA".into()), "does not fit the key"),
        ("alg a number", with(ec.clone(), "alg", 1.into()), "does not fit the key"),
        ("alg none", with(ec.clone(), "alg", "none".into()), "does not fit the key"),
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
        ("the point at infinity", with(with(ec.clone(), "x", zeros()), "y", zeros()), "not usable"),
        ("Ed25519 of order 1", with(ed.clone(), "x", b64(little(1)).into()), "not usable"),
        ("Ed25519 of order 2", with(ed.clone(), "x", b64(minus_one).into()), "not usable"),
        ("Ed25519 of order 4", with(ed.clone(), "x", zeros()), "not usable"),
        ("Ed25519 of order 8", with(ed.clone(), "x", b64(ORDER_8).into()), "not usable"),
        ("Ed25519, 1 written as p + 1", with(ed.clone(), "x", b64(p_plus(1)).into()), "not usable"),
        ("Ed25519, 3 written as p + 3", with(ed.clone(), "x", b64(p_plus(3)).into()), "not usable"),
        ("Ed25519, no point", with(ed.clone(), "x", b64(little(2)).into()), "not usable"),
        (
            "RSA of 1024 bits",
            with(rsa.clone(), "n", b64(&modulus[..128]).into()),
            "1024 bits; 2048 to 4096 are allowed",
        ),
        ("RSA of 2047 bits", with(rsa.clone(), "n", b64(sized(0x7f, 256)).into()), "2047 bits"),
        ("RSA of 4097 bits", with(rsa.clone(), "n", b64(sized(1, 513)).into()), "4097 bits"),
        ("RSA of 16384 bits", with(rsa.clone(), "n", b64(sized(1, 2049)).into()), "16385 bits"),
        ("RSA of no bits", with(rsa.clone(), "n", "".into()), "0 bits"),
        ("RSA behind zeros", with(rsa.clone(), "n", b64(padded).into()), "leading zeros"),
        ("RSA, even", with(rsa.clone(), "n", b64(even).into()), "even"),
        ("RSA with an exponent of 1", with(rsa.clone(), "e", b64([1]).into()), "not 65537"),
        ("RSA with an exponent of 3", with(rsa.clone(), "e", b64([3]).into()), "not 65537"),
        ("RSA with a long exponent", with(rsa.clone(), "e", b64([1; 64]).into()), "not 65537"),
        ("RSA with 65537 behind a zero", with(rsa.clone(), "e", "AAEAAQ".into()), "not 65537"),
        ("RSA with an empty exponent", with(rsa.clone(), "e", "".into()), "not 65537"),
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

#[test]
fn a_set_is_read_for_the_issuers_algorithms() {
    let (ed, ec, rsa) = (KEYS.eddsa_jwk("k"), KEYS.es256_jwk("k"), KEYS.rsa_jwk("k"));
    let keys = [ed.clone(), ec, rsa.clone()];
    for (name, keys, algorithms, want) in [
        ("one of three", &keys[..], &[Algorithm::ES256][..], Ok(())),
        ("none of them", &keys[..], &[Algorithm::ES384], Err("no key is for ES384")),
        ("none, of two", &keys[..1], &[Algorithm::RS512, Algorithm::PS384], Err("RS512, PS384")),
        (
            "a bad key of another",
            &[ed, with(rsa, "e", "Aw".into())],
            &[Algorithm::EdDSA],
            Err("key 2"),
        ),
    ] {
        let got = parse_for(keys, algorithms);
        match want {
            Ok(()) => assert_eq!(got, Ok(()), "{name}"),
            Err(want) => {
                assert!(got.as_ref().is_err_and(|why| why.contains(want)), "{name}: {got:?}");
            }
        }
    }
}

#[test]
fn secrets() {
    for (alg, length) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        assert_eq!(parse_for(&[secret(alg, &vec![7; length])], &SECRET), Ok(()), "{alg}");
        let short = parse_for(&[secret(alg, &vec![7; length - 1])], &SECRET).unwrap_err();
        assert!(short.contains(&format!("{length} are the least")), "{alg}: {short}");
    }
}

/// Random bytes may begin as a public key does.
#[test]
fn secrets_that_look_like_der() {
    for (name, head) in [
        ("a sequence of another length", [0x30, 5, 0x30, 7]),
        ("one of the length that holds no sequence", [0x30, 30, 2, 7]),
        ("a long one of another length", [0x30, 0x82, 1, 10]),
    ] {
        let bytes = [&head[..], &[7; 28]].concat();
        assert_eq!(parse_for(&[secret("HS256", &bytes)], &SECRET), Ok(()), "{name}");
    }
}

#[test]
fn refused_secrets() {
    let good = || secret("HS256", &[7; 32]);
    let rsa = KEYS.rs256.public_key();
    let components = rsa.to_components();
    let pkcs1 = [&[0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0][..], &components.n, &[2, 3], &components.e]
        .concat();
    let jwk = KEYS.rsa_jwk("k").to_string();
    let written = "the secret is a public key";
    for (name, key, want) in [
        ("without alg", without(good(), "alg"), "a secret without \"alg\""),
        ("alg of a public key", secret("RS256", &[7; 32]), "does not fit the key"),
        ("without k", without(good(), "k"), "no \"k\""),
        ("empty", secret("HS256", b""), "0 bytes; 32 are the least"),
        ("12 bytes, which the library takes", secret("HS256", &[7; 12]), "32 are the least"),
        ("padded", with(good(), "k", format!("{}=", b64([7; 32])).into()), "not base64url"),
        ("with a curve", with(good(), "crv", "P-256".into()), "kty and crv are none of"),
        ("a public key", KEYS.eddsa_jwk("k"), "no secret (kty oct)"),
        ("an RSA key", with(KEYS.rsa_jwk("k"), "alg", "HS256".into()), "no secret (kty oct)"),
        ("PEM", secret("HS256", rsa.to_pem().unwrap().as_bytes()), written),
        ("DER", secret("HS256", &rsa.to_der().unwrap()), written),
        ("DER of PKCS #1", secret("HS256", &pkcs1), written),
        ("DER of Ed25519", secret("HS256", &KEYS.eddsa.public_key().to_der()), written),
        ("JWK", secret("HS256", jwk.as_bytes()), written),
        ("ssh", secret("HS256", format!("ssh-rsa {}", "A".repeat(64)).as_bytes()), written),
    ] {
        let error = parse_for(&[secret("HS512", &[7; 64]), key], &SECRET).expect_err(name);
        assert!(error.starts_with("key 2: ") && error.contains(want), "{name}: {error}");
    }
}
