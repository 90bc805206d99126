//! Signatures that others made, keys that nobody should use, and keys that were stored.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{
    ECDSAP256KeyPairLike as _, ECDSAP256PublicKeyLike as _, ES256KeyPair, JWTClaims, PS256KeyPair,
    RSAKeyPairLike as _,
};
use serde_json::json;

const PUBLIC: [Algorithm; 9] = [
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
const SECRET: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

/// RFC 7515, appendix A: `{"iss":"joe", "exp":1300819380, "http://example.com/is_root":true}`.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// RFC 7520, section 4: a sentence of Gandalf's, which is no JSON.
const FRODO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

/// RFC 7520, section 3.3.
const BILBO: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";

fn key(mut jwk: Value, algorithm: Algorithm) -> Result<KeySet, String> {
    jwk["kid"] = "k".into();
    let algorithms = if algorithm.is_symmetric() { &SECRET[..] } else { &PUBLIC[..] };
    KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes(), algorithms)
}

/// Whether the signature of a compact JWS holds, whatever its header and payload say.
fn holds(set: &KeySet, algorithm: Algorithm, token: &str) -> bool {
    let key = set.find("k", algorithm).unwrap();
    let (input, _) = token.rsplit_once('.').unwrap();
    key.verifier().unwrap().verify(input.as_bytes(), &signature_of(token))
}

struct Vector {
    name: &'static str,
    jwk: Value,
    algorithm: Algorithm,
    header: &'static str,
    payload: &'static str,
    signature: &'static str,
}

