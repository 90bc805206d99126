use super::{PolicyCopy, root, run};

#[test]
fn a_sound_policy_is_counted() {
    let policy = root().join("policy");
    let out = run(&["check", policy.to_str().unwrap()]).succeeded();
    assert!(out.contains("is sound: 2 tenants, 7 routes, 2 origins, digest "), "{out}");
    assert_eq!(run(&["check", "--json", policy.to_str().unwrap()]).succeeded(), "[]\n");
}

#[test]
fn every_mistake_has_file_line_key_and_remedy() {
    let policy = PolicyCopy::new();
    policy.replace("tenants/acme.toml", "regions", "regons");
    policy.replace("tenants/globex.toml", "203.0.113.0/24", "203.0.113.1/24");
    policy.replace("gateway.toml", "methods = [\"POST\"]", "methods = [\"PSOT\"]");
    let ran = run(&["check", policy.path()]);
    ran.failed(
        2,
        &[
            "tenants/acme.toml:4:1",
            "regons",
            "did you mean \"regions\"?",
            "tenants/globex.toml:14:13",
            "block-host-bits",
            "did you mean \"203.0.113.0/24\"",
            "gateway.toml:",
            "method-unknown",
            "\"PSOT\"",
        ],
    );
    assert!(!ran.err.contains('\u{1b}'), "colours on a pipe: {}", ran.err);
    assert_eq!(ran.out, "");
}

#[test]
fn json_has_the_same_mistakes() {
    let policy = PolicyCopy::new();
    policy.replace("tenants/globex.toml", "keys/demo.jwks.json", "keys/gone.jwks.json");
    policy.write("tenants/No_Tenant.toml", "");
    let ran = run(&["check", "--json", policy.path()]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let faults: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let codes: Vec<_> = faults.as_array().unwrap().iter().map(|fault| &fault["code"]).collect();
    assert_eq!(codes, ["tenant-id-invalid", "jwks-missing"]);
    assert_eq!(faults[0]["line"], serde_json::Value::Null);
    assert_eq!(faults[1]["file"], "tenants/globex.toml");
    assert_eq!((&faults[1]["line"], &faults[1]["column"]), (&21.into(), &13.into()));
    assert_eq!((&faults[1]["end_line"], &faults[1]["end_column"]), (&21.into(), &34.into()));
    assert_eq!(faults[1]["severity"], "error");
    assert!(faults[1]["help"].as_str().is_some_and(|help| !help.is_empty()));
}

#[test]
fn one_file_shows_all_its_slips_at_once() {
    let policy = PolicyCopy::new();
    policy.replace("gateway.toml", "head_fields", "head_field");
    policy.replace("gateway.toml", "connect_ms = 5000", "connect_ms = \"5 s\"");
    policy.replace("gateway.toml", "region = \"jp\"", "");
    policy.write("tenants/acme.toml", "hosts = \nregions = [\"jp\"\n");
    run(&["check", policy.path()]).failed(
        2,
        &[
            "key-unknown",
            "did you mean \"head_fields\"?",
            "value-invalid",
            "invalid type: string \"5 s\"",
            "key-missing",
            "the key \"region\" is missing",
            "toml-invalid",
            "tenants/acme.toml:1:",
        ],
    );
}

#[test]
fn warnings_are_shown_and_can_be_denied() {
    let policy = PolicyCopy::new();
    policy.replace(
        "tenants/acme.toml",
        "\nadmin = [\"127.0.0.0/8\", \"::1/128\"]",
        "\nadmin = \"any\"",
    );
    let shown = ["admin-network-any", "tenants/acme.toml:22:9", "help: list the blocks"];
    let ran = run(&["check", policy.path()]);
    ran.failed(0, &shown);
    assert!(
        ran.out.contains("is sound: 2 tenants, 7 routes, 2 origins, 1 warning, "),
        "{}",
        ran.out
    );
    let ran = run(&["check", "--deny-warnings", policy.path()]);
    ran.failed(2, &shown);
    assert_eq!(ran.out, "");
    for (flags, code) in [(&["--json"][..], 0), (&["--json", "--deny-warnings"], 2)] {
        let ran = run(&[&["check"], flags, &[policy.path()]].concat());
        assert_eq!(ran.code, Some(code), "{flags:?}");
        let warnings: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(warnings[0]["severity"], "warning", "{flags:?}");
    }
    let sound = root().join("policy");
    run(&["check", "--deny-warnings", sound.to_str().unwrap()]).succeeded();
}

#[test]
fn what_is_no_policy_is_one_sentence_or_fault() {
    run(&["check", "/nowhere/at/all"]).failed(2, &["error: /nowhere/at/all does not exist"]);
    run(&["check", "/dev/null"]).failed(2, &["/dev/null is not a directory"]);
    let empty = tempfile::tempdir().unwrap();
    run(&["check", empty.path().to_str().unwrap()]).failed(2, &["file-missing", "no-tenant"]);
    let policy = PolicyCopy::new();
    policy.write("gateway.toml", b"\xff\xfe");
    run(&["check", policy.path()]).failed(2, &["not-utf8", "gateway.toml"]);
}

#[test]
fn a_file_can_not_write_to_the_terminal() {
    let policy = PolicyCopy::new();
    policy.write("gateway.toml", "version = 1\n\"\u{1b}[2J\u{9b}2J\" = 1\n");
    let ran = run(&["check", policy.path()]);
    ran.failed(2, &["gateway.toml:"]);
    assert!(!ran.err.contains(['\u{1b}', '\u{9b}']), "{:?}", ran.err);
}

#[test]
fn colours_are_asked_for() {
    let policy = PolicyCopy::new();
    policy.replace("tenants/acme.toml", "regions", "regons");
    assert!(run(&["check", "--color", "always", policy.path()]).err.contains('\u{1b}'));
    assert!(!run(&["check", "--color", "never", policy.path()]).err.contains('\u{1b}'));
}
