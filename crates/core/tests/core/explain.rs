//! A question as data and its answer as data, key by key.

use super::support::{POLICY, ask};
use sekisho_core::explain::{Question, State, explain};
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
    let want = concat!(
        r#"{"decision":"permit","status":null,"tenant":"globex","route":"chat","client":"203.0.113.9","subject":"u-42","#,
        r#""upstream":{"origin":"assistant-jp","url":"https://assistant.jp.example/api/assistants/a1/chat?x=1","headers":["#,
        r#"["x-tenant-id","globex"],["x-user-id","u-42"],["x-user-roles","member,tester"],"#,
        r#"["x-request-id","00000000000000000000000000000000"],["x-forwarded-for","203.0.113.9"],"#,
        r#"["forwarded","for=203.0.113.9;host=\"globex.example.jp\";proto=https"],"#,
        r#"["x-forwarded-proto","https"],["x-forwarded-host","globex.example.jp"]]},"#,
        r#""steps":[{"step":"transport","outcome":"held"},"#,
        r#"{"step":"canonical","outcome":"held","detail":"POST /api/assistants/a1/chat"},"#,
        r#"{"step":"tenant","outcome":"held","detail":"globex"},"#,
        r#"{"step":"client","outcome":"held","detail":"203.0.113.9"},"#,
        r#"{"step":"route","outcome":"held","detail":"chat"},{"step":"network","outcome":"held"},"#,
        r#"{"step":"token","outcome":"held","detail":"u-42"},{"step":"session","outcome":"held"},"#,
        r#"{"step":"authorize","outcome":"held"},"#,
        r#"{"step":"permit","outcome":"held","detail":"https://assistant.jp.example/api/assistants/a1/chat?x=1"}]}"#,
    );
    assert_eq!(answer(&question(|_| {}), &json!({})), want);
}

#[test]
fn a_denial() {
    let want = concat!(
        r#"{"decision":"deny","reason":"network-not-allowed","status":403,"tenant":"globex","route":"chat","#,
        r#""client":"192.0.2.1","subject":null,"steps":[{"step":"transport","outcome":"held"},"#,
        r#"{"step":"canonical","outcome":"held","detail":"POST /api/assistants/a1/chat"},"#,
        r#"{"step":"tenant","outcome":"held","detail":"globex"},"#,
        r#"{"step":"client","outcome":"held","detail":"192.0.2.1"},{"step":"route","outcome":"held","detail":"chat"},"#,
        r#"{"step":"network","outcome":"denied","detail":"192.0.2.1 is not in the tenant's network business"},"#,
        r#"{"step":"token","outcome":"not-reached"},{"step":"session","outcome":"not-reached"},"#,
        r#"{"step":"authorize","outcome":"not-reached"},{"step":"permit","outcome":"not-reached"}]}"#,
    );
    assert_eq!(answer(&question(|q| q["peer"] = "192.0.2.1:1".into()), &json!({})), want);
}

#[test]
fn outcomes_of_the_steps() {
    let outcomes = |question: &Question, state: Value| {
        let answer: Value = serde_json::from_str(&answer(question, &state)).unwrap();
        let steps = answer["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 10);
        // One letter a step: held, denied, skipped, not reached.
        steps
            .iter()
            .map(|step| step["outcome"].as_str().unwrap().chars().next().unwrap())
            .collect::<String>()
    };
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
        assert_eq!(outcomes(&question, state), want, "{name}");
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
