//! Tokens: algorithms and keys, times at their limits, claims, and whose token stands at whose host.

use super::support::{Alg, Ask, KEYS, NOW, POLICY, ask, b64, files, sign};
use jwt_simple::prelude::*;
use sekisho_core::Reason;
use sekisho_core::policy::load;
use sekisho_core::records::Record;
use serde_json::{Value, json};

fn claims(change: impl FnOnce(&mut Value)) -> Option<Reason> {
    ask().with(|a| change(&mut a.claims)).reason(&POLICY)
}

fn raw(token: &str) -> Option<Reason> {
    ask().with(|a| a.authorization = Some(format!("Bearer {token}"))).reason(&POLICY)
}

#[test]
fn every_algorithm_of_the_issuers_list_with_its_key() {
    let initech = || ask().with(Ask::at_initech);
    for (name, ask, alg, kid) in [
        ("EdDSA", ask(), Alg::EdDSA, "twin"),
        ("ES256 under the same kid", ask(), Alg::ES256, "twin"),
        ("RS256", ask(), Alg::RS256, "rsa"),
        ("EdDSA of another issuer", initech(), Alg::EdDSA, "ed"),
        ("ES384", initech(), Alg::ES384, "p384"),
        ("PS256", initech(), Alg::PS256, "rsa"),
    ] {
        let ask = ask.with(|a| {
            a.alg = alg;
            a.kid = kid.into();
            a.claims["groups"] = json!(["member"]);
        });
        assert_eq!(ask.reason(&POLICY), None, "{name}");
        assert_eq!(
            ask.with(|a| a.tamper = true).reason(&POLICY),
            Some(Reason::TokenSignatureInvalid),
            "{name}, tampered with"
        );
    }
}

#[test]
fn a_token_chooses_neither_algorithm_nor_key() {
    use Reason::{TokenAlgorithmNotAllowed, TokenKeyUnknown, TokenSignatureInvalid};
    let good = ask().claims;
    let all = |claims: &Value| {
        let mut all = JWTClaims::<Value>::new();
        all.custom = claims.clone();
        all
    };
    let hmac = |secret: &[u8], kid: &str| {
        HS256Key::from_bytes(secret).with_key_id(kid).authenticate(all(&good)).unwrap()
    };
    // The signature of one algorithm under the header of another.
    let relabelled = |header: Value, alg: Alg| {
        let token = sign(alg, "twin", &good);
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", b64(header.to_string()))
    };
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "kid": "twin"}).to_string();
        format!("{}.{}.", b64(header), b64(good.to_string()))
    };
    let stranger = Ed25519KeyPair::generate().with_key_id("twin").sign(all(&good)).unwrap();
    let genuine = sign(Alg::EdDSA, "twin", &good);
    let (body, signature) = genuine.rsplit_once('.').unwrap();
    for (name, token, want) in [
        (
            "HMAC with the Ed25519 public key",
            hmac(&KEYS.eddsa.public_key().to_bytes(), "twin"),
            TokenAlgorithmNotAllowed,
        ),
        (
            "HMAC with the RSA public key, DER",
            hmac(&KEYS.rs256.public_key().to_der().unwrap(), "rsa"),
            TokenAlgorithmNotAllowed,
        ),
        (
            "HMAC with the RSA public key, PEM",
            hmac(KEYS.rs256.public_key().to_pem().unwrap().as_bytes(), "rsa"),
            TokenAlgorithmNotAllowed,
        ),
        ("none", unsigned("none"), TokenAlgorithmNotAllowed),
        ("None", unsigned("None"), TokenAlgorithmNotAllowed),
        ("empty", unsigned(""), TokenAlgorithmNotAllowed),
        ("another case", unsigned("eddsa"), TokenAlgorithmNotAllowed),
        ("another name of EdDSA", unsigned("Ed25519"), TokenAlgorithmNotAllowed),
        ("no signature", unsigned("EdDSA"), TokenSignatureInvalid),
        ("not in the issuer's list", sign(Alg::ES384, "twin", &good), TokenAlgorithmNotAllowed),
        (
            "PS256 with an RSA key of an RS256 issuer",
            sign(Alg::PS256, "rsa", &good),
            TokenAlgorithmNotAllowed,
        ),
        (
            "PS256 under an RS256 header",
            relabelled(json!({"alg": "RS256", "kid": "rsa"}), Alg::PS256),
            TokenSignatureInvalid,
        ),
        (
            "EdDSA under an ES256 header",
            relabelled(json!({"alg": "ES256", "kid": "twin"}), Alg::EdDSA),
            TokenSignatureInvalid,
        ),
        (
            "ES256 under an EdDSA header",
            relabelled(json!({"alg": "EdDSA", "kid": "twin"}), Alg::ES256),
            TokenSignatureInvalid,
        ),
        (
            "the kid's key is of another algorithm",
            sign(Alg::RS256, "twin", &good),
            TokenAlgorithmNotAllowed,
        ),
        ("another issuer's kid", sign(Alg::EdDSA, "ed", &good), TokenKeyUnknown),
        ("kid in another case", sign(Alg::EdDSA, "TWIN", &good), TokenKeyUnknown),
        ("a stranger's key", stranger, TokenSignatureInvalid),
        (
            "half a signature",
            format!("{body}.{}", signature.get(..40).unwrap()),
            TokenSignatureInvalid,
        ),
        ("a signature of zeros", format!("{body}.{}", b64([0; 64])), TokenSignatureInvalid),
    ] {
        assert_eq!(raw(&token), Some(want), "{name}");
    }
}

