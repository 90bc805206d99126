use super::{Ran, run, run_with_input, sekisho};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A trail of these lines.
fn trail(lines: &[String]) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail").to_str().unwrap().to_owned();
    write(&path, lines, &[]).succeeded();
    (directory, path)
}

fn write(directory: &str, lines: &[String], more: &[&str]) -> Ran {
    let input: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    run_with_input(&[&["audit", "write", "--dir", directory], more].concat(), input.as_bytes())
}

fn record(n: u32, tenant: &str, user: &str, reason: Option<&str>) -> String {
    let decision = if reason.is_some() { "deny" } else { "permit" };
    let reason = reason.map_or_else(|| "null".to_owned(), |reason| format!("{reason:?}"));
    format!(
        r#"{{"v":1,"time":"2026-11-28T{:02}:30:00.000000Z","request_id":"r-{n}","tenant":"{tenant}","subject":"{user}","client":"203.0.113.{n}","method":"GET","path":"/files/{n}","route":"files","origin":"assistant","decision":"{decision}","reason":{reason},"status":{}}}"#,
        n % 24,
        if decision == "permit" { 200 } else { 403 }
    )
}

/// Ten requests of two tenants, a stream that was cut, and a line that is no record.
fn example() -> (tempfile::TempDir, String) {
    let mut lines: Vec<String> = (0..10)
        .map(|n| {
            let tenant = if n < 7 { "acme" } else { "globex" };
            record(n, tenant, &format!("u-{}", n % 3), (n % 4 == 3).then_some("role-missing"))
        })
        .collect();
    lines.push(
        r#"{"v":1,"event":"stream-end","time":"2026-11-28T11:00:00.000000Z","request_id":"r-2","tenant":"acme","subject":"u-2","end":"denied","reason":"user-left","bytes":7}"#
            .to_owned(),
    );
    lines.push("\u{1b}[2Jpanicked".to_owned());
    trail(&lines)
}

fn ids(out: &str) -> Vec<String> {
    let record = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let id = |line: &str| record(line)["request_id"].as_str().map(str::to_owned);
    out.lines().filter_map(id).collect()
}

fn show(directory: &str, more: &[&str]) -> String {
    run(&[&["audit", "show", directory], more].concat()).succeeded()
}

fn files(directory: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|name| name == "jsonl")).collect()
}

