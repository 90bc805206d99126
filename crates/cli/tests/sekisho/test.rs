use super::{PolicyCopy, root, run};
use serde_json::{Value, json};

const NOW: &str = "2026-11-22T09:00:00Z";

/// A copy of the example policy with one case, about a member who asks for the assistants.
fn with_case(claims: &Value, expected: &Value) -> PolicyCopy {
    let policy = PolicyCopy::new();
    std::fs::create_dir_all(policy.0.path().join("cases/one")).unwrap();
    let request = json!({
        "method": "GET", "scheme": "https", "target": "/api/assistants",
        "headers": [["host", "acme.localhost"]], "peer": "198.51.100.7:1", "now": NOW,
        "claims": claims,
    });
    policy.write("cases/one/request.json", request.to_string());
    policy.write("cases/one/expected.json", expected.to_string());
    policy
}

#[test]
fn the_examples_cases_pass_and_cover_its_routes_and_tenants() {
    let policy = root().join("policy");
    let policy = policy.to_str().unwrap();
    let out = run(&["test", policy, "--require", "routes,tenants"]).succeeded();
    assert!(out.contains("pass  deny-revoked-user\n") && out.contains(" 0 failed\n"), "{out}");
    let json = run(&["test", policy, "--json"]).succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["failed"], 0);
    assert_eq!(json["uncovered"]["routes"], json!([]));
    assert!(json["cases"].as_array().unwrap().iter().all(|case| case["passed"] == true), "{json}");
}

#[test]
fn claims_are_signed_for_the_tenants_issuer() {
    for (name, claims, expected) in [
        ("filled in", json!({"sub": "u", "roles": ["member"]}), json!({"decision": "permit"})),
        (
            "another tenant",
            json!({"sub": "u", "tenant": "globex"}),
            json!({"reason": "token-tenant-mismatch"}),
        ),
        (
            "another issuer",
            json!({"sub": "u", "iss": "https://x"}),
            json!({"reason": "token-issuer-unknown"}),
        ),
        (
            "another audience",
            json!({"sub": "u", "aud": "x"}),
            json!({"reason": "token-audience-mismatch"}),
        ),
        ("expired", json!({"sub": "u", "exp": 1}), json!({"reason": "token-expired"})),
        ("taken away", json!({"sub": "u", "exp": null}), json!({"reason": "token-claims-invalid"})),
        ("no role", json!({"sub": "u"}), json!({"reason": "role-missing", "subject": "u"})),
    ] {
        let ran = run(&["test", with_case(&claims, &expected).path()]);
        assert_eq!(ran.code, Some(0), "{name}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn a_shared_secret_issuer_is_stood_in_for_too() {
    let policy =
        with_case(&json!({"sub": "u", "roles": ["member"]}), &json!({"decision": "permit"}));
    policy.replace("tenants/acme.toml", "[\"ES256\", \"EdDSA\"]", "[\"HS256\"]");
    policy.replace("tenants/acme.toml", "demo.jwks.json", "shared.jwks.json");
    let secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U";
    let set = json!({"keys": [{"kty": "oct", "kid": "s", "alg": "HS256", "k": secret}]});
    policy.write("keys/shared.jwks.json", set.to_string());
    let ran = run(&["test", policy.path()]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}

#[test]
fn a_failing_case_is_3_and_shows_both_sides() {
    let claims = json!({"sub": "u", "roles": ["member"]});
    let policy = with_case(&claims, &json!({"decision": "deny", "reason": "role-missing"}));
    let ran = run(&["test", policy.path()]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    for words in
        ["FAIL  one", "decision: expected \"deny\"", "got      \"permit\"", "0 passed, 1 failed"]
    {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(ran.out.contains("tenants without a case: globex"), "{}", ran.out);
    let ran = run(&["test", policy.path(), "--json"]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let at = &json["cases"][0]["differences"][0];
    assert_eq!(
        (&at["at"], &at["expected"], &at["got"]),
        (&"decision".into(), &"deny".into(), &"permit".into())
    );
}

#[test]
fn what_is_required_must_be_covered() {
    let policy =
        with_case(&json!({"sub": "u", "roles": ["member"]}), &json!({"decision": "permit"}));
    let ran = run(&["test", policy.path(), "--require", "tenants"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.out.contains("not covered: the tenant globex"), "{}", ran.out);
    let ran = run(&["test", policy.path(), "--require", "routes,reasons"]);
    assert!(ran.out.contains("a denied request of the route assistants"), "{}", ran.out);
    assert!(ran.out.contains("the reason rate-limited"), "{}", ran.out);
}

#[test]
fn a_case_that_can_not_be_understood_is_2() {
    let good = json!({"decision": "permit"});
    run(&["test", PolicyCopy::new().path()]).failed(2, &["cannot read", "cases", "--help"]);
    run(&["test", with_case(&json!(1), &good).path()])
        .failed(2, &["one", "\"claims\" is not an object"]);
    run(&["test", with_case(&json!({}), &json!({})).path()]).failed(2, &["one", "expects nothing"]);
    let policy = with_case(&json!({}), &good);
    policy.write("cases/one/request.json", "{}");
    run(&["test", policy.path()]).failed(2, &["one", "request.json is not a request"]);
    policy.write("cases/one/policy", root().join("policy").to_str().unwrap());
    run(&["test", policy.path()]).failed(2, &["one is about"]);
    let policy = with_case(&json!({}), &good);
    policy.replace("keys/demo.jwks.json", "example-1", "sekisho-test");
    run(&["test", policy.path()]).failed(2, &["has a key of the name \"sekisho-test\""]);
}
