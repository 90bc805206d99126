//! Requests that another site made a browser send.

use super::support::{Ask, POLICY, ask};
use sekisho_core::Reason;

fn by_cookie() -> Ask {
    ask().with(|a| {
        let token = a.token();
        a.authorization = Some(String::new());
        a.header("cookie", format!("__Host-sekisho={token}"));
    })
}

#[test]
fn what_changes_something_comes_from_this_very_origin() {
    let refused = Some(Reason::CrossSiteRequest);
    for (name, host, fields, want) in [
        ("no browser", "globex.example.jp", &[][..], None),
        ("same origin", "globex.example.jp", &[("Sec-Fetch-Site", "same-origin")], None),
        ("the user's own doing", "globex.example.jp", &[("Sec-Fetch-Site", "none")], None),
        ("same site", "globex.example.jp", &[("Sec-Fetch-Site", "same-site")], refused),
        ("cross-site", "globex.example.jp", &[("Sec-Fetch-Site", "cross-site")], refused),
        ("another case", "globex.example.jp", &[("Sec-Fetch-Site", "Same-Origin")], refused),
        ("a list", "globex.example.jp", &[("Sec-Fetch-Site", "none, none")], refused),
        ("empty", "globex.example.jp", &[("Sec-Fetch-Site", "")], refused),
        (
            "the site counts before the origin",
            "globex.example.jp",
            &[("Origin", "https://globex.example.jp"), ("Sec-Fetch-Site", "cross-site")],
            refused,
        ),
        (
            "and passes before it",
            "globex.example.jp",
            &[("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
            None,
        ),
        ("origin", "globex.example.jp", &[("Origin", "https://globex.example.jp")], None),
        (
            "origin, other case",
            "Globex.example.jp.",
            &[("Origin", "https://globex.EXAMPLE.jp")],
            None,
        ),
        ("port", "globex.example.jp:3443", &[("Origin", "https://globex.example.jp:3443")], None),
        ("443 named", "globex.example.jp:443", &[("Origin", "https://globex.example.jp")], None),
        (
            "443 in origin",
            "globex.example.jp",
            &[("Origin", "https://globex.example.jp:443")],
            None,
        ),
        (
            "other port",
            "globex.example.jp",
            &[("Origin", "https://globex.example.jp:3443")],
            refused,
        ),
        ("no port", "globex.example.jp:3443", &[("Origin", "https://globex.example.jp")], refused),
        ("in the clear", "globex.example.jp", &[("Origin", "http://globex.example.jp")], refused),
        ("another tenant", "globex.example.jp", &[("Origin", "https://acme.example.jp")], refused),
        (
            "a longer name",
            "globex.example.jp",
            &[("Origin", "https://globex.example.jp.evil.example")],
            refused,
        ),
        ("userinfo", "globex.example.jp", &[("Origin", "https://globex.example.jp@evil")], refused),
        ("a path", "globex.example.jp", &[("Origin", "https://globex.example.jp/")], refused),
        (
            "two in one",
            "globex.example.jp",
            &[("Origin", "https://globex.example.jp https://evil.example")],
            refused,
        ),
        ("null", "globex.example.jp", &[("Origin", "null")], refused),
        ("no scheme", "globex.example.jp", &[("Origin", "globex.example.jp")], refused),
        ("empty origin", "globex.example.jp", &[("Origin", "")], refused),
        ("not ASCII", "globex.example.jp", &[("Origin", "https://関所")], refused),
    ] {
        let spoil = |a: &mut Ask| {
            a.host = Some(host.into());
            for (name, value) in fields {
                a.header(name, value);
            }
        };
        assert_eq!(by_cookie().with(spoil).reason(&POLICY), want, "{name}");
        assert_eq!(ask().with(spoil).reason(&POLICY), None, "{name}, with a bearer token");
        let put = by_cookie().with(spoil).with(|a| {
            a.method = "PUT".into();
            a.target = "/api/me".into();
        });
        assert_eq!(put.reason(&POLICY), want, "{name}, PUT");
        let get = by_cookie().with(spoil).with(|a| a.get("/api/me"));
        assert_eq!(get.reason(&POLICY), None, "{name}, GET");
    }
}

#[test]
fn the_origin_is_judged_before_the_token() {
    let with = |cookie: &str| {
        ask()
            .with(|a| {
                a.authorization = Some(String::new());
                a.header("cookie", cookie);
                a.header("sec-fetch-site", "cross-site");
            })
            .reason(&POLICY)
    };
    assert_eq!(with("__Host-sekisho=garbage"), Some(Reason::CrossSiteRequest));
    assert_eq!(with("theme=dark"), Some(Reason::TokenMissing));
}

#[test]
fn two_words_on_the_origin_are_refused_before() {
    for (name, value) in
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://globex.example.jp")]
    {
        let twice =
            |ask: Ask| ask.with(|a| (0..2).for_each(|_| a.header(name, value))).reason(&POLICY);
        assert_eq!(twice(by_cookie()), Some(Reason::HeaderInvalid), "{name}");
        assert_eq!(twice(ask()), Some(Reason::HeaderInvalid), "{name}, with a bearer token");
    }
}
