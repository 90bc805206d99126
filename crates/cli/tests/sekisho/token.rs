use super::{PolicyCopy, run, run_with_input};
use std::os::unix::fs::PermissionsExt as _;

const ISSUER: &str = "https://issuer.localhost:3481";

struct Keys {
    policy: PolicyCopy,
    key: String,
}

impl Keys {
    fn new(alg: &str) -> Self {
        let policy = PolicyCopy::new();
        let jwks = policy.0.path().join("keys/demo.jwks.json");
        std::fs::remove_file(&jwks).unwrap();
        let key = policy.0.path().join("key.pem").to_str().unwrap().to_owned();
        let jwks = jwks.to_str().unwrap();
        run(&["token", "keygen", "--alg", alg, "--kid", "k", "--out", &key, "--jwks", jwks])
            .succeeded();
        Self { policy, key }
    }

    fn mint(&self, alg: &str, more: &[&str]) -> String {
        let arguments = [
            "token",
            "mint",
            "--key",
            &self.key,
            "--alg",
            alg,
            "--kid",
            "k",
            "--issuer",
            ISSUER,
            "--tenant",
            "acme",
            "--subject",
            "u-42",
            "--role",
            "member",
        ];
        run(&[&arguments, more].concat()).succeeded().trim().to_owned()
    }
}

#[test]
fn what_is_minted_holds_and_for_its_tenant_alone() {
    for alg in ["ES256", "EdDSA"] {
        let keys = Keys::new(alg);
        let token = keys.mint(alg, &["--expires-in", "1h30m"]);
        let judge = |token: &str, host: &str| {
            run(&["token", "inspect", token, "--policy", keys.policy.path(), "--host", host])
        };
        let out = judge(&token, "acme.localhost:3443").succeeded();
        assert!(out.contains("held: u-42 with roles member"), "{out}");
        assert!(out.contains(" JST (in 1h 30m)") || out.contains(" JST (in 1h 29m"), "{out}");
        for (token, host, reason) in [
            (token.clone(), "globex.localhost", "token-tenant-mismatch"),
            (format!("{token}x"), "acme.localhost", "token-malformed"),
            (keys.mint(alg, &["--claim", "exp=0"]), "acme.localhost", "token-expired"),
            (
                keys.mint(alg, &["--issued-at", "2026-11-22T08:59:00+09:00", "--expires-in", "1s"]),
                "acme.localhost",
                "token-expired",
            ),
            (keys.mint(alg, &["--audience", "other"]), "acme.localhost", "token-audience-mismatch"),
            ("garbage".to_owned(), "acme.localhost", "token-malformed"),
            ("a.b.c\u{1b}[2J".to_owned(), "acme.localhost", "token-malformed"),
        ] {
            let ran = judge(&token, host);
            assert_eq!(ran.code, Some(3), "{reason}: {}", ran.err);
            assert!(ran.out.contains(reason) && !ran.out.contains('\u{1b}'), "{}", ran.out);
        }
        judge(&token, "other.localhost").failed(2, &["no tenant", "acme.localhost"]);
    }
}

#[test]
fn without_a_policy_it_is_said_that_nothing_was_verified() {
    let keys = Keys::new("ES256");
    let token = keys.mint("ES256", &["--claim", "note=\"\\u001b[2J\\u009b\\u202e関所\""]);
    let out =
        run_with_input(&["token", "inspect"], format!("Bearer {token}\n").as_bytes()).succeeded();
    assert!(out.contains("Nothing was verified") && out.contains("関所"), "{out}");
    assert!(!out.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{out:?}");
}

#[test]
fn garbage_is_no_token() {
    for garbage in ["", "x", "a.b", "a.b.c", "e30.e30.!", "....", "e30.W10.e30", "関所.関所.関所"]
    {
        run_with_input(&["token", "inspect", "-"], garbage.as_bytes())
            .failed(2, &["this is not a token: "]);
    }
    run_with_input(&["token", "inspect", "-"], &[0xff; 1000]).failed(2, &["this is not a token"]);
    run_with_input(&["token", "inspect", "-"], &vec![b'.'; 100_000])
        .failed(2, &["larger than 64 KiB"]);
}

#[test]
fn a_private_key_is_private_and_never_overwritten() {
    let keys = Keys::new("ES256");
    let mode = std::fs::metadata(&keys.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&keys.key).unwrap();
    let other = keys.policy.0.path().join("other.json");
    let other = other.to_str().unwrap();
    run(&["token", "keygen", "--kid", "k", "--out", &keys.key, "--jwks", other])
        .failed(2, &["key.pem exists already"]);
    assert_eq!(std::fs::read(&keys.key).unwrap(), before);
    assert!(!std::path::Path::new(other).exists());
}

#[test]
fn a_bad_key_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.pem");
    let key = path.to_str().unwrap();
    let mint = |key: &str, more: &[&str]| {
        let arguments = [
            "token",
            "mint",
            "--key",
            key,
            "--kid",
            "k",
            "--issuer",
            "i",
            "--tenant",
            "acme",
            "--subject",
            "s",
        ];
        run(&[&arguments, more].concat())
    };
    mint(key, &[]).failed(2, &["key.pem does not exist"]);
    for text in ["", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&path, text).unwrap();
        mint(key, &[]).failed(2, &["key.pem: the PEM is no ES256 private key"]);
    }
    let keys = Keys::new("ES256");
    mint(&keys.key, &["--alg", "EdDSA"]).failed(2, &["no EdDSA private key"]);
    mint(&keys.key, &["--claim", "a=text"]).failed(2, &["a text needs its quotes"]);
    mint(&keys.key, &["--expires-in", "soon"]).failed(2, &["12h"]);
}
