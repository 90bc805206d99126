//! Users, sessions, labels and networks in a store that no gateway has.

use super::{PolicyCopy, Ran, run, run_with_input};
use sekisho_host::State;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

struct Site {
    policy: PolicyCopy,
    files: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        // A gateway makes it.
        sekisho_host::open(&State::Disk(files.path().join("state"))).unwrap();
        Self { policy: PolicyCopy::new(), files }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.files.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> Ran {
        let state = self.files.path().join("state");
        let place = ["--policy", self.policy.path(), "--state", state.to_str().unwrap()];
        run(&[words, &place[..], &["--tenant", "acme"]].concat())
    }
}

#[test]
fn a_file_is_imported_whole_or_not_at_all() {
    let site = Site::new();
    let file = site.file(
        "staff.csv",
        "ユーザーID,メールアドレス,氏名,ロール,グループ,状態\r\n\
         u-1,hanako@acme.example,佐藤 花子,member,営業部,\r\n\
         u-2,taro@acme.example,鈴木 太郎,member;admin,,\r\n",
    );
    let dry = site.run(&["users", "import", &file, "--dry-run"]).succeeded();
    assert!(
        dry.contains("+ u-2 joins (member;admin)") && dry.contains("nothing was changed"),
        "{dry}"
    );
    assert!(site.run(&["users", "list"]).succeeded().is_empty());
    let ran = site.run(&["users", "import", &file]);
    assert!(ran.err.contains("directory = \"off\""), "nobody looks at it: {}", ran.err);
    assert!(ran.succeeded().contains("2 join, 0 change"));
    let bad =
        site.file("bad.csv", "user_id,roles,state\nu-3,member,\nu 4,mem ber,perhaps\nu-3,,\n");
    let ran = site.run(&["users", "import", &bad]);
    ran.failed(2, &["bad.csv:3, user_id: \"u 4\"", "bad.csv:4: \"u-3\" stands in line 2"]);
    let listed = site.run(&["users", "list"]).succeeded();
    let want = "u-1\tactive\thanako@acme.example\t佐藤 花子\tmember\t営業部\n\
                u-2\tactive\ttaro@acme.example\t鈴木 太郎\tmember;admin\t-\n";
    assert_eq!(listed, want);

    let moved = site.file("moved.csv", "user_id,roles\nu-2,member\nu-3,member\n");
    let shown = site.run(&["users", "import", &moved, "--complete"]).succeeded();
    assert!(shown.contains("- u-1 leaves\n"), "{shown}");
    assert!(shown.contains("~ u-2 roles: \"admin;member\" → \"member\"\n"), "{shown}");
    let json = site.run(&["users", "list", "--standing", "left", "--json"]).succeeded();
    let left: Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((&left["user_id"], &left["name"]), (&"u-1".into(), &"佐藤 花子".into()));
}

#[test]
fn what_is_exported_can_be_imported() {
    let site = Site::new();
    let (shift_jis, ..) =
        encoding_rs::SHIFT_JIS.encode("user_id,氏名,roles\nu-1,'=ソ能,\nu-2,\"髙橋, 花\",member\n");
    let file = site.file("staff.csv", shift_jis);
    assert!(site.run(&["users", "import", &file]).succeeded().contains("(Shift_JIS)"));
    for more in [&[][..], &["--shift-jis"]] {
        let path = site.files.path().join("export.csv");
        let path = path.to_str().unwrap();
        site.run(&[&["users", "export", "-o", path], more].concat()).succeeded();
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.starts_with(b"\xEF\xBB\xBF"), more.is_empty());
        let shown = site.run(&["users", "import", path]).succeeded();
        assert!(shown.contains("0 join, 0 change, 0 are suspended, 0 leave, 2 stay"), "{shown}");
    }
    let exported = site.run(&["users", "export"]).succeeded();
    assert!(exported.contains("\r\nu-1,,'=ソ能,,,active\r\n"), "a formula: {exported:?}");
    let utf16 = site.file("utf16.csv", b"\xFF\xFEu\0");
    site.run(&["users", "import", &utf16])
        .failed(2, &["utf16.csv:1: the file is UTF-16", "CSV UTF-8"]);
    site.run(&["users", "import", &file, "--encoding", "utf-8"]).failed(2, &["this is not UTF-8"]);
}

#[test]
fn a_file_that_was_cut_off_shuts_nobody_out() {
    let site = Site::new();
    let mut all = "user_id\n".to_owned();
    (0..30).for_each(|n| writeln!(all, "u-{n}").unwrap());
    let file = site.file("all.csv", &all);
    site.run(&["users", "import", &file]).succeeded();
    let cut = site.file("cut.csv", "user_id\nu-1\n");
    let ran = site.run(&["users", "import", &cut, "--complete"]);
    ran.failed(2, &["29 of 30 users who may come would be shut out", "--force"]);
    let nobody = site.file("nobody.csv", "user_id\n");
    site.run(&["users", "import", &nobody, "--complete"]).failed(2, &["30 of 30"]);
    assert!(site.run(&["users", "list", "--standing", "left"]).succeeded().is_empty());
    site.run(&["users", "import", &cut, "--complete", "--force"]).succeeded();
    assert_eq!(site.run(&["users", "list", "--standing", "left"]).succeeded().lines().count(), 29);
}

