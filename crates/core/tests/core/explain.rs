//! A question as data and its answer as data, key by key.

use super::records::{ASSISTANT, LABEL, policy};
use super::support::{GATEWAY, GLOBEX, POLICY, ask, files, policy_with};
use sekisho_core::explain::{Question, State, explain};
use sekisho_core::policy::load;
use serde_json::{Value, json};

fn question(change: impl FnOnce(&mut Value)) -> Question {
    let mut question = json!({
        "method": "POST", "scheme": "https", "target": "/api/assistants/a1/chat?x=1",
        "headers": [["host", "globex.example.jp"], ["authorization", format!("Bearer {}", ask().token())]],
        "peer": "203.0.113.9:50211", "now": "2026-11-22T09:00:00Z",
    });
    change(&mut question);
    Question::parse(&question.to_string()).unwrap()
}

fn answer(question: &Question, state: &Value) -> String {
    let state: State = serde_json::from_value(state.clone()).unwrap();
    serde_json::to_string(&explain(&POLICY, question, &state)).unwrap()
}

#[test]
fn the_moment_of_the_tests() {
    assert_eq!(question(|_| {}).now.as_second(), super::support::NOW);
}

#[test]
fn a_permit() {
    let answer: Value = serde_json::from_str(&answer(&question(|_| {}), &json!({}))).unwrap();
    let want = json!({
        "decision": "permit", "status": null, "tenant": "globex", "route": "chat",
        "client": "203.0.113.9", "subject": "u-42",
        "upstream": {
            "origin": "assistant-jp",
            "url": "https://assistant.jp.example/api/assistants/a1/chat?x=1",
            "headers": [
                ["x-tenant-id", "globex"], ["x-user-id", "u-42"], ["x-user-roles", "member,tester"],
                ["x-request-id", "00000000000000000000000000000000"],
                ["x-forwarded-for", "203.0.113.9"],
                ["forwarded", "for=203.0.113.9;host=\"globex.example.jp\";proto=https"],
                ["x-forwarded-proto", "https"], ["x-forwarded-host", "globex.example.jp"],
            ],
        },
        "steps": answer["steps"],
    });
    assert_eq!(answer, want);
}

/// A step as one line: outcome, seen, compared, detail.
fn line(step: &Value) -> String {
    ["outcome", "seen", "compared", "detail"]
        .map(|part| step[part].as_str().unwrap_or("-"))
        .join(" | ")
}

