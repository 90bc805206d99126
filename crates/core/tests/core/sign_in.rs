//! Where a browser is sent that comes without a sound token.

use super::support::{Ask, ask, files};
use sekisho_core::policy::load;
use sekisho_core::refusal::{Audience, refuse};
use sekisho_core::{Policy, Verdict};

fn policy(login: &str) -> Policy {
    let mut files = files();
    let globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    files.insert(
        "tenants/globex.toml".into(),
        globex.replace("[networks]", &format!("{login}[networks]")).into(),
    );
    load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// A person who follows a link to a file, with nothing to show.
fn person() -> Ask {
    ask().with(|a| {
        a.get("/api/me?tab=a&b=%26");
        a.authorization = Some(String::new());
        a.header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        a.header("sec-fetch-mode", "navigate");
        a.header("sec-fetch-dest", "document");
    })
}

/// Status, `Location`, and whether there is a challenge.
fn answer(ask: &Ask, policy: &Policy) -> (u16, Option<String>, bool) {
    let decision = ask.judge(policy);
    let Verdict::Deny(denial) = decision.verdict else { panic!("{decision:?}") };
    let request = ask.request();
    let audience = Audience::of(&request.method, &request.headers);
    let refusal = refuse(&denial, &decision.facts, &audience);
    let challenge = refusal.headers.text("www-authenticate").is_some();
    (refusal.status, refusal.headers.text("location").map(str::to_owned), challenge)
}

#[test]
fn a_person_is_sent_to_sign_in() {
    const BACK: &str = "return_to=%2Fapi%2Fme%3Ftab%3Da%26b%3D%2526";
    for (login, want) in [
        ("login = \"/healthz\"\n", format!("/healthz?{BACK}")),
        ("login = \"/healthz?a=b\"\n", format!("/healthz?a=b&{BACK}")),
        ("login = \"https://login.example/\"\n", format!("https://login.example/?{BACK}")),
    ] {
        let policy = policy(login);
        assert_eq!(answer(&person(), &policy), (303, Some(want.clone()), false), "{login}");
        let expired = person().with(|a| {
            a.authorization = None;
            a.claims["exp"] = (a.now - 3600).into();
        });
        assert_eq!(answer(&expired, &policy), (303, Some(want), false), "{login}");
    }
    assert_eq!(answer(&person(), &policy("")), (401, None, true), "a tenant without a login");
}

#[test]
fn who_else_is_told_what_is_wrong() {
    let policy = policy("login = \"/healthz\"\n");
    let unauthorized = (401, None, true);
    let with = |name: &'static str, value: &'static str| {
        person().with(move |a| {
            a.headers.retain(|(other, _)| other != name);
            a.header(name, value);
        })
    };
    for (name, ask) in [
        ("fetch", with("sec-fetch-mode", "cors")),
        ("a page's own fetch", with("sec-fetch-mode", "same-origin")),
        ("a frame", with("sec-fetch-dest", "iframe")),
        ("an image", with("sec-fetch-dest", "image")),
        (
            "a program",
            person().with(|a| {
                a.headers.clear();
                a.header("accept", "application/json");
            }),
        ),
        ("a program that takes anything", person().with(|a| a.headers.clear())),
        ("a form", person().with(|a| a.method = "PUT".into())),
    ] {
        assert_eq!(answer(&ask, &policy), unauthorized, "{name}");
    }
    let old = person().with(|a| {
        a.headers.clear();
        a.header("accept", "text/html");
    });
    assert_eq!(answer(&old, &policy).0, 303, "a browser without Fetch Metadata");
    let outside = person().with(|a| a.peer = Some("192.0.2.1:1".into()));
    assert_eq!(answer(&outside, &policy), (403, None, false), "signing in would not help");
    let long = person().with(|a| a.target = format!("/api/me?q={}", "%26".repeat(1000)));
    assert_eq!(answer(&long, &policy).1.as_deref(), Some("/healthz"), "the way back is too long");
}