#[test]
fn times_at_their_limits() {
    use Reason::{TokenClaimsInvalid, TokenExpired, TokenNotYetValid};
    for (name, claim, value, want) in [
        ("exp at the leeway's last second", "exp", json!(NOW - 59), None),
        ("exp at the leeway's end", "exp", json!(NOW - 60), Some(TokenExpired)),
        ("exp long ago", "exp", json!(0), Some(TokenExpired)),
        ("exp with a fraction", "exp", json!(1_795_337_941.5), None),
        ("exp with a fraction that is cut off", "exp", json!(1_795_337_940.5), Some(TokenExpired)),
        ("exp in the last year", "exp", json!(253_402_300_799_i64), None),
        ("exp in year 10000", "exp", json!(253_402_300_800_i64), Some(TokenClaimsInvalid)),
        ("exp beyond 64 bits", "exp", json!(1e30), Some(TokenClaimsInvalid)),
        ("exp of all bits", "exp", json!(u64::MAX), Some(TokenClaimsInvalid)),
        ("exp negative", "exp", json!(-1), Some(TokenClaimsInvalid)),
        ("exp text", "exp", json!("1795338300"), Some(TokenClaimsInvalid)),
        ("exp null", "exp", json!(null), Some(TokenClaimsInvalid)),
        ("exp a list", "exp", json!([NOW + 300]), Some(TokenClaimsInvalid)),
        ("nbf at the leeway", "nbf", json!(NOW + 60), None),
        ("nbf behind the leeway", "nbf", json!(NOW + 61), Some(TokenNotYetValid)),
        ("nbf negative", "nbf", json!(-1), Some(TokenClaimsInvalid)),
        ("nbf text", "nbf", json!("0"), Some(TokenClaimsInvalid)),
        ("iat at the leeway", "iat", json!(NOW + 60), None),
        ("iat behind the leeway", "iat", json!(NOW + 61), Some(TokenNotYetValid)),
        ("iat text", "iat", json!("0"), Some(TokenClaimsInvalid)),
    ] {
        assert_eq!(claims(|c| c[claim] = value), want, "{name}");
    }
    let without = |claim: &str| {
        claims(|c| {
            c.as_object_mut().unwrap().remove(claim);
        })
    };
    assert_eq!(without("exp"), Some(TokenClaimsInvalid));
    assert_eq!(without("nbf"), None);
    assert_eq!(without("iat"), None);
}