/// Their headers have no `kid`, or their payloads are no JSON, so they are no tokens for the gateway:
/// what they prove is the arithmetic.
fn vectors() -> Vec<Vector> {
    let bilbo = || json!({"kty": "RSA", "use": "sig", "n": BILBO, "e": "AQAB"});
    vec![
        Vector {
            name: "RFC 7515, A.1",
            jwk: json!({"kty": "oct", "alg": "HS256",
                "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}),
            algorithm: Algorithm::HS256,
            header: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            payload: JOE,
            signature: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        },
        Vector {
            name: "RFC 7515, A.2",
            jwk: json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}),
            algorithm: Algorithm::RS256,
            header: "eyJhbGciOiJSUzI1NiJ9",
            payload: JOE,
            signature: "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        },
        Vector {
            name: "RFC 7515, A.3",
            jwk: json!({"kty": "EC", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            algorithm: Algorithm::ES256,
            header: "eyJhbGciOiJFUzI1NiJ9",
            payload: JOE,
            signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        },
        Vector {
            name: "RFC 8037, A.4",
            jwk: json!({"kty": "OKP", "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            algorithm: Algorithm::EdDSA,
            header: "eyJhbGciOiJFZERTQSJ9",
            payload: "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        },
        Vector {
            name: "RFC 7520, 4.1",
            jwk: bilbo(),
            algorithm: Algorithm::RS256,
            header: "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: FRODO,
            signature: "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        },
        Vector {
            name: "RFC 7520, 4.2",
            jwk: bilbo(),
            algorithm: Algorithm::PS384,
            header: "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            payload: FRODO,
            signature: "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
        },
        Vector {
            name: "RFC 7520, 4.4",
            jwk: json!({"kty": "oct", "use": "sig", "alg": "HS256",
                "k": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"}),
            algorithm: Algorithm::HS256,
            header: "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            payload: FRODO,
            signature: "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        },
    ]
}

#[test]
fn published_signatures() {
    for Vector { name, jwk, algorithm, header, payload, signature } in vectors() {
        let set = key(jwk, algorithm).expect(name);
        let token = format!("{header}.{payload}.{signature}");
        assert!(holds(&set, algorithm, &token), "{name}");
        let flipped = |text: &str| {
            let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            URL_SAFE_NO_PAD.encode(bytes)
        };
        for (what, token) in [
            ("another signature", format!("{header}.{payload}.{}", flipped(signature))),
            ("another payload", format!("{header}.{}.{signature}", flipped(payload))),
            ("a byte more", {
                let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
                bytes.push(0);
                format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(bytes))
            }),
            ("a byte less", {
                let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
                bytes.pop();
                format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(bytes))
            }),
            ("no signature", format!("{header}.{payload}.")),
        ] {
            assert!(!holds(&set, algorithm, &token), "{name}: {what}");
        }
    }
}

fn some_claims() -> JWTClaims<Value> {
    let mut claims = JWTClaims::<Value>::new();
    claims.custom = json!({"sub": "u-1"});
    claims
}

/// `a - b` of two numbers of one length, big-endian.
fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let value = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(value < 0);
            u8::try_from(value.rem_euclid(256)).unwrap()
        })
        .collect();
    assert_eq!(borrow, 0);
    difference.reverse();
    difference
}

fn spliced(token: &str, signature: &[u8]) -> String {
    let (input, _) = token.rsplit_once('.').unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token.rsplit_once('.').unwrap().1).unwrap()
}

#[test]
fn ecdsa_scalars() {
    // SEC 2, section 2.4.2: the order of P-256.
    let order: Vec<u8> =
        [[0xffff_ffff_0000_0000_u64, u64::MAX], [0xbce6_faad_a717_9e84, 0xf3b9_cac2_fc63_2551]]
            .as_flattened()
            .iter()
            .flat_map(|part| part.to_be_bytes())
            .collect();
    let pair = ES256KeyPair::generate();
    let point = pair.public_key().public_key().to_bytes_uncompressed();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    let set = key(jwk, Algorithm::ES256).unwrap();
    let token = pair.sign(some_claims()).unwrap();
    let signature = signature_of(&token);
    let (r, s) = signature.split_at(32);
    let zero = [0; 32];
    let other_s = minus(&order, s);
    for (name, signature, want) in [
        ("as signed", signature.clone(), true),
        ("n - s", [r, &other_s].concat(), true),
        ("r zero", [&zero, s].concat(), false),
        ("s zero", [r, &zero].concat(), false),
        ("both zero", [zero, zero].concat(), false),
        ("r is the order", [&order, s].concat(), false),
        ("s is the order", [r, &order].concat(), false),
        ("all bits", vec![0xff; 64], false),
        ("the other way round", [s, r].concat(), false),
        ("DER", [&[0x30, 68, 2, 32], r, &[2, 32], s].concat(), false),
        ("96 bytes", [r, s, &zero].concat(), false),
    ] {
        let held = holds(&set, Algorithm::ES256, &spliced(&token, &signature));
        assert_eq!(held, want, "{name}");
    }
}

#[test]
fn a_pss_signature_is_a_number_below_the_modulus() {
    let pair = PS256KeyPair::generate(2048).unwrap();
    let public = pair.public_key().to_components();
    let jwk = json!({"kty": "RSA", "alg": "PS256", "e": "AQAB",
        "n": URL_SAFE_NO_PAD.encode(&public.n)});
    let set = key(jwk, Algorithm::PS256).unwrap();
    // The salt is random: sign until signature plus modulus has as many bytes as the modulus. The
    // highest bit of a modulus is set, so at least one in a few signatures is small enough, unless
    // the modulus is close to all ones.
    let room = minus(&vec![0xff; 256], &public.n);
    let (token, signature) = (0..2000)
        .map(|_| pair.sign(some_claims()).unwrap())
        .map(|token| (signature_of(&token), token))
        .find(|(signature, _)| *signature <= room)
        .map(|(signature, token)| (token, signature))
        .expect("a small signature");
    assert!(holds(&set, Algorithm::PS256, &token));
    let twin = spliced(&token, &minus(&vec![0xff; 256], &minus(&room, &signature)));
    assert!(!holds(&set, Algorithm::PS256, &twin));
}

#[test]
fn each_algorithm_has_keys_of_one_kind() {
    let materials = || {
        [
            Material::Ed25519(vec![1; 32]),
            Material::P256(vec![4; 65]),
            Material::P384(vec![4; 97]),
            Material::Rsa { n: [vec![0xc1], vec![7; 255]].concat(), e: vec![1, 0, 1] },
            Material::Secret(vec![7; 64]),
        ]
    };
    for algorithm in Algorithm::ALL {
        for material in materials() {
            let fits = match &material {
                Material::Ed25519(_) => algorithm == Algorithm::EdDSA,
                Material::P256(_) => algorithm == Algorithm::ES256,
                Material::P384(_) => algorithm == Algorithm::ES384,
                Material::Rsa { .. } => Algorithm::RSA.contains(&algorithm),
                Material::Secret(_) => algorithm.is_symmetric(),
            };
            let built = Verifier::build(algorithm, &material);
            let refused = built.as_ref().is_err_and(|why| why.contains("no key for"));
            assert_eq!(refused, !fits, "{material:?} for {algorithm:?}: {built:?}");
        }
    }
}

#[test]
fn stored_keys_are_built_when_they_are_used() {
    for Vector { name, jwk, algorithm, header, payload, signature } in vectors() {
        let set = key(jwk, algorithm).unwrap();
        let stored = postcard::to_allocvec(&set).unwrap();
        let read: KeySet = postcard::from_bytes(&stored).unwrap();
        assert!(read.keys.iter().all(|key| key.verifier.get().is_none()), "{name}");
        assert_eq!(postcard::to_allocvec(&read).unwrap(), stored, "{name}");
        let token = format!("{header}.{payload}.{signature}");
        assert!(holds(&set, algorithm, &token), "{name}");
        assert!(holds(&read, algorithm, &token), "{name}, read back");
        assert!(read.find("k", algorithm).unwrap().verifier.get().is_some(), "{name}");
    }
}

#[test]
fn a_stored_key_that_is_none_is_not_known() {
    let bad = |algorithm, material| Key {
        id: "k".into(),
        algorithm,
        material,
        verifier: OnceLock::new(),
    };
    for (name, key) in [
        ("not on the curve", bad(Algorithm::ES256, Material::P256(vec![4; 65]))),
        ("empty", bad(Algorithm::EdDSA, Material::Ed25519(Vec::new()))),
        ("short modulus", bad(Algorithm::RS256, Material::Rsa { n: vec![1], e: vec![1, 0, 1] })),
        ("short secret", bad(Algorithm::HS256, Material::Secret(vec![1; 31]))),
        (
            "a public key for HMAC",
            bad(Algorithm::HS256, Material::Rsa { n: vec![0xc1; 256], e: vec![1, 0, 1] }),
        ),
        ("a point for HMAC", bad(Algorithm::HS512, Material::P256(vec![4; 65]))),
    ] {
        let set = KeySet::of(vec![key]);
        let stored = postcard::to_allocvec(&set).unwrap();
        let read: KeySet = postcard::from_bytes(&stored).expect(name);
        let denial = read.keys[0].verify(b"e30.e30", &[0; 3]).expect_err(name);
        assert_eq!(denial.reason(), Reason::PolicyUnavailable, "{name}");
    }
}

#[test]
fn a_secret_is_not_shown() {
    let secret = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg";
    let bytes = format!("{:?}", URL_SAFE_NO_PAD.decode(secret).unwrap());
    let set = key(json!({"kty": "oct", "alg": "HS256", "k": secret}), Algorithm::HS256).unwrap();
    let shown = format!("{set:?}");
    assert!(shown.contains("a secret") && shown.contains("HMAC"), "{shown}");
    assert!(!shown.contains(secret) && !shown.contains(&bytes), "{shown}");
}
