use super::{PolicyCopy, run, run_with_input};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// An audit record of a member of globex, in its office, who chats; with these members changed.
fn record(change: &Value) -> String {
    let mut record = json!({
        "v": 1, "time": "2026-11-22T09:00:00.000000Z", "request_id": "r-1", "tenant": "globex",
        "host": "globex.localhost", "subject": "u-42", "roles": ["member"], "groups": [],
        "issuer": "https://issuer.localhost:3481", "client": "203.0.113.77", "method": "POST",
        "path": "/api/assistants/a1/chat", "route": "chat", "assistant": null, "origin": "assistant",
        "region": "jp", "decision": "permit", "reason": null, "would_deny": null, "detail": null,
        "status": 200, "policy": "0", "duration_us": 1,
    });
    record.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    record.to_string()
}

/// A record of a request that was refused before its user was known.
fn refused(reason: &str, change: &Value) -> String {
    let mut all = json!({
        "decision": "deny", "reason": reason, "subject": null, "roles": null, "groups": null,
        "issuer": null, "origin": null, "region": null,
    });
    all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    record(&all)
}

fn replay(old: &PolicyCopy, new: &PolicyCopy, lines: &str) -> (Option<i32>, Value) {
    let ran = run_with_input(
        &["diff", old.path(), new.path(), "--replay", "-", "--json"],
        lines.as_bytes(),
    );
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    (ran.code, said["replay"].clone())
}

#[test]
fn changes_come_in_words_the_dangerous_first() {
    let (old, new) = (PolicyCopy::new(), PolicyCopy::new());
    let out = run(&["diff", old.path(), new.path()]).succeeded();
    assert_eq!(out, "Both policies say the same.\n");
    new.replace("gateway.toml", "methods = [\"GET\", \"HEAD\"]", "methods = [\"GET\"]");
    new.replace(
        "tenants/globex.toml",
        "\"2001:db8:42::/48\"",
        "\"2001:db8:42::/48\", \"192.0.2.0/24\"",
    );
    let out = run(&["diff", old.path(), new.path()]).succeeded();
    assert_eq!(
        out,
        "opens    tenant globex: network business: added 192.0.2.0/24\n\
         closes   route health: methods: removed HEAD\n"
    );
    let json = run(&["diff", old.path(), new.path(), "--json"]).succeeded();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["changes"][0]["effect"], "opens");
    assert_eq!(json["replay"], Value::Null);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of named rows is read as one")]
