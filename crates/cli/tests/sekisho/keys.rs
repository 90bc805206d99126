//! The gateway's own keys, from the file to the answer.

use super::{PolicyCopy, run, sekisho};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn set(file: &Path) -> Vec<Value> {
    let set: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    set["keys"].as_array().unwrap().clone()
}

/// Status and kid of each key for an algorithm.
fn of<'k>(keys: &'k [Value], algorithm: &str) -> Vec<(&'k str, &'k str)> {
    keys.iter()
        .filter(|key| key["alg"] == algorithm)
        .map(|key| (key["status"].as_str().unwrap(), key["kid"].as_str().unwrap()))
        .collect()
}

#[test]
fn keys_are_made_rotated_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let path = file.to_str().unwrap();
    run(&["keys", "new", path]).succeeded();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "its owner's alone");
    let first = set(&file);
    for algorithm in ["EdDSA", "HS256"] {
        let of: Vec<&str> = of(&first, algorithm).iter().map(|(status, _)| *status).collect();
        assert_eq!(of, ["current", "next"], "{algorithm}");
    }

    run(&["keys", "new", path]).failed(2, &["exists already", "sekisho keys rotate"]);
    assert_eq!(set(&file), first, "nothing is overwritten");

    run(&["keys", "rotate", path])
        .failed(2, &["was made", "give the file to every gateway", "--now"]);
    assert_eq!(set(&file), first, "nobody may know the next keys yet");
    // As old as they have to be: the name of a key tells when it was made.
    let old = |keys: &[Value]| -> Vec<Value> {
        let now = sekisho_testing::clock::unix_seconds();
        let aged = |(position, key): (usize, &Value)| {
            let mut key = key.clone();
            if key["status"] == "next" {
                key["kid"] = format!("{}-{position:08x}", now - 600).into();
            }
            key
        };
        keys.iter().enumerate().map(aged).collect()
    };
    let write = |keys: &[Value]| std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let first = old(&first);
    write(&first);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link.json");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    run(&["keys", "rotate", link.to_str().unwrap()]).succeeded();
    assert!(link.is_symlink(), "what a link leads to is rotated");
    assert_eq!(
        file.metadata().unwrap().permissions().mode() & 0o777,
        0o640,
        "whoever read it still does"
    );
    let second = set(&file);
    run(&["keys", "rotate", "--now", path]).succeeded();
    let third = set(&file);
    for algorithm in ["EdDSA", "HS256"] {
        let [one, two, three] = [&first, &second, &third].map(|keys| of(keys, algorithm));
        assert_eq!(two[..2], [("retired", one[0].1), ("current", one[1].1)]);
        assert_eq!(two[2].0, "next");
        assert_eq!(
            three[..2],
            [("retired", two[1].1), ("current", two[2].1)],
            "the first has gone"
        );
        assert_eq!(three.len(), 3);
    }

    let shown = run(&["keys", "show", path]).succeeded();
    let published = run(&["keys", "show", "--jwks", path]).succeeded();
    for key in &third {
        assert!(shown.contains(key["kid"].as_str().unwrap()), "{shown}");
        for secret in [&key["d"], &key["k"]].into_iter().filter_map(Value::as_str) {
            assert!(!shown.contains(secret) && !published.contains(secret));
        }
    }
    let published: Value = serde_json::from_str(&published).unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 3);
    assert!(published["keys"].as_array().unwrap().iter().all(|key| key["kty"] == "OKP"));
}

#[test]
fn a_file_that_is_no_set_is_named_and_not_quoted() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let path = file.to_str().unwrap();
    for (text, words) in [
        ("{\"keys\":[{\"d\":\"S3CRET\"", "not strict JSON"),
        ("{\"keys\":[{\"d\":\"S3CRET\",\"kid\":\"S3CRET\"}]}", "key 1: its \"status\""),
        ("{}", "has no array \"keys\""),
    ] {
        std::fs::write(&file, text).unwrap();
        for command in ["show", "rotate"] {
            let ran = run(&["keys", command, path]);
            ran.failed(2, &["keys.json", words]);
            assert!(!ran.err.contains("S3CRET") && !ran.out.contains("S3CRET"), "{}", ran.err);
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing is lost");
    }
    run(&["keys", "show", "/nowhere/keys.json"]).failed(2, &["/nowhere/keys.json"]);
    run(&["keys", "new", "/nowhere/keys.json"]).failed(2, &["/nowhere/keys.json"]);
}

