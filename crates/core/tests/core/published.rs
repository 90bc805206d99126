//! Keys that an issuer publishes: what is taken from its documents, and what a verdict makes of them.

use super::support::{Ask, KEYS, NOW, ask, b64, files, shared_jwks};
use sekisho_core::policy::{Files, KeySource, Published, WebAddress, load};
use sekisho_core::token::keys::published::{
    KeptSet, PublishedSet, failure_from_record, failure_to_record, jwks_address,
};
use sekisho_core::token::keys::{Algorithm, KeySet, MAX_SET};
use sekisho_core::{Policy, Progress, Reason, Step, Timestamp, Verdict, decide, decide_offline};
use serde_json::{Value, json};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];
const ISSUER: &str = "https://idp.example";

fn parse(set: &Value) -> Result<PublishedSet, String> {
    PublishedSet::parse(set.to_string().as_bytes(), &ALGORITHMS)
}

#[test]
fn unusable_keys_are_left_out_and_told() {
    let good = || KEYS.eddsa_jwk("good");
    let with = |name: &str, value: Value| {
        let mut jwk = KEYS.eddsa_jwk("bad");
        jwk[name] = value;
        jwk
    };
    let mut weak = KEYS.rsa_jwk("bad");
    weak["n"] = b64([0xc1; 128]).into();
    let mut small = KEYS.es256_jwk("bad");
    small["x"] = b64([1; 32]).into();
    let mut secret = KEYS.rsa_jwk("bad");
    secret["d"] = "AQAB".into();
    let mut nameless = good();
    nameless.as_object_mut().unwrap().remove("kid");
    for (name, jwk, why) in [
        ("a weak key", weak, "an RSA key of 1024 bits"),
        ("off the curve", small, "not usable"),
        ("a private key", secret, "a private key"),
        ("a secret", json!({"kty": "oct", "kid": "bad", "k": b64([1; 32])}), "a secret (kty oct)"),
        ("no kid", nameless, "no \"kid\""),
        ("for encryption", with("use", "enc".into()), "\"use\" is not \"sig\""),
        ("another curve", with("crv", "X25519".into()), "kty and crv"),
        ("padded", with("x", "AA==".into()), "base64url"),
        ("alg of another key", with("alg", "RS256".into()), "does not fit"),
        ("no object", json!("bad"), "not an object"),
    ] {
        let set = parse(&json!({"keys": [jwk.clone(), good()]})).expect(name);
        let [told] = set.refused.as_slice() else { panic!("{name}: {:?}", set.refused) };
        assert!(told.starts_with("key 1: ") && told.contains(why), "{name}: {told}");
        assert_eq!(set.jwks, json!({"keys": [good()]}), "{name}");
        let alone = parse(&json!({"keys": [jwk]})).expect(name);
        assert_eq!((alone.refused.len(), alone.jwks), (1, json!({"keys": []})), "{name}");
    }
}

#[test]
fn what_is_taken_from_a_set() {
    let (ed, es, rsa) = (KEYS.eddsa_jwk("a"), KEYS.es256_jwk("b"), KEYS.rsa_jwk("c"));
    let mut chained = rsa.clone();
    chained["x5c"] = json!(["MIIB"]);
    chained["unknown"] = 1.into();
    let other = KEYS.es256_jwk("a");
    for (name, keys, kept, refused) in [
        ("all", json!([ed, es, rsa]), json!([ed, es, rsa]), 0),
        ("none", json!([]), json!([]), 0),
        ("of an algorithm that nobody asked for", json!([KEYS.es384_jwk("p"), ed]), json!([ed]), 0),
        ("with a chain of certificates", json!([chained]), json!([rsa]), 0),
        ("one kid, two kinds", json!([ed, other]), json!([ed, other]), 0),
        ("one kid twice", json!([ed, KEYS.eddsa_jwk("a"), es]), json!([es]), 2),
        ("one kid three times", json!([ed, ed, ed]), json!([]), 3),
    ] {
        let set = parse(&json!({"keys": keys, "more": true})).expect(name);
        assert_eq!((set.jwks, set.refused.len()), (json!({"keys": kept}), refused), "{name}");
    }
}

