//! `Sekisho-Assertion`: what is signed, for how long it is sent again, and what the policy may say of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sekisho_core::policy::load;
use sekisho_core::token::jws;
use sekisho_core::token::keys::{Algorithm, KeySet};
use sekisho_core::token::own::assertion::{Assertion, Signed, TYPE};
use sekisho_core::{Reason, Timestamp, Verdict};
use serde_json::{Value, json};

use super::{FAULTS, GATEWAY_NAME, keys, now, parse, set_of};
use crate::support::{NOW, POLICY, ask, b64, field, files, policy_with};

pub(super) fn assertion() -> Assertion {
    Assertion {
        iss: GATEWAY_NAME.into(),
        aud: "assistant-jp".into(),
        sub: "u-42".into(),
        tenant: "globex".into(),
        roles: vec!["member".into()],
        policy: "d1".into(),
    }
}

fn payload(token: &str) -> (Value, Value) {
    let part = |index: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap());
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    };
    (part(0), part(1))
}

#[test]
fn an_assertion_is_signed_by_the_current_key() {
    let keys = keys();
    let token = assertion().sign(&keys, "r-1", 60, now()).unwrap();
    let (header, claims) = payload(&token);
    assert_eq!(header, json!({"alg": "EdDSA", "typ": TYPE, "kid": "ed-now"}));
    assert_eq!(
        claims,
        json!({"iss": GATEWAY_NAME, "aud": "assistant-jp", "sub": "u-42", "tenant": "globex",
            "roles": ["member"], "policy": "d1", "jti": "r-1", "iat": NOW, "exp": NOW + 60})
    );
    // By what is published, as an origin does it.
    let set = KeySet::parse(keys.published().as_bytes(), &[Algorithm::EdDSA]).unwrap();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "ed-now"}).to_string();
    let (_, rest) = token.split_once('.').unwrap();
    let other = format!("{}.{rest}", b64(header));
    let other = jws::parse(&other).unwrap();
    assert!(set.verify(&other, Algorithm::EdDSA).is_err(), "the header is signed, too");
    assert_eq!(jws::parse(&token).unwrap_err().reason(), Reason::TokenTypeNotAllowed, "no sign-in");

    let only_secrets = parse(&set_of("HS256")).unwrap();
    assert!(assertion().sign(&only_secrets, "r-1", 60, now()).is_err());
    let (_, long) = payload(&assertion().sign(&keys, "r-1", 9999, now()).unwrap());
    assert_eq!(long["exp"], NOW + 120, "never longer than two minutes");
}

#[test]
fn an_assertion_is_sent_again_while_it_is_fresh() {
    let keys = keys();
    let mut signed = Signed::default();
    let mut at = |assertion: &Assertion, request: &str, lifetime, second| {
        let now = Timestamp::from_second(NOW + second).unwrap();
        let token = signed.token(assertion, &keys, request, lifetime, now).unwrap();
        payload(&token).1["jti"].as_str().unwrap().to_owned()
    };
    let same = assertion();
    assert_eq!(at(&same, "r-1", 60, 0), "r-1");
    assert_eq!(at(&same, "r-2", 60, 29), "r-1");
    for (name, change) in [
        ("origin", (|a| a.aud = "other".into()) as fn(&mut Assertion)),
        ("tenant", |a| a.tenant = "acme".into()),
        ("principal", |a| a.sub = "u-43".into()),
        ("roles", |a| a.roles.push("admin".into())),
        ("policy", |a| a.policy = "d2".into()),
        ("issuer", |a| a.iss = "other".into()),
    ] {
        let mut other = same.clone();
        change(&mut other);
        assert_eq!(at(&other, name, 60, 29), name, "another {name}");
    }
    assert_eq!(at(&same, "r-3", 60, 29), "r-1", "the others took nothing away");
    assert_eq!(at(&same, "r-4", 30, 29), "r-4", "another lifetime");
    assert_eq!(at(&same, "r-5", 60, 30), "r-5", "half its life is over");
    assert_eq!(at(&same, "r-6", 60, 29), "r-6", "a clock that was set back");
    for n in 0..1000 {
        let mut other = same.clone();
        other.sub = format!("v-{n}");
        assert_eq!(at(&other, "many", 60, 40), "many");
    }
    assert!(format!("{signed:?}").matches("assertion: ").count() <= 256, "bounded");
}

const ASSERTION: (&str, &str) = (
    "[state]\n",
    "[assertion]\nissuer = \"https://gateway.example.jp\"\nlifetime_s = 30\n[state]\n",
);

#[test]
fn a_permit_says_what_is_to_be_asserted() {
    let policy = policy_with(ASSERTION.0, ASSERTION.1);
    let Verdict::Permit(mut permit) = ask().judge(&policy).verdict else { panic!("refused") };
    let (said, lifetime) = permit.assertion().unwrap();
    let want = Assertion {
        roles: vec!["member".into(), "tester".into()],
        policy: policy.digest().into(),
        ..assertion()
    };
    assert_eq!((said, lifetime), (&want, 30));
    let headers = permit.take_headers(Some("a.b.c"));
    let values: Vec<&[u8]> = headers.values("sekisho-assertion").collect();
    assert_eq!(values, [b"a.b.c"]);

    let forged = ask().with(|a| a.header("Sekisho-Assertion", "forged"));
    assert_eq!(field(&forged.upstream(&policy).unwrap(), "sekisho-assertion"), None);
    let public = ask().with(|a| {
        a.get("/healthz");
        a.authorization = Some(String::new());
    });
    let Verdict::Permit(permit) = public.judge(&policy).verdict else { panic!("refused") };
    assert_eq!(permit.assertion(), None, "of nobody nothing is said");
    let Verdict::Permit(permit) = ask().judge(&POLICY).verdict else { panic!("refused") };
    assert_eq!(permit.assertion(), None, "nobody asks for it");
    assert_ne!(policy.digest(), POLICY.digest());
    assert_eq!(policy.own_algorithms(), [Algorithm::EdDSA]);
    assert!(POLICY.own_algorithms().is_empty());
}

#[test]
fn what_the_policy_may_say_of_assertions() {
    let faults = |table: &str| {
        let mut files = files();
        let text = String::from_utf8(files["gateway.toml"].clone()).unwrap();
        files.insert("gateway.toml".into(), text.replacen("[state]", table, 1).into());
        load(&files).map(|_| ()).map_err(|faults| faults[0].code)
    };
    for (name, table, want) in [
        ("sound", "[assertion]\nissuer = \"g\"\n[state]", Ok(())),
        ("the longest", "[assertion]\nissuer = \"g\"\nlifetime_s = 120\n[state]", Ok(())),
        (
            "too long",
            "[assertion]\nissuer = \"g\"\nlifetime_s = 121\n[state]",
            Err("assertion-lifetime-invalid"),
        ),
        ("the shortest", "[assertion]\nissuer = \"g\"\nlifetime_s = 10\n[state]", Ok(())),
        (
            "too short",
            "[assertion]\nissuer = \"g\"\nlifetime_s = 9\n[state]",
            Err("assertion-lifetime-invalid"),
        ),
        ("no name", "[assertion]\nissuer = \"\"\n[state]", Err("assertion-issuer-invalid")),
        ("a space", "[assertion]\nissuer = \"a b\"\n[state]", Err("assertion-issuer-invalid")),
    ] {
        assert_eq!(faults(table), want, "{name}");
        assert!(want.is_ok() || FAULTS.contains(&want.unwrap_err()), "{name}");
    }
}