#[test]
fn a_session_has_what_it_was_asked_for() {
    use base64::Engine as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let path = file.to_str().unwrap();
    run(&["keys", "new", path]).succeeded();
    let keys = set(&file);
    for algorithm in ["HS256", "EdDSA"] {
        let mint = |more: &[&str]| {
            let arguments = ["keys", "session", path, "--issuer", "https://gateway.example.jp"];
            let user = ["--tenant", "acme", "--subject", "u-42", "--role", "member"];
            run(&[&arguments[..], &user, &["--alg", algorithm], more].concat()).succeeded()
        };
        let parts = |token: &str| -> Vec<Value> {
            let decode = |part| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
            let parts = token.trim().split('.').take(2);
            parts.map(|part| serde_json::from_slice(&decode(part).unwrap()).unwrap()).collect()
        };
        let [header, claims] = &parts(&mint(&["--expires-in", "12h"]))[..] else { panic!("parts") };
        let kid = of(&keys, algorithm)[0].1;
        assert_eq!(*header, json!({"alg": algorithm, "typ": "sekisho-session+jwt", "kid": kid}));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 12 * 3600);
        for (name, value) in [("tenant", "acme"), ("sub", "u-42"), ("aud", "sekisho")] {
            assert_eq!(claims[name], value);
        }
        let other = &parts(&mint(&[]))[1]["sid"];
        assert_ne!(claims["sid"], *other, "nobody can guess it");
        assert_eq!(parts(&mint(&["--sid", "s-1"]))[1]["sid"], "s-1");
    }
    for (more, words) in [
        (&["--subject", "u 1"][..], "the subject is not"),
        (&["--subject", "u-1", "--role", "a,b"], "\"a,b\" is not"),
        (&["--subject", "u-1", "--sid", ""], "the session is not"),
        (&["--subject", "u-1", "--expires-in", "9999999h"], "can't live that long"),
    ] {
        let arguments = ["keys", "session", path, "--issuer", "g", "--tenant", "acme"];
        run(&[&arguments, more].concat()).failed(2, &[words]);
    }
}

/// A gateway whose policy needs its own keys does not start without.
#[test]
fn a_gateway_without_the_keys_that_it_needs_does_not_start() {
    let (application, policy) = (super::up::application(), PolicyCopy::new());
    policy.replace(
        "gateway.toml",
        "[state]\n",
        "[assertion]\nissuer = \"https://g.example\"\n[state]\n",
    );
    let directory = tempfile::tempdir().unwrap();
    let up = |environment: Option<&str>, more: &[&str]| {
        let mut command = sekisho();
        command.args([
            "up",
            "--listen",
            "127.0.0.1:0",
            "--state",
            "memory",
            "--policy",
            policy.path(),
        ]);
        command.args(more).current_dir(application.path());
        command.envs(environment.map(|keys| ("SPIN_VARIABLE_SEKISHO_KEYS", keys)));
        super::Ran::of(&command.output().unwrap())
    };
    up(None, &[]).failed(2, &["needs the gateway's own keys", "sekisho keys new", "--keys"]);
    up(Some(""), &[]).failed(2, &["needs the gateway's own keys"]);
    let ran = up(Some("{\"keys\":\"S3CRET\"}"), &[]);
    ran.failed(2, &["SPIN_VARIABLE_SEKISHO_KEYS: not a JWK Set"]);
    assert!(!ran.err.contains("S3CRET"), "{}", ran.err);
    let file = directory.path().join("keys.json");
    std::fs::write(&file, "S3CRET").unwrap();
    let ran = up(None, &["--keys", file.to_str().unwrap()]);
    ran.failed(2, &["keys.json: not strict JSON"]);
    assert!(!ran.err.contains("S3CRET"), "{}", ran.err);
    up(None, &["--keys", "/nowhere"]).failed(2, &["/nowhere"]);

    // Sound keys of another kind, and a manifest that does not hand them on.
    let path = file.to_str().unwrap();
    std::fs::remove_file(&file).unwrap();
    run(&["keys", "new", path]).succeeded();
    let secrets: Vec<Value> = set(&file).into_iter().filter(|key| key["alg"] == "HS256").collect();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, json!({"keys": secrets}).to_string()).unwrap();
    up(None, &["--keys", path]).failed(2, &["keys.json has no key for EdDSA", "keys rotate adds"]);
    std::fs::write(&file, whole).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = up(None, &["--keys", path]);
    ran.failed(2, &["others can read", "chmod 600", "gateway.wasm"]);
    let manifest = application.path().join("spin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let without =
        text.replace("[component.gateway.variables]\nsekisho_keys = \"{{ sekisho_keys }}\"\n", "");
    assert_ne!(text, without);
    std::fs::write(&manifest, without).unwrap();
    up(None, &["--keys", path])
        .failed(2, &["does not give the gateway its keys", "[component.gateway.variables]"]);
}