fn each_record_is_judged_under_both_policies() {
    type Change = fn(&PolicyCopy);
    let smaller: Change =
        |new| new.replace("tenants/globex.toml", "203.0.113.0/24", "203.0.113.0/26");
    let wider: Change =
        |new| new.replace("tenants/globex.toml", "203.0.113.0/24", "198.51.100.0/24");
    let admins: Change = |new| {
        new.replace(
            "gateway.toml",
            "first_byte_ms = 60000 }",
            "first_byte_ms = 60000 }\nall_roles = [\"admin\"]",
        );
    };
    let other_issuer: Change =
        |new| new.replace("tenants/globex.toml", "\"ES256\", \"EdDSA\"", "\"ES256\"");
    let no_audience: Change =
        |new| new.replace("tenants/globex.toml", "[\"sekisho\"]", "[\"other\"]");
    let no_revocation: Change =
        |new| new.replace("gateway.toml", "revocation = true", "revocation = false");
    let directory: Change = |new| {
        new.replace("tenants/globex.toml", "[networks]", "directory = \"required\"\n[networks]");
    };
    let no_revocation_but_directory: Change = |new| {
        new.replace("gateway.toml", "revocation = true", "revocation = false");
        new.replace("tenants/globex.toml", "[networks]", "directory = \"optional\"\n[networks]");
    };
    let moved: Change = |new| {
        new.replace("tenants/globex.toml", "globex.localhost", "moved.localhost");
        let hosts = "\"acme.localhost\", \"globex.localhost\"";
        new.replace("tenants/acme.toml", "\"acme.localhost\"", hosts);
    };
    let home = json!({"client": "198.51.100.7"});
    let same = None;
    for (name, record, change, want) in [
        ("the same", record(&json!({})), (|_| {}) as Change, same),
        (
            "out of the network",
            record(&json!({})),
            smaller,
            Some(("permit", "network-not-allowed")),
        ),
        ("still within", record(&json!({"client": "203.0.113.9"})), smaller, same),
        ("without the role", record(&json!({})), admins, Some(("permit", "role-missing"))),
        ("with the role", record(&json!({"roles": ["member", "admin"]})), admins, same),
        (
            "another audience",
            record(&json!({})),
            no_audience,
            Some(("permit", "token-audience-mismatch")),
        ),
        (
            "refused outside, now inside",
            refused("network-not-allowed", &home),
            wider,
            Some(("network-not-allowed", "undetermined beyond the network")),
        ),
        ("refused outside, still", refused("network-not-allowed", &home), smaller, same),
        (
            "no token",
            refused("token-missing", &json!({})),
            smaller,
            Some(("token-missing", "network-not-allowed")),
        ),
        ("a bad token", refused("token-expired", &json!({})), admins, same),
        (
            "a bad token of an issuer that changes",
            refused("token-expired", &json!({})),
            other_issuer,
            Some(("undetermined beyond the network", "undetermined beyond the network")),
        ),
        (
            "a bad token at a host that is another tenant's now",
            refused("token-tenant-mismatch", &json!({})),
            moved,
            Some(("undetermined beyond the network", "undetermined beyond the network")),
        ),
        (
            "a user of whom no directory was asked",
            record(&json!({})),
            directory,
            Some(("permit", "undetermined beyond the network")),
        ),
        (
            "an origin that failed",
            record(&json!({"decision": "deny", "reason": "origin-failed", "status": 502})),
            |_| {},
            same,
        ),
        (
            "permitted, and the gateway's own keys were not there",
            record(&json!({"decision": "deny", "reason": "own-keys-unavailable", "status": 503})),
            |_| {},
            same,
        ),
        (
            "revoked",
            record(&json!({"decision": "deny", "reason": "session-revoked"})),
            admins,
            same,
        ),
        (
            "revoked, and nobody looks",
            record(&json!({"decision": "deny", "reason": "session-revoked"})),
            no_revocation,
            Some(("session-revoked", "permit")),
        ),
        (
            "revoked, and nobody had asked the directory",
            record(&json!({"decision": "deny", "reason": "session-revoked"})),
            no_revocation_but_directory,
            Some(("session-revoked", "undetermined beyond the network")),
        ),
    ] {
        let (old, new) = (PolicyCopy::new(), PolicyCopy::new());
        change(&new);
        let (code, said) = replay(&old, &new, &record);
        match want {
            None => assert_eq!((code, &said["changed"]), (Some(0), &json!(0)), "{name}: {said}"),
            Some((old, new)) if old == new => assert_eq!(said["undetermined"], 1, "{name}: {said}"),
            Some((old, new)) => {
                assert_eq!(code, Some(3), "{name}: {said}");
                let change = &said["changes"][0];
                assert_eq!((&change["old"], &change["new"]), (&json!(old), &json!(new)), "{name}");
                assert_eq!((&change["tenant"], &change["count"]), (&json!("globex"), &json!(1)));
            }
        }
    }
}

#[test]
fn many_records_are_counted_with_one_example_each() {
    let (old, new) = (PolicyCopy::new(), PolicyCopy::new());
    new.replace("tenants/globex.toml", "203.0.113.0/24", "203.0.113.0/26");
    let mut lines = String::new();
    for n in 0..300 {
        let path = format!("/api/assistants/a{n}/chat");
        let _ =
            writeln!(lines, "{}", record(&json!({"path": path, "request_id": format!("r-{n}")})));
    }
    let _ = writeln!(
        lines,
        "{}",
        refused("target-not-canonical", &json!({"host": null, "path": null}))
    );
    lines.push_str(
        "{\"v\":1,\"event\":\"stream-end\",\"request_id\":\"r-0\",\"end\":\"complete\"}\n",
    );
    let (code, said) = replay(&old, &new, &lines);
    assert_eq!(code, Some(3));
    assert_eq!((&said["judged"], &said["changed"]), (&json!(300), &json!(300)), "{said}");
    assert_eq!(said["changes"].as_array().unwrap().len(), 1);
    assert!(
        said["changes"][0]["example"].as_str().unwrap().contains("line 1: POST globex"),
        "{said}"
    );
    assert_eq!(said["not_judged"].as_object().unwrap().values().next(), Some(&json!(1)));
}

#[test]
fn a_bad_line_is_named_and_no_success() {
    let (old, new) = (PolicyCopy::new(), PolicyCopy::new());
    let lines = format!("{}\nnot JSON\n{{\"v\":2,\"decision\":\"permit\"}}\n", record(&json!({})));
    run_with_input(&["diff", old.path(), new.path(), "--replay", "-"], lines.as_bytes())
        .failed(2, &["2 of 3 lines are no audit records", "line 2: ", "line 3: its version is 2"]);
    run(&["diff", old.path(), new.path(), "--replay", "/nowhere"]).failed(2, &["/nowhere"]);
    new.replace("gateway.toml", "version = 1", "version = 9");
    run(&["diff", old.path(), new.path()]).failed(2, &["version-unknown"]);
}