fn edit(directory: &str, from: &str, to: &str) {
    let path = files(directory).remove(0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn records_are_shown_by_what_they_say() {
    let (_keep, directory) = example();
    let requests =
        |more: &[&str]| ids(&show(&directory, &[&["--json", "--event", "request"], more].concat()));
    assert_eq!(requests(&[]).len(), 10);
    for (more, want) in [
        (&["--tenant", "globex"][..], &["r-7", "r-8", "r-9"][..]),
        (&["--decision", "deny"], &["r-3", "r-7"]),
        (&["--reason", "role-missing", "--tenant", "acme"], &["r-3"]),
        (&["--user", "u-1", "--route", "files"], &["r-1", "r-4", "r-7"]),
        (&["--client", "203.0.113.5"], &["r-5"]),
        (&["--request-id", "r-6"], &["r-6"]),
        (&["--text", "/files/8"], &["r-8"]),
        (&["--last", "2"], &["r-8", "r-9"]),
        (&["--origin", "other"], &[]),
        // 18:00 JST is 09:00 UTC.
        (&["--since", "2026-11-28 18:00"], &["r-9"]),
        (&["--since", "2026-11-28 09:00", "--tz", "UTC"], &["r-9"]),
        (&["--until", "2026-11-28 10:00"], &["r-0"]),
        (&["--until", "2026-11-28T01:00:00Z"], &["r-0"]),
        (&["--until", "2026-11-27"], &[]),
    ] {
        assert_eq!(requests(more), want, "{more:?}");
    }
    let text = show(&directory, &[]);
    assert!(text.contains("2026-11-28 12:30:00 JST  deny 403"), "{text}");
    assert!(
        text.contains("acme         u-0              203.0.113.3      GET /files/3 (files)"),
        "{text}"
    );
    assert!(text.contains("stream cut") && text.contains("?[2Jpanicked"), "{text}");
    assert!(!text.contains('\u{1b}'));
    let text = show(&directory, &["--tz", "Europe/Berlin", "--request-id", "r-3"]);
    assert!(text.contains("2026-11-28 04:30:00 CET"), "{text}");
}

#[test]
fn wrong_questions_are_told() {
    let (_keep, directory) = example();
    for (arguments, texts) in [
        (&["--since", "soon"][..], &["\"soon\" is no time", "how long ago"][..]),
        (&["--tz", "Mars"], &["no time zone \"Mars\"", "IANA"]),
        (&["--since", "1h", "--until", "2h"], &["--until is not after --since"]),
        (&["--decision", "maybe"], &["maybe"]),
    ] {
        run(&[&["audit", "show", &directory], arguments].concat()).failed(2, texts);
    }
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    for command in ["show", "verify", "report"] {
        run(&["audit", command, empty]).failed(2, &["has no audit trail", "sekisho up"]);
    }
    run(&["audit", "show", "/nowhere"]).failed(2, &["/nowhere"]);
    let nobody = sekisho().args(["audit", "show"]).current_dir(empty).output().unwrap();
    Ran::of(&nobody).failed(2, &["no spin.toml"]);
    run(&["audit", "verify", &directory, "--checkpoint", "7:abc"]).failed(2, &["SEQ:HASH"]);
    run(&["audit", "verify", &directory, "--keys", "/nowhere"]).failed(2, &["/nowhere"]);
}

#[test]
fn what_comes_is_followed() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let (_keep, directory) = example();
    let mut reader = sekisho()
        .args([
            "audit", "show", &directory, "--json", "--follow", "--last", "1", "--event", "request",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines();
    let mut next = || ids(&lines.next().unwrap().unwrap());
    assert_eq!(next(), ["r-9"]);
    let mut writer = sekisho()
        .args(["audit", "write", "--dir", &directory])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = writer.stdin.take().unwrap();
    for n in 20..23 {
        writeln!(input, "{}", record(n, "acme", "u-1", None)).unwrap();
        assert_eq!(next(), [format!("r-{n}")]);
    }
    drop(input);
    assert!(writer.wait().unwrap().success());
    reader.kill().unwrap();
    reader.wait().unwrap();
}

#[test]
fn tampering_is_named_and_the_exit_code_says_so() {
    let (_keep, directory) = example();
    let out = run(&["audit", "verify", &directory]).succeeded();
    assert!(
        out.starts_with("sound: 14 records in 1 files, 1 to 14; 0 signed checkpoints, 2 not"),
        "{out}"
    );
    assert!(out.contains("no checkpoint is signed: whoever can write the directory"), "{out}");
    let kept = out.lines().find(|line| line.starts_with("14:")).unwrap().to_owned();
    run(&["audit", "verify", &directory, "--checkpoint", &kept]).succeeded();

    edit(&directory, "\"r-4\",\"tenant\":\"acme\"", "\"r-4\",\"tenant\":\"evil\"");
    let ran = run(&["audit", "verify", &directory]);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    let file = files(&directory).remove(0);
    let file = file.file_name().unwrap().to_str().unwrap();
    let want = format!("edited     record 6, {file}:6, request r-4, 2026-11-28 13:30:00 JST: ");
    assert!(ran.out.contains(&want), "{}", ran.out);
    let json = run(&["audit", "verify", &directory, "--json"]);
    assert_eq!(json.code, Some(3));
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["sound"], false);
    assert_eq!(json["faults"][0]["kind"], "edited");
    assert_eq!(json["faults"][0]["first"]["request_id"], "r-4");
}

#[test]
fn checkpoints_are_signed_by_the_gateways_own_keys_and_checked_by_the_public_ones() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (keys, others, trail) = (path("keys.json"), path("others.json"), path("trail"));
    run(&["keys", "new", &keys]).succeeded();
    run(&["keys", "new", &others]).succeeded();
    let lines: Vec<String> = (0..5).map(|n| record(n, "acme", "u-1", None)).collect();
    write(&trail, &lines, &["--keys", &keys]).succeeded();
    let public = path("public.json");
    std::fs::write(&public, run(&["keys", "show", &keys, "--jwks"]).succeeded()).unwrap();
    for known in [&public, &keys] {
        let out = run(&["audit", "verify", &trail, "--keys", known]).succeeded();
        assert!(out.contains("2 signed checkpoints, 0 not signed"), "{out}");
        assert!(!out.contains("note:"), "{out}");
    }
    let ran = run(&["audit", "verify", &trail, "--keys", &others]);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    assert!(ran.out.contains("signature"), "{}", ran.out);
    // Both sets: as after a rotation.
    run(&["audit", "verify", &trail, "--keys", &others, "--keys", &public]).succeeded();
    // Whoever signs no longer can't hide it.
    write(&trail, &lines, &[]).succeeded();
    let ran = run(&["audit", "verify", &trail, "--keys", &public]);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    assert!(ran.out.contains("it is not signed, and one before it is"), "{}", ran.out);
    // Nothing of a secret is in what was written.
    let secrets: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&keys).unwrap()).unwrap();
    for key in secrets["keys"].as_array().unwrap() {
        for name in ["d", "k"] {
            let Some(secret) = key[name].as_str() else { continue };
            for file in files(&trail) {
                assert!(!std::fs::read_to_string(file).unwrap().contains(secret));
            }
        }
    }
}

