//! The gateway's own keys: what is a sound set, what is signed with them, and what is taken back.

mod assertion;
mod published;
pub(crate) mod record;
mod session;

use super::support::{NOW, b64};
use sekisho_core::Timestamp;
use sekisho_core::answer::published_keys;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::{MAX_OWN_SET, OwnKeys, Status, private_jwk};
use serde_json::{Value, json};

/// The faults that these tests see.
pub(crate) const FAULTS: [&str; 4] = [
    "answer-invalid",
    "assertion-issuer-invalid",
    "assertion-lifetime-invalid",
    "own-keys-invalid",
];

const GATEWAY_NAME: &str = "https://gateway.example.jp";

fn jwk(algorithm: Algorithm, id: &str, status: Status, seed: u8) -> Value {
    private_jwk(algorithm, id, status, [seed; 32]).unwrap()
}

/// A retired, a current and a next key of each kind.
fn set() -> Vec<Value> {
    use Algorithm::{EdDSA, HS256};
    vec![
        jwk(EdDSA, "ed-old", Status::Retired, 1),
        jwk(EdDSA, "ed-now", Status::Current, 2),
        jwk(EdDSA, "ed-soon", Status::Next, 3),
        jwk(HS256, "hs-old", Status::Retired, 4),
        jwk(HS256, "hs-now", Status::Current, 5),
        jwk(HS256, "hs-soon", Status::Next, 6),
    ]
}

fn parse(keys: &[Value]) -> Result<OwnKeys, String> {
    OwnKeys::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn keys() -> OwnKeys {
    parse(&set()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

#[test]
fn what_is_no_set_of_own_keys() {
    let with = |index: usize, name: &str, value: Value| {
        let mut keys = set();
        keys[index][name] = value;
        keys
    };
    let without = |index: usize| {
        let mut keys = set();
        keys.remove(index);
        keys
    };
    for (name, keys, want) in [
        ("none", Vec::new(), "0 keys"),
        ("many", vec![set()[0].clone(); 17], "17 keys"),
        ("no current EdDSA key", without(1), "not one current key for EdDSA"),
        ("no current HS256 key", without(4), "not one current key for HS256"),
        ("two current", with(0, "status", "current".into()), "not one current key for EdDSA"),
        ("no status", with(0, "status", Value::Null), "key 1: its \"status\""),
        ("another status", with(1, "status", "active".into()), "key 2: its \"status\""),
        ("a kid twice", with(1, "kid", "ed-old".into()), "key 2: its kid stands twice"),
        ("a kid twice, of two kinds", with(4, "kid", "ed-now".into()), "key 5: its kid stands"),
        ("no kid", with(0, "kid", Value::Null), "key 1: no \"kid\""),
        ("a secret twice", with(4, "k", set()[3]["k"].clone()), "key 5: another key has the same"),
        ("a seed for a secret", with(4, "k", set()[1]["d"].clone()), "key 5: another key has"),
        (
            "a public key for a secret",
            with(4, "k", set()[1]["x"].clone()),
            "key 5: another key has",
        ),
        ("a kid with a space", with(0, "kid", "a b".into()), "key 1: no \"kid\""),
        ("another's public key", with(1, "x", set()[0]["x"].clone()), "key 2: \"x\" is not"),
        ("a short secret", with(4, "k", b64([5; 31]).into()), "key 5: its numbers"),
        ("a long secret", with(4, "k", b64([5; 33]).into()), "key 5: its numbers"),
        ("padding", with(4, "k", format!("{}=", b64([5; 32])).into()), "key 5: its numbers"),
        ("no private part", with(1, "d", Value::Null), "key 2: its numbers"),
        ("another algorithm", with(4, "alg", "HS512".into()), "key 5: kty, crv and alg"),
        ("no object", vec![json!("k")], "key 1: not an object"),
    ] {
        let why = parse(&keys).map(|_| ()).expect_err(name);
        assert!(why.contains(want), "{name}: {why}");
    }
    for (name, text) in [
        ("no JSON", "{\"keys\": [SECRET".to_owned()),
        ("a member twice", "{\"keys\":[],\"keys\":[]}".to_owned()),
        ("no array", "{\"keys\":\"SECRET\"}".to_owned()),
        ("empty", String::new()),
        ("large", " ".repeat(MAX_OWN_SET + 1)),
    ] {
        let why = OwnKeys::parse(text.as_bytes()).map(|_| ()).expect_err(name);
        assert!(!why.contains("SECRET"), "{name}: {why}");
    }
    let text = json!({"keys": set()}).to_string();
    let padded = |size: usize| format!("{text:<size$}");
    assert!(OwnKeys::parse(padded(MAX_OWN_SET).as_bytes()).is_ok());
    assert!(OwnKeys::parse(padded(MAX_OWN_SET + 1).as_bytes()).is_err());
    assert!(private_jwk(Algorithm::ES256, "k", Status::Current, [1; 32]).is_err());
}

#[test]
fn secrets_are_not_shown() {
    let keys = keys();
    let shown = [
        format!("{keys:?}"),
        keys.published(),
        published_keys(&keys).body,
        format!("{:?}", keys.checking(&[Algorithm::HS256])),
        format!("{:?}", published_keys(&keys)),
    ];
    for jwk in set() {
        for name in ["d", "k"] {
            let Some(secret) = jwk[name].as_str() else { continue };
            for text in &shown {
                assert!(!text.contains(secret), "{text}");
                assert!(!text.contains(&format!("{:?}", [jwk["d"].as_str(); 1])), "{text}");
            }
        }
    }
    let listed: Vec<(&str, &str)> =
        keys.list().map(|(id, algorithm, _)| (id, algorithm.name())).collect();
    assert_eq!((listed[1], listed[4], listed.len()), (("ed-now", "EdDSA"), ("hs-now", "HS256"), 6));
    assert!(keys.signs(Algorithm::EdDSA) && !keys.signs(Algorithm::ES256));
    assert!(!parse(&set_of("HS256")).unwrap().signs(Algorithm::EdDSA));
    let published: Value = serde_json::from_str(&keys.published()).unwrap();
    let ids: Vec<&str> =
        published["keys"].as_array().unwrap().iter().map(|k| k["kid"].as_str().unwrap()).collect();
    assert_eq!(ids, ["ed-old", "ed-now", "ed-soon"], "all that others may meet, and no secret");
    for key in published["keys"].as_array().unwrap() {
        let names: Vec<&String> = key.as_object().unwrap().keys().collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
    }
}

fn set_of(algorithm: &str) -> Vec<Value> {
    set().into_iter().filter(|key| key["alg"] == algorithm).collect()
}
