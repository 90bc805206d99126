use super::{PolicyCopy, run, run_with_input};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

struct Compiled {
    policy: PolicyCopy,
    directory: tempfile::TempDir,
}

impl Compiled {
    fn new() -> Self {
        let compiled = Self { policy: PolicyCopy::new(), directory: tempfile::tempdir().unwrap() };
        run(&["compile", compiled.policy.path(), "-o", &compiled.file()]).succeeded();
        compiled
    }

    fn file(&self) -> String {
        self.directory.path().join("policy.sekisho").to_str().unwrap().to_owned()
    }
}

/// The digest that `check` prints.
fn digest(path: &str) -> String {
    let out = run(&["check", path]).succeeded();
    out.trim_end().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn every_command_takes_it_for_the_directory() {
    let compiled = Compiled::new();
    let (file, directory) = (compiled.file(), compiled.directory.path().to_str().unwrap());
    for path in [file.as_str(), directory] {
        assert_eq!(digest(path), digest(compiled.policy.path()));
        assert_eq!(run(&["check", "--json", path]).succeeded(), "[]\n");
    }
    let question = json!({"method": "GET", "scheme": "https", "target": "/admin/users",
        "headers": [["host", "acme.localhost"]], "peer": "192.0.2.1:1", "now": "2026-11-22T09:00:00Z"});
    let explain = |policy: &str| {
        let ran = run_with_input(&["explain", "--policy", policy], question.to_string().as_bytes());
        (ran.code, ran.out)
    };
    assert_eq!(explain(&file), explain(compiled.policy.path()));
}

#[test]
fn it_says_what_it_wrote_and_writes_it_in_one_step() {
    let compiled = Compiled::new();
    let file = compiled.file();
    let before = std::fs::read(&file).unwrap();
    let said = run(&["compile", "--json", compiled.policy.path(), "-o", &file]).succeeded();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), before, "the same policy, the same bytes");
    assert_eq!(said["bytes"], before.len());
    assert_eq!((&said["tenants"], &said["file"]), (&json!(2), &json!(file)));
    assert_eq!(said["digest"], digest(&file));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "it holds public keys only");
    assert_eq!(std::fs::read_dir(compiled.directory.path()).unwrap().count(), 1, "nothing else");

    compiled.policy.replace("tenants/acme.toml", "regions", "regons");
    run(&["compile", compiled.policy.path(), "-o", &file])
        .failed(2, &["did you mean \"regions\"?", "tenants/acme.toml"]);
    assert_eq!(std::fs::read(&file).unwrap(), before, "a policy with mistakes is not written");
}

#[test]
fn a_damaged_one_is_refused_by_name() {
    let compiled = Compiled::new();
    let file = compiled.file();
    let sound = std::fs::read(&file).unwrap();
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    for (name, bytes) in [
        ("flipped", flipped.as_slice()),
        ("cut", &sound[..sound.len() - 1]),
        ("empty", b""),
        ("not one", b"version = 1\n"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        for command in [&["check", &file][..], &["explain", "--policy", &file]] {
            let ran = run_with_input(command, b"{}");
            ran.failed(2, &["compiled-unsound", &file, "sekisho compile"]);
            assert!(!ran.err.contains("policy.sekisho/policy.sekisho"), "{name}: {}", ran.err);
        }
    }
}

#[test]
fn it_does_not_stand_beside_the_files() {
    let policy = PolicyCopy::new();
    let beside = format!("{}/policy.sekisho", policy.path());
    run(&["compile", policy.path(), "-o", &beside]).failed(2, &["would stand beside the files"]);
    policy.write("policy.sekisho", b"");
    run(&["check", policy.path()]).failed(2, &["compiled-beside-files"]);
    run(&["compile", policy.path(), "-o", "/nowhere/at/all"]).failed(2, &["compiled-beside-files"]);
    let sound = PolicyCopy::new();
    run(&["compile", sound.path(), "-o", "/nowhere/at/all"])
        .failed(2, &["cannot write /nowhere/at/all"]);
}
