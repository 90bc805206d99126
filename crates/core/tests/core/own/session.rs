//! Sessions of the gateway's own: which are taken back, and what the policy may say of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jwt_simple::algorithms::EdDSAKeyPairLike as _;
use sekisho_core::policy::{Files, load};
use sekisho_core::records::{Record, Records};
use sekisho_core::token::Wanted;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::OwnKeys;
use sekisho_core::token::own::session::Session;
use sekisho_core::{Policy, Progress, Reason, Timestamp, Verdict, decide};
use serde_json::{Value, json};
use sha2::Sha256;

use super::assertion::assertion;
use super::{GATEWAY_NAME, keys, now, parse, set_of};
use crate::support::{Alg, Ask, KEYS, NOW, ask, b64, files, sign};

const SESSION: &str = "sekisho-session+jwt";

pub(super) const OWN: &str = r#"
[[issuers]]
issuer = "https://gateway.example.jp"
audiences = ["sekisho"]
algorithms = ["HS256"]
own_keys = true
tenant_claim = "tenant"
"#;

/// The sound policy, where every tenant takes the gateway's own sessions.
pub(super) fn own_policy(own: &str) -> Result<Policy, Vec<String>> {
    let mut files: Files = files();
    for tenant in ["acme", "globex"] {
        let file = format!("tenants/{tenant}.toml");
        let text = String::from_utf8(files[&file].clone()).unwrap();
        files.insert(file, format!("{text}{own}").into());
    }
    load(&files).map_err(|faults| faults.iter().map(|fault| fault.code.to_owned()).collect())
}

pub(super) fn session(change: impl FnOnce(&mut Session)) -> Session {
    let mut session = Session {
        iss: GATEWAY_NAME.into(),
        aud: "sekisho".into(),
        sub: "u-42".into(),
        tenant: "globex".into(),
        roles: vec!["member".into()],
        sid: "s-9".into(),
    };
    change(&mut session);
    session
}

pub(super) fn carrying(token: &str) -> Ask {
    ask().with(|a| a.authorization = Some(format!("Bearer {token}")))
}

/// The subject and session, or the reason of the denial.
fn verdict(policy: &Policy, ask: &Ask, keys: &OwnKeys) -> Result<(String, String), Reason> {
    let mut progress = decide(policy, ask.request(), Timestamp::from_second(ask.now).unwrap());
    let decision = loop {
        progress = match progress {
            Progress::Decided(decision) => break *decision,
            Progress::Keys(needs) => {
                assert_eq!(needs.wanted(), Wanted::Own);
                let set = keys.checking(needs.issuer().algorithms());
                needs.resume(set.map(|set| &**set))
            }
            Progress::Pending(pending) => {
                let absent = |key: &String| (key.clone(), Record::Absent);
                let records: Records = pending.records().iter().map(absent).collect();
                break pending.resume(&records);
            }
        }
    };
    match decision.verdict {
        Verdict::Permit(_) => {
            let principal = decision.facts.principal.unwrap();
            Ok((principal.subject().to_owned(), principal.session().unwrap().to_owned()))
        }
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => Err(denial.reason()),
    }
}

/// `parts` of a token signed with a secret of the set, whatever they say.
fn forged(header: &Value, claims: &Value, secret: &[u8; 32]) -> String {
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&input);
    format!("{input}.{}", b64(mac.finalize().into_bytes()))
}

