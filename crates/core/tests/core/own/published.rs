//! The public part of the gateway's own keys, and the route that answers it.

use sekisho_core::answer::Reply;
use sekisho_core::answer::published_keys;
use sekisho_core::policy::load;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::{Reason, Verdict};

use super::keys;
use crate::support::{Ask, ask, files};

const KEYS_ROUTE: &str = r#"
[[routes]]
id = "keys"
path = "/.well-known/sekisho/jwks.json"
methods = ["GET", "HEAD"]
public = true
answer = "jwks"
"#;

#[test]
fn a_route_that_the_gateway_answers() {
    let with = |route: &str| {
        let mut files = files();
        let text = String::from_utf8(files["gateway.toml"].clone()).unwrap();
        files.insert("gateway.toml".into(), format!("{text}{route}").into());
        load(&files).map_err(|faults| faults[0].code)
    };
    let policy = with(KEYS_ROUTE).unwrap();
    assert_eq!(policy.own_algorithms(), [Algorithm::EdDSA]);
    let ask = |change: fn(&mut Ask)| {
        ask().with(|a| {
            a.get("/.well-known/sekisho/jwks.json");
            a.authorization = Some(String::new());
            change(a);
        })
    };
    let verdict = |ask: &Ask| match ask.judge(&policy).verdict {
        Verdict::Answer(Reply::PublishedKeys) => None,
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Permit(permit) => panic!("{permit:?}"),
        Verdict::Deny(denial) => Some(denial.reason()),
    };
    for (name, ask, want) in [
        ("sound", ask(|_| ()), None),
        ("HEAD", ask(|a| a.method = "HEAD".into()), None),
        ("POST", ask(|a| a.method = "POST".into()), Some(Reason::MethodNotAllowed)),
        (
            "another spelling",
            ask(|a| a.target = "/.well-known/sekisho/../sekisho/jwks.json".into()),
            Some(Reason::TargetNotCanonical),
        ),
        (
            "an unknown host",
            ask(|a| a.host = Some("nobody.example".into())),
            Some(Reason::TenantUnknown),
        ),
        (
            "from outside the tenant's network",
            ask(|a| a.peer = Some("198.51.100.1:1".into())),
            None,
        ),
    ] {
        assert_eq!(verdict(&ask), want, "{name}");
    }
    for (name, from, to) in [
        ("not public", "public = true\n", ""),
        ("an origin", "public = true\n", "public = true\norigins = [\"assistant-jp\"]\n"),
        ("a network", "public = true\n", "public = true\nnetwork = \"business\"\n"),
        ("another method", "\"HEAD\"", "\"POST\""),
        (
            "a rewrite",
            "public = true\n",
            "public = true\nrewrite = { from = \"/.well-known\", to = \"/x\" }\n",
        ),
    ] {
        let code = with(&KEYS_ROUTE.replace(from, to)).map(|_| ()).expect_err(name);
        assert_eq!(code, "answer-invalid", "{name}");
    }
    assert!(with(&KEYS_ROUTE.replace("\"jwks\"", "\"keys\"")).is_err(), "an unknown answer");
    let answer = published_keys(&keys());
    for (name, want) in [
        ("content-type", "application/jwk-set+json"),
        ("cache-control", "public, max-age=240"),
        ("x-content-type-options", "nosniff"),
    ] {
        let values: Vec<&[u8]> = answer.headers.values(name).collect();
        assert_eq!(values, [want.as_bytes()], "{name}");
    }
}