fn lines(question: &Question, state: &Value) -> Vec<String> {
    let answer: Value = serde_json::from_str(&answer(question, state)).unwrap();
    answer["steps"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn each_step_says_what_was_seen_and_compared_and_why_it_held() {
    let lines = lines(&question(|_| {}), &json!({}));
    assert_eq!(
        lines,
        [
            "held | https from 203.0.113.9 | HTTPS | it is HTTPS",
            "held | POST /api/assistants/a1/chat with 2 header fields | one host, a known method, \
             one spelling of the path, sound header fields | it can be read in one way only",
            "held | host globex.example.jp | 4 hosts of 3 tenants | it is globex's",
            "held | peer 203.0.113.9 | 2 blocks of trusted proxies | the peer is the client: 203.0.113.9",
            "held | POST /api/assistants/a1/chat | 5 routes | chat: POST /api/assistants/{assistant}/chat",
            "held | 203.0.113.9 | globex's network business: 2 ranges | in its 203.0.113.0 to 203.0.113.255",
            "held | a bearer token | globex's issuer https://idp.example (EdDSA, ES256, RS256) | \
             signed by https://idp.example, in time, for this tenant: u-42",
            "held | u-42, session s-1 | t/globex/revoked/all (absent), \
             t/globex/revoked/session/s-1 (absent), t/globex/revoked/subject/u-42 (absent) | nothing revokes it",
            "held | roles member, tester | one of member, admin | it has member",
            "held | globex's region jp | origins assistant-eu in eu, assistant-jp in jp | \
             assistant-jp in jp: https://assistant.jp.example/api/assistants/a1/chat",
        ]
    );
}

#[test]
fn the_step_that_fell_says_why_and_the_ones_behind_it_nothing() {
    let outside = question(|q| q["peer"] = "192.0.2.1:1".into());
    let lines = lines(&outside, &json!({}));
    assert_eq!(
        lines[5],
        "denied | 192.0.2.1 | globex's network business: 2 ranges | \
         192.0.2.1 is not in the tenant's network business"
    );
    assert_eq!(lines[6..], ["not-reached | - | - | -"; 4]);
}

#[test]
fn no_word_comes_from_a_token_that_was_not_verified() {
    let signed_by_another = ask().token().replace('.', "A.");
    for (name, field, value) in [
        ("bearer", "authorization", format!("Bearer {signed_by_another}")),
        ("cookie", "cookie", format!("__Host-sekisho={signed_by_another}; other=s3cret")),
        ("another scheme", "authorization", "Basic dTpzM2NyZXQ=".to_owned()),
    ] {
        let question = question(|q| {
            q["headers"] = json!([["host", "globex.example.jp"], [field, value]]);
            q["target"] = "/api/assistants/a1/chat?access_token=s3cret".into();
        });
        let answer = answer(&question, &json!({}));
        assert!(answer.contains(r#""decision":"deny""#), "{name}: {answer}");
        for secret in ["u-42", "s3cret", "tester", "eyJ", "dTpz"] {
            assert!(!answer.contains(secret), "{name}: {secret} in {answer}");
        }
    }
}

/// One letter a step: held, denied, would deny, skipped, not reached.
fn outcomes(answer: &Value) -> String {
    let steps = answer["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 10);
    steps.iter().map(|step| step["outcome"].as_str().unwrap().chars().next().unwrap()).collect()
}

#[test]
fn the_steps_have_the_names_of_the_road() {
    let answer: Value = serde_json::from_str(&answer(&question(|_| {}), &json!({}))).unwrap();
    let names: Vec<_> = answer["steps"].as_array().unwrap().iter().map(|s| &s["step"]).collect();
    let road = [
        "transport",
        "canonical",
        "tenant",
        "client",
        "route",
        "network",
        "token",
        "session",
        "authorize",
        "permit",
    ];
    assert_eq!(names, road);
}

#[test]
fn outcomes_of_the_steps() {
    let health = |q: &mut Value| {
        q["method"] = "GET".into();
        q["target"] = "/healthz".into();
        q["headers"] = json!([["host", "globex.example.jp"]]);
    };
    for (name, question, state, want) in [
        ("permitted", question(|_| {}), json!({}), "hhhhhhhhhh"),
        ("plain HTTP", question(|q| q["scheme"] = "http".into()), json!({}), "dnnnnnnnnn"),
        ("unknown method", question(|q| q["method"] = "X".into()), json!({}), "hdnnnnnnnn"),
        ("no tenant", question(|q| q["headers"] = json!([["host", "x"]])), json!({}), "hhdnnnnnnn"),
        ("no route", question(|q| q["target"] = "/".into()), json!({}), "hhhhdnnnnn"),
        (
            "no token",
            question(|q| q["headers"] = json!([["host", "globex.example.jp"]])),
            json!({}),
            "hhhhhhdnnn",
        ),
        ("revoked", question(|_| {}), json!({"t/globex/revoked/all": {"v": 1}}), "hhhhhhhdnn"),
        ("public", question(health), json!({"t/globex/revoked/all": {"v": 1}}), "hhhhhhsssh"),
        (
            "public, outside",
            question(|q| {
                health(q);
                q["peer"] = "192.0.2.1:1".into();
            }),
            json!({}),
            "hhhhhdnnnn",
        ),
    ] {
        let answer: Value = serde_json::from_str(&answer(&question, &state)).unwrap();
        assert_eq!(outcomes(&answer), want, "{name}");
    }
}

#[test]
fn a_dry_run_says_of_each_step_what_it_would_have_done() {
    let policy = policy("off", "enforce = false", "");
    let visitor = ask().with(|a| a.claims["roles"] = json!(["visitor"])).token();
    let visitor = format!("Bearer {visitor}");
    for (name, peer, token, want) in [
        ("inside, a member", "203.0.113.9:1", None, "hhhhhhhhhh"),
        ("outside", "192.0.2.1:1", None, "hhhhhwhhhh"),
        ("a visitor", "203.0.113.9:1", Some(&visitor), "hhhhhhhhwh"),
        ("a visitor from outside", "192.0.2.1:1", Some(&visitor), "hhhhhwhhwh"),
    ] {
        let question = question(|q| {
            q["peer"] = peer.into();
            if let Some(token) = token {
                q["headers"][1][1] = token.as_str().into();
            }
        });
        let answer = explain(&policy, &question, &State::default());
        let answer = serde_json::to_value(&answer).unwrap();
        assert_eq!(outcomes(&answer), want, "{name}");
        let would_deny = want.find('w').map(|at| ["network-not-allowed", "role-missing"][at / 8]);
        assert_eq!(answer["would_deny"].as_str(), would_deny, "{name}: the first of them");
    }
}

#[test]
fn why_a_principal_may() {
    const ROLES: &str = "roles = [\"member\", \"admin\"]";
    let label = json!({LABEL: {"v": 1, "visibility": "personal", "owner": "u-42"}});
    for (roles, assistant, want) in [
        (ROLES, "", "it has member"),
        ("all_roles = [\"member\", \"tester\"]", "", "it has them all"),
        ("", "", "every user of the tenant may"),
        ("", ASSISTANT, "every user who may see the assistant may"),
    ] {
        let policy = policy_with(ROLES, &format!("{roles}\n{assistant}"));
        let state: State = serde_json::from_value(label.clone()).unwrap();
        let answer = explain(&policy, &question(|_| {}), &state);
        assert_eq!(answer.steps[8].detail.as_deref(), Some(want));
    }
}

#[test]
fn what_the_state_was_asked() {
    for (revocation, directory, want) in [
        ("true", "off", "nothing revokes it"),
        ("true", "optional", "nothing revokes it, and the user may come"),
        ("false", "optional", "the user may come; nobody asks what is revoked"),
        ("false", "off", "the policy asks for none"),
    ] {
        let mut files = files();
        let gateway = GATEWAY.replace("revocation = true", &format!("revocation = {revocation}"));
        files.insert("gateway.toml".into(), gateway.into());
        let globex = format!("directory = {directory:?}\n{GLOBEX}");
        files.insert("tenants/globex.toml".into(), globex.into());
        let answer = explain(&load(&files).unwrap(), &question(|_| {}), &State::default());
        assert_eq!(answer.steps[7].detail.as_deref(), Some(want));
    }
}

#[test]
fn a_question_is_strict() {
    let good = r#"{"method":"GET","scheme":"https","target":"/","now":"2026-11-22T09:00:00Z"}"#;
    assert!(Question::parse(good).is_ok(), "headers, authority and peer may be left out");
    for (name, text) in [
        ("unknown key", good.replace("\"method\"", "\"verb\":1,\"method\"")),
        ("a key twice", good.replace("\"method\"", "\"method\":\"PUT\",\"method\"")),
        ("no moment", good.replace(r#","now":"2026-11-22T09:00:00Z""#, "")),
        ("a moment without a zone", good.replace("00Z", "00")),
        ("another scheme", good.replace("https", "ftp")),
        ("a peer without a port", good.replace("\"now\"", "\"peer\":\"203.0.113.9\",\"now\"")),
        ("headers as an object", good.replace("\"now\"", "\"headers\":{\"host\":\"x\"},\"now\"")),
        ("something after it", format!("{good} {good}")),
    ] {
        assert!(Question::parse(&text).is_err(), "{name}");
    }
}

#[test]
fn a_state_has_keys_of_records_alone() {
    let digest = format!("~{}", "0a".repeat(32));
    for (name, keys, sound) in [
        (
            "each form",
            vec![
                "t/acme/revoked/all",
                "t/acme/revoked/subject/u-42",
                "t/acme/revoked/session/s.1",
                "t/acme/user/u@example.jp",
                &format!("t/acme/user/{digest}"),
                "t/acme/assistant/a1",
                "t/acme/rate/chat/tenant",
                "t/acme/rate/chat/subject/u-42",
            ],
            true,
        ),
        ("nothing", vec![], true),
        ("twice", vec!["t/acme/revoked/all", "t/acme/revoked/all"], false),
        ("a slip", vec!["t/acme/revokd/all"], false),
        ("no tenant", vec!["t//revoked/all"], false),
        ("another prefix", vec!["acme/revoked/all"], false),
        ("something behind", vec!["t/acme/revoked/all/"], false),
        ("nobody", vec!["t/acme/user/"], false),
        ("a name that is stored by its digest", vec!["t/acme/user/u 42"], false),
        ("a digest in capitals", vec![&*format!("t/acme/user/{}", digest.to_uppercase())], false),
        ("no whole digest", vec!["t/acme/user/~0a"], false),
    ] {
        let records: Vec<String> = keys.iter().map(|key| format!("{key:?}:{{\"v\":1}}")).collect();
        let text = format!("{{{}}}", records.join(","));
        assert_eq!(serde_json::from_str::<State>(&text).is_ok(), sound, "{name}");
    }
}