#[test]
fn sessions_of_our_own() {
    use Algorithm::{EdDSA, HS256};
    let policy = own_policy(OWN).unwrap();
    let keys = keys();
    let token = |algorithm, change: fn(&mut Session)| {
        session(change).sign(&keys, algorithm, 3600, now()).unwrap()
    };
    let same: fn(&mut Session) = |_| {};
    let claims = json!({"iss": GATEWAY_NAME, "aud": "sekisho", "sub": "u-42", "tenant": "globex",
        "roles": ["member"], "sid": "s-9", "iat": NOW, "exp": NOW + 60});
    let header = |kid: &str, typ: &str| json!({"alg": "HS256", "typ": typ, "kid": kid});
    let ok = || Ok(("u-42".to_owned(), "s-9".to_owned()));
    for (name, token, want) in [
        ("sound", token(HS256, same), ok()),
        ("by the retired key", forged(&header("hs-old", SESSION), &claims, &[4; 32]), ok()),
        ("by the next key", forged(&header("hs-soon", SESSION), &claims, &[6; 32]), ok()),
        (
            "by another secret",
            forged(&header("hs-now", SESSION), &claims, &[9; 32]),
            Err(Reason::TokenSignatureInvalid),
        ),
        (
            "by the key of another kid",
            forged(&header("hs-old", SESSION), &claims, &[5; 32]),
            Err(Reason::TokenSignatureInvalid),
        ),
        (
            "by a key that is gone",
            forged(&header("hs-gone", SESSION), &claims, &[5; 32]),
            Err(Reason::TokenKeyUnknown),
        ),
        (
            "a plain JWT by our secret",
            forged(&header("hs-now", "JWT"), &claims, &[5; 32]),
            Err(Reason::TokenTypeNotAllowed),
        ),
        (
            "an access token by our secret",
            forged(&header("hs-now", "at+jwt"), &claims, &[5; 32]),
            Err(Reason::TokenTypeNotAllowed),
        ),
        (
            "a session in capitals",
            forged(&header("hs-now", "Sekisho-Session+JWT"), &claims, &[5; 32]),
            Err(Reason::TokenTypeNotAllowed),
        ),
        (
            "an assertion for an origin",
            assertion().sign(&keys, "r", 60, now()).unwrap(),
            Err(Reason::TokenTypeNotAllowed),
        ),
        ("by EdDSA", token(EdDSA, same), Err(Reason::TokenAlgorithmNotAllowed)),
        (
            "the public key as the secret",
            {
                let published: Value = serde_json::from_str(&keys.published()).unwrap();
                let x = URL_SAFE_NO_PAD.decode(published["keys"][1]["x"].as_str().unwrap());
                forged(&header("ed-now", SESSION), &claims, &x.unwrap().try_into().unwrap())
            },
            Err(Reason::TokenKeyUnknown),
        ),
        (
            "of another tenant",
            token(HS256, |s| s.tenant = "acme".into()),
            Err(Reason::TokenTenantMismatch),
        ),
        (
            "for another audience",
            token(HS256, |s| s.aud = "other".into()),
            Err(Reason::TokenAudienceMismatch),
        ),
        (
            "of another issuer",
            token(HS256, |s| s.iss = "https://idp.example".into()),
            Err(Reason::TokenTypeNotAllowed),
        ),
    ] {
        assert_eq!(verdict(&policy, &carrying(&token), &keys), want, "{name}");
    }
    let late = carrying(&token(HS256, same)).with(|a| a.now = NOW + 3600 + 60);
    assert_eq!(verdict(&policy, &late, &keys), Err(Reason::TokenExpired));
    let only_public = parse(&set_of("EdDSA")).unwrap();
    let sound = carrying(&token(HS256, same));
    assert_eq!(verdict(&policy, &sound, &only_public), Err(Reason::KeysUnavailable));
    // An issuer from outside makes none of our sessions, whatever it writes.
    let theirs = ask().with(|a| {
        a.authorization = Some(format!("Bearer {}", {
            let token = sign(Alg::EdDSA, "twin", &a.claims);
            let header = json!({"alg": "EdDSA", "typ": SESSION, "kid": "twin"});
            let claims = token.split('.').nth(1).unwrap();
            let input = format!("{}.{claims}", b64(header.to_string()));
            let signature = KEYS.eddsa.key_pair().as_ref().sk.sign(&input, None);
            format!("{input}.{}", b64(*signature))
        }));
    });
    assert_eq!(verdict(&policy, &theirs, &keys), Err(Reason::TokenTypeNotAllowed));

    let public = own_policy(&OWN.replace("HS256", "EdDSA")).unwrap();
    assert_eq!(verdict(&public, &carrying(&token(EdDSA, same)), &keys), ok());
    assert_eq!(
        verdict(&public, &carrying(&token(HS256, same)), &keys),
        Err(Reason::TokenAlgorithmNotAllowed)
    );
}

#[test]
fn what_the_policy_may_say_of_own_keys() {
    for (name, own) in [
        ("keys beside", OWN.replace("own_keys", "jwks_file = \"keys/shared.jwks.json\"\nown_keys")),
        ("discovery beside", OWN.replace("own_keys", "discovery = true\nown_keys")),
        ("for this tenant alone", OWN.replace("tenant_claim = \"tenant\"", "sole_tenant = true")),
        ("another claim", OWN.replace("= \"tenant\"", "= \"org\"")),
        ("a deep claim", OWN.replace("= \"tenant\"", "= [\"tenant\", \"id\"]")),
        ("a type", OWN.replace("own_keys", "token_type = \"jwt\"\nown_keys")),
        ("another algorithm", OWN.replace("HS256", "HS512")),
        ("RSA", OWN.replace("HS256", "RS256")),
    ] {
        let codes = own_policy(&own).map(|_| ()).expect_err(name);
        assert!(!codes.is_empty(), "{name}");
        let known = ["own-keys-invalid", "secret-published", "jwks-invalid"];
        assert!(codes.iter().any(|code| known.contains(&code.as_str())), "{name}: {codes:?}");
    }
    let off = own_policy(&OWN.replace("own_keys = true", "own_keys = false")).map(|_| ());
    assert_eq!(off.unwrap_err(), ["key-source", "key-source"]);
}
