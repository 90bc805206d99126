use super::{PolicyCopy, root, run, run_with_input, sekisho};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

const NOW: &str = "2026-11-22T09:00:00Z";

fn policy() -> String {
    root().join("policy").to_str().unwrap().to_owned()
}

fn question(target: &str) -> Value {
    json!({"method": "GET", "scheme": "https", "target": target, "headers": [["host", "acme.localhost"]],
           "peer": "127.0.0.1:50211", "now": NOW})
}

#[test]
fn exit_codes_tell_permit_from_deny_from_mistake() {
    let policy = policy();
    let arguments = ["explain", "--json", "--policy", &policy];
    let ran = run_with_input(&arguments, question("/healthz").to_string().as_bytes());
    let answer: Value = serde_json::from_str(&ran.succeeded()).unwrap();
    assert_eq!(answer["decision"], "permit");
    assert_eq!(answer["status"], Value::Null);
    assert_eq!(answer["upstream"]["url"], "http://127.0.0.1:3480/healthz");

    let ran = run_with_input(&arguments, question("/api/assistants").to_string().as_bytes());
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(answer["decision"], "deny");
    assert_eq!((&answer["reason"], &answer["status"]), (&json!("token-missing"), &json!(401)));
    assert_eq!(answer["tenant"], "acme");
    assert_eq!(answer["steps"].as_array().unwrap().len(), 10);
    assert_eq!(ran.err, "");

    for (input, text) in [
        (&b"{"[..], "is not a request"),
        (b"", "it is empty"),
        (b"\xff", "it is not UTF-8"),
        (b"{\"method\":\"GET\",\"colour\":1}", "colour"),
    ] {
        run_with_input(&arguments, input).failed(2, &["error: the standard input", text]);
    }
    let long = vec![b' '; 2 * 1024 * 1024];
    run_with_input(&arguments, &long).failed(2, &["larger than 1 MiB"]);
}

#[test]
fn people_get_ten_lines_with_the_one_that_fell() {
    let mut asked = question("/api/assistants");
    asked["headers"] = json!([["host", "globex.localhost"], ["authorization", "Bearer s3cret"]]);
    let asked = asked.to_string();
    let policy = policy();
    let ran = run_with_input(&["explain", "--policy", &policy], asked.as_bytes());
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(
        ran.out.starts_with("DENIED 403 network-not-allowed  globex · assistants\n"),
        "{}",
        ran.out
    );
    let line = " 6 network    denied       127.0.0.1 · globex's network business: 2 ranges · \
                127.0.0.1 is not in the tenant's network business";
    assert!(ran.out.lines().any(|said| said == line), "{}", ran.out);
    assert_eq!(ran.out.lines().filter(|said| said.ends_with("not reached")).count(), 4);
    assert!(!ran.out.contains("s3cret") && !ran.out.contains('\u{1b}'), "{}", ran.out);
    let coloured = ["explain", "--policy", &policy, "--color", "always"];
    assert!(run_with_input(&coloured, asked.as_bytes()).out.contains("\u{1b}[1;31mdenied"));
}

#[test]
fn a_broken_policy_is_shown_as_check_shows_it() {
    let policy = PolicyCopy::new();
    policy.replace("tenants/acme.toml", "regions", "regons");
    let input = question("/healthz").to_string();
    run_with_input(&["explain", "--policy", policy.path()], input.as_bytes())
        .failed(2, &["tenants/acme.toml:4:1", "did you mean"]);
}

#[test]
fn a_batch_answers_line_for_line_and_survives_bad_lines() {
    let long = format!("{{\"method\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let lines = [
        question("/healthz").to_string(),
        "not JSON".to_owned(),
        question("/nowhere").to_string(),
        String::new(),
        long,
        question("/healthz").to_string(),
    ];
    let ran =
        run_with_input(&["explain", "--policy", &policy(), "--batch"], lines.join("\n").as_bytes());
    ran.failed(2, &["3 of 6 lines of the standard input are no requests"]);
    let answers: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 6);
    assert_eq!(answers[0]["decision"], "permit");
    assert!(answers[1]["error"].as_str().unwrap().starts_with("line 2: "), "{}", answers[1]);
    assert_eq!(answers[2]["reason"], "route-not-found");
    assert_eq!(answers[3]["error"], "line 4: it is empty");
    assert_eq!(answers[4]["error"], "line 5: longer than 1 MiB");
    assert_eq!(answers[5]["decision"], "permit");
}

#[test]
fn a_batch_of_denials_is_done_all_the_same() {
    let ran = run_with_input(
        &["explain", "--policy", &policy(), "--batch", "-"],
        format!("{}\n", question("/nowhere")).as_bytes(),
    );
    assert_eq!(ran.succeeded().lines().count(), 1);
}

#[test]
fn a_batch_answers_before_the_next_question() {
    let mut child = sekisho()
        .args(["explain", "--policy", &policy(), "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for target in ["/healthz", "/nowhere"] {
        writeln!(stdin, "{}", question(target)).unwrap();
        stdin.flush().unwrap();
        assert!(answers.next().unwrap().unwrap().contains("decision"), "{target}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn state_is_looked_at() {
    let policy = PolicyCopy::new();
    let path = |name: &str| policy.0.path().join(name).to_str().unwrap().to_owned();
    std::fs::remove_file(path("keys/demo.jwks.json")).unwrap();
    let (key, jwks) = (path("key.pem"), path("keys/demo.jwks.json"));
    run(&["token", "keygen", "--kid", "k", "--out", &key, "--jwks", &jwks]).succeeded();
    let token = run(&[
        "token",
        "mint",
        "--key",
        &key,
        "--kid",
        "k",
        "--issuer",
        "https://issuer.localhost:3481",
        "--tenant",
        "acme",
        "--subject",
        "u-42",
        "--role",
        "member",
        "--claim",
        "iat=1795338000",
        "--claim",
        "nbf=1795338000",
        "--claim",
        "exp=1795341600",
    ])
    .succeeded();
    let mut asked = question("/api/assistants");
    let bearer = format!("Bearer {}", token.trim());
    asked["headers"].as_array_mut().unwrap().push(json!(["authorization", bearer]));
    asked["now"] = "2026-11-22T09:00:30Z".into();
    policy.write("request.json", asked.to_string());
    let request = path("request.json");
    let out = run(&["explain", "--policy", policy.path(), &request]).succeeded();
    assert!(out.starts_with("PERMITTED  acme · assistants · u-42\n"), "{out}");
    for words in ["a bearer token", "t/acme/revoked/all (absent)", "What the origin sees:"] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains(token.trim()) && !out.contains('\u{1b}'), "{out}");

    policy.write("state.json", r#"{"t/acme/revoked/subject/u-42": {"v": 1}}"#);
    let state = path("state.json");
    let ran = run(&["explain", "--policy", policy.path(), "--state", &state, "--json", &request]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.out.contains("\"session-revoked\"") && ran.out.lines().count() == 1, "{}", ran.out);

    policy.write("state.json", "[]");
    run(&["explain", "--policy", policy.path(), "--state", &state, &request])
        .failed(2, &["state.json is not a state file"]);
}