/// `explain` and `test` judge sessions as the gateway does.
#[test]
fn a_session_is_explained_with_the_keys_that_signed_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (keys, others, asked) = (file("keys.json"), file("others.json"), file("request.json"));
    run(&["keys", "new", &keys]).succeeded();
    run(&["keys", "new", &others]).succeeded();
    let policy = PolicyCopy::new();
    let issuer = "[[issuers]]\nissuer = \"https://issuer.localhost:3481\"";
    let own = "[[issuers]]\nissuer = \"https://gateway.example.jp\"\naudiences = [\"sekisho\"]\n\
               algorithms = [\"HS256\"]\nown_keys = true\ntenant_claim = \"tenant\"\n\n";
    policy.replace("tenants/acme.toml", issuer, &format!("{own}{issuer}"));
    let token = run(&[
        "keys",
        "session",
        &keys,
        "--issuer",
        "https://gateway.example.jp",
        "--tenant",
        "acme",
        "--subject",
        "u-42",
        "--role",
        "member",
    ])
    .succeeded();
    let bearer = format!("Bearer {}", token.trim());
    let now = jiff_now();
    let request = json!({"method": "GET", "scheme": "https", "target": "/api/assistants",
        "headers": [["host", "acme.localhost"], ["authorization", bearer]],
        "peer": "127.0.0.1:50211", "now": now});
    std::fs::write(&asked, request.to_string()).unwrap();
    let explain =
        |more: &[&str]| run(&[&["explain", "--policy", policy.path(), &asked], more].concat());
    let inspect = |keys: &str| {
        let judged = ["--policy", policy.path(), "--host", "acme.localhost", "--keys", keys];
        run(&[&["token", "inspect", token.trim()][..], &judged].concat())
    };
    assert!(inspect(&keys).succeeded().contains("held: u-42"));
    assert!(inspect(&others).out.contains("token-key-unknown"));
    let out = explain(&["--keys", &keys]).succeeded();
    assert!(out.contains("PERMITTED") && out.contains("u-42"), "{out}");
    for (more, code, reason) in [
        (&["--keys", &others][..], 3, "token-key-unknown"),
        (&[], 3, "keys-unavailable"),
        (&["--keys", "/nowhere/keys.json"], 2, "/nowhere/keys.json"),
    ] {
        let ran = explain(more);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert!(ran.out.contains(reason) || ran.err.contains(reason), "{}{}", ran.out, ran.err);
    }
    // A case beside the policy gives claims, and a test key stands in for the gateway's.
    let case = policy.0.path().join("cases/permit-own");
    std::fs::create_dir_all(&case).unwrap();
    let claims = json!({"iss": "https://gateway.example.jp", "sub": "u-1", "roles": ["member"]});
    let asked = json!({"method": "GET", "scheme": "https", "target": "/api/assistants",
        "headers": [["host", "acme.localhost"]], "claims": claims, "peer": "127.0.0.1:50211", "now": now});
    std::fs::write(case.join("request.json"), asked.to_string()).unwrap();
    std::fs::write(case.join("expected.json"), "{\"decision\":\"permit\",\"subject\":\"u-1\"}")
        .unwrap();
    run(&["test", policy.path()]).succeeded();
}

fn jiff_now() -> String {
    let seconds = i64::try_from(sekisho_testing::clock::unix_seconds()).unwrap();
    sekisho_core::Timestamp::from_second(seconds).unwrap().to_string()
}