#[test]
fn what_is_no_set() {
    let many = |count: usize| {
        let keys: Vec<Value> = (0..count).map(|n| KEYS.eddsa_jwk(&n.to_string())).collect();
        json!({"keys": keys}).to_string()
    };
    let padded = |length: usize| format!("{{\"keys\":[]{}}}", " ".repeat(length - 11));
    assert!(PublishedSet::parse(many(32).as_bytes(), &ALGORITHMS).is_ok());
    assert!(PublishedSet::parse(padded(MAX_SET).as_bytes(), &ALGORITHMS).is_ok());
    for (name, text) in [
        ("a page", "<!doctype html><html>".to_owned()),
        ("nothing", String::new()),
        ("a list", "[]".into()),
        ("no keys", "{}".into()),
        ("keys that are none", r#"{"keys":{}}"#.into()),
        ("keys twice", r#"{"keys":[],"keys":[]}"#.into()),
        ("more behind it", r#"{"keys":[]}{}"#.into()),
        ("too many keys", many(33)),
        ("too large", padded(MAX_SET + 1)),
    ] {
        assert!(PublishedSet::parse(text.as_bytes(), &ALGORITHMS).is_err(), "{name}");
    }
}

#[test]
fn discovery_documents() {
    let document = |issuer: &str, jwks_uri: Value| json!({"issuer": issuer, "jwks_uri": jwks_uri, "response_types_supported": ["code"]});
    let found = WebAddress::parse("https://idp.example/.well-known/openid-configuration").unwrap();
    let keys = "https://idp.example/jwks?v=1";
    for (name, document, want) in [
        ("sound", document(ISSUER, keys.into()), Ok(keys)),
        (
            "another issuer's",
            document("https://idp.example/", keys.into()),
            Err("another issuer's"),
        ),
        ("nobody's", json!({"jwks_uri": keys}), Err("another issuer's")),
        ("without keys", json!({"issuer": ISSUER}), Err("no address")),
        ("in the clear", document(ISSUER, "http://idp.example/jwks".into()), Err("no address")),
        ("a file", document(ISSUER, "file:///etc/passwd".into()), Err("no address")),
        ("a list", document(ISSUER, json!([keys])), Err("no address")),
        ("elsewhere", document(ISSUER, "https://keys.idp.example/".into()), Err("another server")),
        (
            "another port",
            document(ISSUER, "https://idp.example:444/".into()),
            Err("another server"),
        ),
        ("this host", document(ISSUER, "http://127.0.0.1:3480/".into()), Err("another server")),
    ] {
        let got = jwks_address(document.to_string().as_bytes(), ISSUER, &found);
        match want {
            Ok(address) => assert_eq!(got.map(|got| got.to_string()), Ok(address.into()), "{name}"),
            Err(why) => {
                assert!(got.as_ref().is_err_and(|got| got.contains(why)), "{name}: {got:?}");
            }
        }
    }
    let sound = document(ISSUER, keys.into()).to_string();
    let padded = |length: usize| sound.clone() + &" ".repeat(length - sound.len());
    assert!(jwks_address(padded(MAX_SET).as_bytes(), ISSUER, &found).is_ok());
    let large = padded(MAX_SET + 1);
    for (name, text) in [
        ("a page", "<!doctype html>"),
        ("issuer twice", r#"{"issuer":"https://idp.example","issuer":"https://idp.example"}"#),
        ("too large", &large),
    ] {
        assert!(jwks_address(text.as_bytes(), ISSUER, &found).is_err(), "{name}");
    }
}

#[test]
fn a_set_is_kept_as_a_record() {
    let asked = WebAddress::parse("https://idp.example/jwks").unwrap();
    let at = Timestamp::from_second(NOW).unwrap();
    let set = parse(&shared_jwks()).unwrap();
    let record = KeptSet::to_record(&set.jwks, &asked, at, None).unwrap();
    let KeptSet { keys, fetched, missed } =
        KeptSet::from_record(&record, &asked, &ALGORITHMS).unwrap();
    assert_eq!((fetched, missed), (at, None));
    let missed = KeptSet::to_record(&set.jwks, &asked, at, Some(at)).unwrap();
    assert_eq!(KeptSet::from_record(&missed, &asked, &ALGORITHMS).unwrap().missed, Some(at));
    assert_eq!(verdict(&published(DISCOVERY), &ask(), Ok(&keys)), Ok(()));

    let other = WebAddress::parse("https://idp.example/other").unwrap();
    assert!(
        KeptSet::from_record(&record, &other, &ALGORITHMS).is_none(),
        "the policy names another"
    );
    let text = String::from_utf8(record).unwrap();
    for (name, record) in [
        ("another version", text.replace("\"v\":1", "\"v\":2")),
        ("no time", text.replace("\"fetched\"", "\"fetch\"")),
        ("a time that is none", text.replace(&NOW.to_string(), &i64::MAX.to_string())),
        ("no keys", text.replace("\"jwks\"", "\"jwk\"")),
        ("keys that are none", text.replace("\"keys\"", "\"key\"")),
        ("cut off", text.trim_end_matches('}').to_owned()),
        ("too large", text.clone() + &" ".repeat(64 * 1024)),
        ("nothing", String::new()),
    ] {
        assert!(KeptSet::from_record(record.as_bytes(), &asked, &ALGORITHMS).is_none(), "{name}");
    }
    let failure = failure_to_record(&asked, at);
    assert_eq!(failure_from_record(&failure, &asked), Some(at));
    assert_eq!(failure_from_record(&failure, &other), None);
    assert_eq!(failure_from_record(text.as_bytes(), &asked), None, "a set is no failure");
    assert!(KeptSet::from_record(&failure, &asked, &ALGORITHMS).is_none(), "a failure is no set");
    let padded = |length: usize| [failure.clone(), vec![b' '; length - failure.len()]].concat();
    assert_eq!(failure_from_record(&padded(64 * 1024), &asked), Some(at));
    assert_eq!(failure_from_record(&padded(64 * 1024 + 1), &asked), None);
    let large = json!({"keys": ["a".repeat(64 * 1024)]});
    assert!(KeptSet::to_record(&large, &asked, at, None).is_none());
}

const DISCOVERY: (&str, &str) = ("jwks_file = \"keys/shared.jwks.json\"", "discovery = true");

/// The sound policy, but globex's issuer publishes its keys.
fn published((from, to): (&str, &str)) -> Policy {
    load(&edited(from, to)).unwrap()
}

fn edited(from: &str, to: &str) -> Files {
    let mut files = files();
    let globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    assert!(globex.contains(from), "{from}");
    files.insert("tenants/globex.toml".into(), globex.replacen(from, to, 1).into());
    files
}

/// The verdict where the issuer's keys are these.
fn verdict(policy: &Policy, ask: &Ask, keys: Result<&KeySet, &str>) -> Result<(), Reason> {
    let now = Timestamp::from_second(ask.now).unwrap();
    let mut progress = decide(policy, ask.request(), now);
    let mut asked = 0;
    let decision = loop {
        progress = match progress {
            Progress::Decided(decision) => break *decision,
            Progress::Keys(needs) => {
                asked += 1;
                assert_eq!(asked, 1, "the keys are asked for once");
                assert_eq!(needs.tenant().id().as_str(), "globex");
                assert_eq!(needs.issuer().name(), ISSUER);
                assert_eq!(needs.key_id(), ask.kid);
                needs.resume(keys.map_err(str::to_owned))
            }
            Progress::Pending(pending) => {
                let absent = |key: &String| (key.clone(), sekisho_core::records::Record::Absent);
                let records = pending.records().iter().map(absent).collect();
                break pending.resume(&records);
            }
        }
    };
    match decision.verdict {
        Verdict::Permit(_) => Ok(()),
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => {
            let after_the_token = decision.facts.principal.is_some();
            assert_eq!(after_the_token, decision.facts.reached > Some(Step::Token), "{denial:?}");
            Err(denial.reason())
        }
    }
}

#[test]
fn a_verdict_by_published_keys() {
    let policy = published(DISCOVERY);
    let all = parse(&shared_jwks()).unwrap().keys;
    let none = parse(&json!({"keys": []})).unwrap().keys;
    let of = |change: fn(&mut Ask)| ask().with(change);
    for (name, ask, keys, want) in [
        ("sound", ask(), Ok(&all), Ok(())),
        ("withdrawn", ask(), Ok(&none), Err(Reason::TokenKeyUnknown)),
        ("not known", ask(), Err("down"), Err(Reason::KeysUnavailable)),
        ("another kid", of(|a| a.kid = "other".into()), Ok(&all), Err(Reason::TokenKeyUnknown)),
        ("tampered", of(|a| a.tamper = true), Ok(&all), Err(Reason::TokenSignatureInvalid)),
        ("expired", of(|a| a.now += 3600), Ok(&all), Err(Reason::TokenExpired)),
        (
            "acme's",
            of(|a| a.claims["tenant"] = "acme".into()),
            Ok(&all),
            Err(Reason::TokenTenantMismatch),
        ),
    ] {
        assert_eq!(verdict(&policy, &ask, keys), want, "{name}");
    }
}

/// Whatever can be refused without them is, so that a stranger's token asks for nothing.
#[test]
fn keys_are_asked_for_late() {
    let policy = published(DISCOVERY);
    let of = |change: fn(&mut Ask)| ask().with(change);
    for (name, ask, want) in [
        ("outside", of(|a| a.peer = Some("192.0.2.1:1".into())), Reason::NetworkNotAllowed),
        ("no token", of(|a| a.authorization = Some(String::new())), Reason::TokenMissing),
        ("no JWS", of(|a| a.authorization = Some("Bearer a.b".into())), Reason::TokenMalformed),
        (
            "another issuer",
            of(|a| a.claims["iss"] = "https://x.example".into()),
            Reason::TokenIssuerUnknown,
        ),
        (
            "another algorithm",
            of(|a| a.token_header = Some(json!({"alg": "none", "kid": "twin"}))),
            Reason::TokenAlgorithmNotAllowed,
        ),
        (
            "a key within",
            of(|a| a.token_header = Some(json!({"alg": "EdDSA", "kid": "twin", "jwk": {}}))),
            Reason::TokenHeaderForbidden,
        ),
        (
            "another type",
            of(|a| {
                a.token_header = Some(json!({"alg": "EdDSA", "kid": "twin", "typ": "dpop+jwt"}));
            }),
            Reason::TokenTypeNotAllowed,
        ),
    ] {
        let now = Timestamp::from_second(NOW).unwrap();
        let Progress::Decided(decision) = decide(&policy, ask.request(), now) else {
            panic!("{name}: asks for keys")
        };
        let Verdict::Deny(denial) = decision.verdict else { panic!("{name}: permitted") };
        assert_eq!(denial.reason(), want, "{name}");
    }
}

#[test]
fn where_the_policy_says_that_keys_are() {
    let at = |to: &str| match published((DISCOVERY.0, to)).tenants()[1].issuers()[0].keys() {
        KeySource::Written(_) | KeySource::Own => None,
        KeySource::Published { at, stand_in } => Some((at.clone(), stand_in.is_some())),
    };
    let discovery = Published::Discovery(
        WebAddress::parse("https://idp.example/.well-known/openid-configuration").unwrap(),
    );
    let set = Published::JwkSet(WebAddress::parse("https://keys.example/k").unwrap());
    let url = "jwks_url = \"https://keys.example/k\"";
    assert_eq!(at("discovery = true"), Some((discovery.clone(), false)));
    assert_eq!(at(url), Some((set.clone(), false)));
    assert_eq!(at(DISCOVERY.0), None);
    assert_eq!(at(&format!("{}\ndiscovery = false", DISCOVERY.0)), None);
    assert_eq!(at(&format!("{}\ndiscovery = true", DISCOVERY.0)), Some((discovery, true)));
    assert_eq!(at(&format!("{}\n{url}", DISCOVERY.0)), Some((set, true)));
}

type Edits = &'static [(&'static str, &'static str)];

/// What of globex's file is put in place of what, and the fault that it makes.
pub(super) const FAULTS: &[(&str, Edits, &str)] = &[
    ("nowhere", &[(DISCOVERY.0, "")], "key-source"),
    ("explicitly nowhere", &[(DISCOVERY.0, "discovery = false")], "key-source"),
    (
        "two places",
        &[(DISCOVERY.0, "discovery = true\njwks_url = \"https://keys.example/k\"")],
        "key-source",
    ),
    ("in the clear", &[(DISCOVERY.0, "jwks_url = \"http://keys.example/k\"")], "jwks-url-invalid"),
    ("no address", &[(DISCOVERY.0, "jwks_url = \"keys.example\"")], "jwks-url-invalid"),
    (
        "a stand-in that is not there",
        &[(DISCOVERY.0, "discovery = true\njwks_file = \"keys/none.json\"")],
        "jwks-missing",
    ),
    (
        "a secret",
        &[DISCOVERY, ("\"EdDSA\", \"ES256\", \"RS256\"", "\"HS256\"")],
        "secret-published",
    ),
    (
        "a name that is no address",
        &[DISCOVERY, ("https://idp.example", "idp.example")],
        "discovery-invalid",
    ),
    (
        "a name with a query",
        &[DISCOVERY, ("https://idp.example", "https://idp.example?x=1")],
        "discovery-invalid",
    ),
];

#[test]
fn faults() {
    for (name, edits, code) in FAULTS {
        let mut files = files();
        let mut text = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
        for (from, to) in *edits {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        files.insert("tenants/globex.toml".into(), text.into());
        let faults = load(&files).expect_err(name);
        let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, [*code], "{name}");
    }
}

/// A request whose issuer's keys nobody knows.
pub(super) fn without_keys() -> (Reason, Step, Ask) {
    let policy = published(DISCOVERY);
    let facts = ask().judge(&policy).facts;
    assert_eq!(facts.reached, Some(Step::Token));
    assert_eq!(ask().reason(&policy), Some(Reason::KeysUnavailable));
    (Reason::KeysUnavailable, Step::Token, ask())
}

#[test]
fn offline_a_file_stands_in() {
    let now = Timestamp::from_second(NOW).unwrap();
    let absent = |keys: &[String]| {
        keys.iter().map(|key| (key.clone(), sekisho_core::records::Record::Absent)).collect()
    };
    for (name, to, want) in [
        ("a file", format!("{}\ndiscovery = true", DISCOVERY.0), None),
        ("none", "discovery = true".to_owned(), Some(Reason::KeysUnavailable)),
    ] {
        let policy = published((DISCOVERY.0, &to));
        let (decision, _) = decide_offline(&policy, ask().request(), now, None, absent);
        let reason = match decision.verdict {
            Verdict::Permit(_) => None,
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => Some(denial.reason()),
        };
        assert_eq!(reason, want, "{name}");
    }
}