#[test]
fn users_are_suspended_and_come_back() {
    let site = Site::new();
    let file = site.file("staff.csv", "user_id,roles\nu-1,member\n");
    site.run(&["users", "import", &file]).succeeded();
    assert_eq!(site.run(&["users", "suspend", "u-1"]).succeeded(), "u-1 is suspended\n");
    assert_eq!(site.run(&["users", "suspend", "u-1"]).succeeded(), "u-1 is suspended\n");
    for words in [["users", "suspend", "u-1"], ["users", "leave", "u-1"]] {
        site.run(&words).succeeded();
        let silent = site.run(&["users", "import", &file]).succeeded();
        assert!(silent.contains("0 join") && silent.contains("such as u-1"), "{silent}");
    }
    assert_eq!(site.run(&["users", "return", "u-1"]).succeeded(), "u-1 is active\n");
    site.run(&["users", "leave", "u-9"])
        .failed(2, &["\"u-9\" is no user of acme", "sekisho revoke"]);
    site.run(&["revoke", "--user", "u-1", "--for-good"]).succeeded();
    site.run(&["users", "suspend", "u-1"]).succeeded();
    let back = site.run(&["users", "return", "u-1"]);
    assert!(back.err.contains("stay revoked for good"), "{}", back.err);
    let until = site.run(&["revoke", "--user", "u-1"]).succeeded();
    assert!(until.starts_with("revoked, what was issued until 20"), "{until}");
    site.run(&["revoke"]).failed(2, &["whose tokens?"]);
}

#[test]
fn assistants_are_labelled() {
    let site = Site::new();
    let set = |words: &[&str]| site.run(&[&["assistants", "set"], words].concat());
    assert_eq!(set(&["faq", "--organization"]).succeeded(), "faq: organization\n");
    set(&["hr", "--group", "人事部", "--user", "u-7"]).succeeded();
    set(&["diary", "--owner", "u-42"]).succeeded();
    set(&["x", "--owner", "u-42", "--organization"]).failed(2, &["cannot be used with"]);
    set(&["x"]).failed(2, &["required"]);
    set(&["a/b", "--organization"]).failed(2, &["can be no assistant's identifier"]);
    let file =
        site.file("a.csv", "assistant,visibility,users\nfaq,restricted,u-1;u-2\nhr,secret,\n");
    site.run(&["assistants", "import", &file]).failed(2, &["a.csv:3: \"secret\" is no visibility"]);
    let listed = site.run(&["assistants", "list"]).succeeded();
    assert_eq!(
        listed,
        "diary\tpersonal, u-42's\nfaq\torganization\nhr\trestricted to user u-7, group 人事部\n"
    );
    site.run(&["assistants", "remove", "hr"]).succeeded();
    site.run(&["assistants", "remove", "hr"]).failed(2, &["has no label"]);
}

#[test]
fn networks_are_narrowed_where_the_policy_allows_it() {
    let site = Site::new();
    let set = |words: &[&str]| site.run(&[&["networks", "set"], words].concat());
    set(&["business", "--allow", "203.0.113.0/24"])
        .failed(2, &["does not manage", "managed_networks"]);
    site.policy.replace(
        "tenants/acme.toml",
        "directory = \"off\"",
        "directory = \"off\"\nmanaged_networks = [\"business\", \"admin\"]",
    );
    set(&["business", "--allow", "203.0.113.9"]).failed(2, &["no CIDR block", "203.0.113.9/32"]);
    set(&["admin", "--allow", "10.0.0.0/8"]).failed(2, &["is not within"]);
    set(&["business"]).failed(2, &["would let nobody in", "--force"]);
    set(&["business", "--allow", "203.0.113.0/24", "--from", "192.0.2.1"])
        .failed(2, &["shut 192.0.2.1 out"]);
    set(&["business", "--allow", "203.0.113.0/24", "--deny", "203.0.113.7/32"]).succeeded();
    let shown = site.run(&["networks", "show"]).succeeded();
    assert!(
        shown.contains("the tenant lets in   203.0.113.0/24, but not 203.0.113.7/32"),
        "{shown}"
    );
    assert!(shown.contains("127.0.0.0-127.255.255.255"), "{shown}");
    site.run(&["networks", "unset", "business"]).succeeded();
    let json = site.run(&["networks", "show", "--json"]).succeeded();
    assert!(json.contains(r#"{"allowed":["any"],"network":"business","own":null}"#), "{json}");
}

#[test]
fn ten_thousand_users_are_one_change() {
    let site = Site::new();
    let mut all = "user_id,email,name,roles,groups\n".to_owned();
    for n in 0..10_000 {
        writeln!(all, "u-{n},u{n}@acme.example,佐藤 {n},member,営業部;g{}", n % 100).unwrap();
    }
    let file = site.file("all.csv", &all);
    for want in ["10000 join", "10000 stay"] {
        let begun = Instant::now();
        let shown = site.run(&["users", "import", &file]).succeeded();
        println!("{want}: {:?}", begun.elapsed());
        assert!(shown.contains(want), "{shown}");
    }
}

#[test]
fn slips_are_told() {
    let site = Site::new();
    let place = ["--policy", site.policy.path(), "--state", "memory"];
    let run = |words: &[&str]| run(&[words, &place[..]].concat());
    run(&["users", "list", "--tenant", "nobody"])
        .failed(2, &["no tenant \"nobody\"", "acme, globex"]);
    run(&["users", "list", "--tenant", "acme"]).failed(2, &["its gateway's alone"]);
    let state = site.files.path().join("state");
    let elsewhere = ["--state", site.policy.path()];
    let words = ["users", "list", "--tenant", "acme", "--policy", site.policy.path()];
    super::run(&[&words[..], &elsewhere].concat()).failed(2, &["there is no state in", "--state"]);
    let words =
        ["users", "import", "-", "--tenant", "acme", "--policy", site.policy.path(), "--state"];
    let ran = run_with_input(&[&words[..], &[state.to_str().unwrap()]].concat(), b"user_id\nu-1\n");
    assert!(ran.succeeded().contains("+ u-1 joins"));
}