#[test]
fn what_claims_must_be() {
    use Reason::{
        TokenAudienceMismatch, TokenClaimsInvalid, TokenIssuerUnknown, TokenTenantMismatch,
    };
    for (name, claim, value, want) in [
        ("aud as text", "aud", json!("sekisho"), None),
        ("aud among others", "aud", json!(["a", "sekisho"]), None),
        ("aud of another", "aud", json!(["a", "b"]), Some(TokenAudienceMismatch)),
        ("aud as a part", "aud", json!("sekisho2"), Some(TokenAudienceMismatch)),
        ("aud empty", "aud", json!([]), Some(TokenAudienceMismatch)),
        ("aud a number", "aud", json!(1), Some(TokenClaimsInvalid)),
        ("aud with a number", "aud", json!(["sekisho", 1]), Some(TokenClaimsInvalid)),
        ("aud null", "aud", json!(null), Some(TokenClaimsInvalid)),
        ("aud in a list in a list", "aud", json!([["sekisho"]]), Some(TokenClaimsInvalid)),
        ("aud an object", "aud", json!({"sekisho": true}), Some(TokenClaimsInvalid)),
        ("iss in another case", "iss", json!("https://IDP.example"), Some(TokenIssuerUnknown)),
        ("iss with a slash", "iss", json!("https://idp.example/"), Some(TokenIssuerUnknown)),
        ("iss a list", "iss", json!(["https://idp.example"]), Some(TokenIssuerUnknown)),
        ("sub empty", "sub", json!(""), Some(TokenClaimsInvalid)),
        ("sub a number", "sub", json!(42), Some(TokenClaimsInvalid)),
        (
            "sub with a line break",
            "sub",
            json!("u\r\nx-user-roles: admin"),
            Some(TokenClaimsInvalid),
        ),
        ("sub with a space", "sub", json!("u 42"), Some(TokenClaimsInvalid)),
        ("sub outside ASCII", "sub", json!("関所"), Some(TokenClaimsInvalid)),
        ("sub of 255", "sub", json!("x".repeat(255)), None),
        ("sub of 256", "sub", json!("x".repeat(256)), Some(TokenClaimsInvalid)),
        ("tenant in another case", "tenant", json!("Globex"), Some(TokenTenantMismatch)),
        ("tenant as a list", "tenant", json!(["globex"]), Some(TokenTenantMismatch)),
        ("tenant null", "tenant", json!(null), Some(TokenTenantMismatch)),
        ("tenant with a space", "tenant", json!("globex "), Some(TokenTenantMismatch)),
        ("a role as text", "roles", json!("member"), None),
        ("roles as text", "roles", json!("visitor  member "), None),
        ("roles as text, none that fits", "roles", json!("visitor"), Some(Reason::RoleMissing)),
        ("roles as empty text", "roles", json!(""), Some(Reason::RoleMissing)),
        ("roles null", "roles", json!(null), Some(TokenClaimsInvalid)),
        ("roles a number", "roles", json!(1), Some(TokenClaimsInvalid)),
        ("roles an object", "roles", json!({"member": true}), Some(TokenClaimsInvalid)),
        ("roles as text with a comma", "roles", json!("member,admin"), Some(TokenClaimsInvalid)),
        ("a role within a role", "roles", json!([["member"]]), Some(TokenClaimsInvalid)),
        ("a role with spaces in a list", "roles", json!(["a member"]), Some(TokenClaimsInvalid)),
        ("64 roles as text", "roles", json!(["member"; 64].join(" ")), None),
        ("65 roles as text", "roles", json!(["member"; 65].join(" ")), Some(TokenClaimsInvalid)),
        ("roles with a number", "roles", json!(["member", 1]), Some(TokenClaimsInvalid)),
        ("a role of two", "roles", json!(["member,admin"]), Some(TokenClaimsInvalid)),
        ("an empty role", "roles", json!(["member", ""]), Some(TokenClaimsInvalid)),
        ("a role in another case", "roles", json!(["Member"]), Some(Reason::RoleMissing)),
        ("64 roles", "roles", json!(vec!["member"; 64]), None),
        ("65 roles", "roles", json!(vec!["member"; 65]), Some(TokenClaimsInvalid)),
        ("sid a number", "sid", json!(1), Some(TokenClaimsInvalid)),
        ("sid empty", "sid", json!(""), Some(TokenClaimsInvalid)),
        ("jti a number", "jti", json!(1), Some(TokenClaimsInvalid)),
        ("a logout token", "events", json!({}), Some(TokenClaimsInvalid)),
    ] {
        assert_eq!(claims(|c| c[claim] = value), want, "{name}");
    }
    for claim in ["iss", "aud", "sub", "tenant", "roles"] {
        let got = claims(|c| {
            c.as_object_mut().unwrap().remove(claim);
        });
        let want = match claim {
            "iss" => TokenIssuerUnknown,
            "aud" => TokenAudienceMismatch,
            "roles" => Reason::RoleMissing,
            _ => TokenClaimsInvalid,
        };
        assert_eq!(got, Some(want), "without {claim}");
    }
}

/// Makes the request one of this tenant.
type Whose = fn(&mut Ask);

#[test]
fn a_tokens_tenant_is_the_hosts_tenant() {
    use Reason::{TokenIssuerUnknown, TokenTenantMismatch};
    let hosts = [
        ("acme", "acme.example.jp"),
        ("globex", "globex.example.jp"),
        ("initech", "initech.example.eu"),
    ];
    let tokens: [(&str, Whose); 3] =
        [("acme", Ask::at_acme), ("globex", |_| {}), ("initech", Ask::at_initech)];
    for (of, token) in tokens {
        for (at, host) in hosts {
            let ask = ask().with(token).with(|a| {
                a.host = Some(host.into());
                a.claims["roles"] = json!(["member"]);
            });
            let want = match (of, at) {
                _ if of == at => None,
                ("initech", _) | (_, "initech") => Some(TokenIssuerUnknown),
                _ => Some(TokenTenantMismatch),
            };
            assert_eq!(ask.reason(&POLICY), want, "a token of {of} at {at}");
        }
    }
    let sole = ask().with(Ask::at_initech).with(|a| a.claims["tenant"] = "acme".into());
    assert_eq!(sole.reason(&POLICY), None, "a sole tenant's issuer may say what it likes of it");
    let at_acme = sole.with(|a| a.host = Some("acme.example.jp".into()));
    assert_eq!(at_acme.reason(&POLICY), Some(TokenIssuerUnknown), "but not elsewhere");
}