#[test]
fn a_report_says_who_was_affected_and_since_when() {
    let (_keep, directory) = example();
    let out = run(&["audit", "report", &directory, "--json", "--since", "2026-11-28"]).succeeded();
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["since"], "2026-11-27T15:00:00Z");
    let acme = &json["tenants"][0];
    assert_eq!(acme["tenant"], "acme");
    assert_eq!((&acme["permitted"], &acme["denied"]), (&6.into(), &1.into()));
    assert_eq!((&acme["streams_cut"], &acme["user_count"]), (&1.into(), &3.into()));
    assert_eq!(acme["first"], "2026-11-28T00:30:00Z");
    assert_eq!(acme["last"], "2026-11-28T11:00:00Z");
    assert_eq!(acme["reasons"], serde_json::json!({"role-missing": 1, "user-left": 1}));
    assert_eq!(acme["routes"], serde_json::json!({"files": 7}));
    assert_eq!(acme["users"][0]["subject"], "u-0");
    assert_eq!(acme["users"][0]["first"], "2026-11-28T00:30:00Z");

    let text = run(&["audit", "report", &directory, "--users", "1", "--reason", "role-missing"])
        .succeeded();
    assert!(text.starts_with("From the beginning to now: 2 tenants affected"), "{text}");
    assert!(text.contains("first      2026-11-28 12:30:00 JST"), "{text}");
    assert!(text.contains("    u-0                  0 permitted, 1 denied"), "{text}");
    let text =
        run(&["audit", "report", &directory, "--users", "1", "--tenant", "acme"]).succeeded();
    assert!(text.contains("and 2 more: --users 3"), "{text}");
}

#[test]
fn two_generations_are_kept_and_one_is_restored() {
    let (keep, directory) = example();
    let path = |name: &str| keep.path().join(name).to_str().unwrap().to_owned();
    let (backups, restored) = (path("backups"), path("restored"));
    let mut made = Vec::new();
    for _ in 0..3 {
        let out = run(&["audit", "backup", &directory, "--to", &backups]).succeeded();
        made.push(out.split(": ").next().unwrap().to_owned());
    }
    assert_eq!(std::fs::read_dir(&backups).unwrap().count(), 2);
    assert!(!Path::new(&made[0]).exists());
    run(&["audit", "verify", &made[2]]).succeeded();
    run(&["audit", "restore", &made[2], &restored]).succeeded();
    run(&["audit", "verify", &restored]).succeeded();
    assert_eq!(show(&restored, &["--json"]), show(&directory, &["--json"]));
    run(&["audit", "restore", &made[2], &restored]).failed(2, &["is not empty"]);
    // A gateway goes on with what was restored.
    write(&restored, &[record(30, "acme", "u-1", None)], &[]).succeeded();
    run(&["audit", "verify", &restored]).succeeded();

    edit(&directory, "\"r-4\"", "\"r-5\"");
    run(&["audit", "backup", &directory, "--to", &backups])
        .failed(2, &["its chain does not hold", "the newest that holds is kept"]);
    assert!(Path::new(&made[2]).exists());
    edit(&made[2], "\"r-4\"", "\"r-5\"");
    run(&["audit", "restore", &made[2], &path("other")]).failed(2, &["not what the manifest says"]);
    assert!(!Path::new(&path("other")).exists());
}

#[test]
fn a_writer_takes_whatever_comes_and_is_the_only_one() {
    use std::io::Write as _;
    use std::process::Stdio;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail").to_str().unwrap().to_owned();
    let mut child =
        sekisho().args(["audit", "write", "--dir", &path]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\xff\x00\n").unwrap();
    input.write_all(&vec![b'x'; 200_000]).unwrap();
    input.write_all(b"\n{\"event\":\"checkpoint\"}\nno line feed").unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !Path::new(&path).join("head").exists() {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    write(&path, &[], &[]).failed(2, &["is written by another program", "of its own"]);
    // It ends with its input, and not before.
    let pid = child.id().to_string();
    for signal in ["-TERM", "-INT"] {
        std::process::Command::new("kill").args([signal, &pid]).status().unwrap();
    }
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none());
    drop(input);
    assert!(child.wait().unwrap().success());
    let out = run(&["audit", "verify", &path]).succeeded();
    assert!(out.starts_with("sound: 9 records"), "{out}");
}