#[test]
fn the_session_cookie_is_a_token() {
    let by_cookie = |name: &str| {
        ask()
            .with(|a| {
                let token = a.token();
                a.authorization = Some(String::new());
                a.header("Cookie", format!("theme=dark; {name}={token}; lang=ja"));
            })
            .reason(&POLICY)
    };
    assert_eq!(by_cookie("__Host-sekisho"), None);
    assert_eq!(by_cookie("sekisho"), Some(Reason::TokenMissing));
    assert_eq!(by_cookie("__host-sekisho"), Some(Reason::TokenMissing));
}

#[test]
fn every_typ_that_passes_is_verified_and_the_others_are_not_allowed() {
    let typed = |typ: &str| {
        let mut all = JWTClaims::<Value>::new();
        all.custom = ask().claims;
        let options =
            HeaderOptions { signature_type: Some(typ.into()), ..HeaderOptions::default() };
        let key = KEYS.eddsa.clone().with_key_id("twin");
        raw(&key.sign_with_options(all, &options).unwrap())
    };
    for typ in ["JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"]
    {
        assert_eq!(typed(typ), None, "{typ}");
    }
    for typ in [
        "application/jwt",
        "application/JWT",
        "logout+jwt",
        "dpop+jwt",
        "application/logout+jwt",
        "text/at+jwt",
        "application/application/at+jwt",
        "JWS",
        "JWT ",
        "",
    ] {
        assert_eq!(typed(typ), Some(Reason::TokenTypeNotAllowed), "{typ:?}");
    }
}

/// Every bit of header, payload and signature of a short token of each algorithm; of the RSA
/// signatures, every seventh. A flip that another reader would not notice must not pass either.
#[test]
fn no_flipped_bit_passes() {
    let initech = || ask().with(Ask::at_initech);
    for (name, ask, alg, kid, step) in [
        ("EdDSA", ask(), Alg::EdDSA, "twin", 5),
        ("ES256", ask(), Alg::ES256, "twin", 11),
        ("RS256", ask(), Alg::RS256, "rsa", 7),
        ("ES384", initech(), Alg::ES384, "p384", 23),
        ("PS256", initech(), Alg::PS256, "rsa", 7),
    ] {
        let ask = ask.with(|a| {
            a.alg = alg;
            a.kid = kid.into();
        });
        let token = ask.token();
        assert_eq!(ask.reason(&POLICY), None, "{name}");
        let judge = |token: &[u8]| {
            let bearer = format!("Bearer {}", String::from_utf8_lossy(token));
            ask.clone().with(|a| a.authorization = Some(bearer)).reason(&POLICY)
        };
        for bit in (0..token.len() * 8).step_by(step) {
            let mut flipped = token.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(judge(&flipped).is_some(), "{name}: bit {bit} of {token}");
        }
        for length in (0..token.len()).step_by(13) {
            assert!(judge(&token.as_bytes()[..length]).is_some(), "{name}: {length} bytes");
        }
    }
}

/// A signature is checked once; all else is judged with each request.
#[test]
fn a_token_seen_before_is_judged_anew() {
    let policy = load(&files()).unwrap();
    let first = ask();
    let token = first.token();
    let again = |change: fn(&mut Ask)| {
        ask().with(|a| a.authorization = Some(format!("Bearer {token}"))).with(change)
    };
    assert_eq!(again(|_| ()).reason(&policy), None);
    let revoked = |a: &mut Ask| {
        let record = Record::Found(br#"{"v":1}"#.to_vec());
        a.state = vec![("t/globex/revoked/session/s-1".into(), record)];
    };
    for (name, ask, want) in [
        ("again", again(|_| ()), None),
        ("later", again(|a| a.now += 3600), Some(Reason::TokenExpired)),
        (
            "outside",
            again(|a| a.peer = Some("192.0.2.1:1".into())),
            Some(Reason::NetworkNotAllowed),
        ),
        (
            "at acme",
            again(|a| a.host = Some("acme.example.jp".into())),
            Some(Reason::TokenTenantMismatch),
        ),
        (
            "at initech",
            again(|a| a.host = Some("initech.example.eu".into())),
            Some(Reason::TokenIssuerUnknown),
        ),
        ("revoked", again(revoked), Some(Reason::SessionRevoked)),
        ("another role", again(|a| a.get("/admin/users")), Some(Reason::RoleMissing)),
        ("another signature", first.with(|a| a.tamper = true), Some(Reason::TokenSignatureInvalid)),
    ] {
        assert_eq!(ask.reason(&policy), want, "{name}");
    }
}
