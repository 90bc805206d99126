//! Syntax, keys and types of the policy's files: every fault of a file in one run.

use super::support::{ACME, GATEWAY, GLOBEX, INITECH, files};
use proptest::prelude::*;
use sekisho_core::policy::{Fault, Files, Severity, check, load};

const NO_HINT: &str = "see the annotated example in policy/ for the form of this file";

/// The sound policy with this file in place of its own.
fn with(file: &str, text: &str) -> Files {
    let mut files = files();
    files.insert(file.into(), text.as_bytes().to_vec());
    files
}

/// A text with each of these edits, every one of which must be possible.
fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in {text}");
        text.replacen(from, to, 1)
    })
}

/// Code and pointed-at text of each fault.
fn told(files: &Files) -> Vec<(&'static str, String)> {
    let faults = load(files).map(drop).unwrap_err();
    faults.into_iter().map(|fault| (fault.code, pointed(files, &fault))).collect()
}

fn pointed(files: &Files, fault: &Fault) -> String {
    let bytes = |span: std::ops::Range<usize>| {
        String::from_utf8(files[&fault.file][span].to_vec()).unwrap()
    };
    fault.span.clone().map_or_else(|| "-".into(), bytes)
}

#[test]
fn each_fault_of_form_has_its_place_and_remedy() {
    for (code, file, text, (from, to), points_at, help) in [
        (
            "key-unknown",
            "gateway.toml",
            GATEWAY,
            ("body_bytes = 1000", "body_byte = 1000"),
            "body_byte",
            "did you mean \"body_bytes\"?",
        ),
        (
            "value-invalid",
            "gateway.toml",
            GATEWAY,
            ("head_bytes = 32768", "head_bytes = 4294967296"),
            "4294967296",
            NO_HINT,
        ),
        (
            "key-unknown",
            "gateway.toml",
            GATEWAY,
            ("revocation = true", "zzz = true"),
            "zzz",
            "known here: revocation, recheck_s",
        ),
        (
            "key-unknown",
            "gateway.toml",
            GATEWAY,
            ("public = true", "pubilc = true"),
            "pubilc",
            "did you mean \"public\"?",
        ),
        (
            "key-unknown",
            "gateway.toml",
            GATEWAY,
            ("[state]", "[stat]"),
            "stat",
            "did you mean \"state\"?",
        ),
        (
            "key-unknown",
            "tenants/acme.toml",
            ACME,
            ("audiences", "audience"),
            "audience",
            "did you mean \"audiences\"?",
        ),
        (
            "key-missing",
            "gateway.toml",
            GATEWAY,
            ("version = 1", ""),
            "-",
            "write version = ... here; sekisho schema says what it may be",
        ),
        (
            "key-missing",
            "gateway.toml",
            GATEWAY,
            ("id = \"me\"", ""),
            "[[routes]]",
            "write id = ... here; sekisho schema says what it may be",
        ),
        (
            "key-missing",
            "gateway.toml",
            GATEWAY,
            ("url = \"https://assistant.jp.example\"", ""),
            "[origins.assistant-jp]",
            "write url = ... here; sekisho schema says what it may be",
        ),
        (
            "key-missing",
            "tenants/acme.toml",
            ACME,
            ("algorithms = [\"EdDSA\", \"ES256\", \"RS256\"]", ""),
            "[[issuers]]",
            "write algorithms = ... here; sekisho schema says what it may be",
        ),
        (
            "value-invalid",
            "gateway.toml",
            GATEWAY,
            ("\"if-present\"", "\"if-presnt\""),
            "\"if-presnt\"",
            "did you mean \"if-present\"?",
        ),
        (
            "value-invalid",
            "gateway.toml",
            GATEWAY,
            ("body_bytes = 1000", "body_bytes = -1"),
            "-1",
            NO_HINT,
        ),
        ("value-invalid", "gateway.toml", GATEWAY, ("id = \"me\"", "id = 7"), "7", NO_HINT),
        (
            "value-invalid",
            "gateway.toml",
            GATEWAY,
            ("[\"GET\", \"PUT\"]", "[\"GET\", 3]"),
            "3",
            NO_HINT,
        ),
        (
            "value-invalid",
            "gateway.toml",
            GATEWAY,
            ("[\"GET\", \"PUT\"]", "\"GET\""),
            "\"GET\"",
            NO_HINT,
        ),
        (
            "value-invalid",
            "tenants/globex.toml",
            GLOBEX,
            ("\"any\"", "[\"192.0.2.0/24\", [1]]"),
            "[1]",
            NO_HINT,
        ),
        ("toml-invalid", "tenants/globex.toml", GLOBEX, ("business =", "business"), "", NO_HINT),
        (
            "toml-invalid",
            "tenants/globex.toml",
            GLOBEX,
            ("regions =", "hosts = []\nregions ="),
            "hosts",
            "a table or key stands once: keep one of them",
        ),
    ] {
        let files = with(file, &edited(text, &[(from, to)]));
        let faults = load(&files).map(drop).unwrap_err();
        let [fault] = faults.as_slice() else { panic!("{to:?}: {faults:#?}") };
        assert_eq!((fault.code, fault.file.as_str()), (code, file), "{to:?}: {fault}");
        assert_eq!(pointed(&files, fault), points_at, "{to:?}: {fault}");
        assert_eq!(fault.help, help, "{to:?}: {fault}");
        assert_eq!(fault.severity, Severity::Error);
    }
}

#[test]
fn one_run_shows_every_slip_of_one_file() {
    let text = edited(
        GATEWAY,
        &[
            ("version = 1", "versoin = 1"),
            ("\"10.0.0.0/8\"", "\"10.0.0.1/8\""),
            ("head_fields = 100", "head_fields = \"100\""),
            ("body_bytes = 1000", "zzz = 1\nbody_bytes = true"),
            ("region = \"eu\"", "regoin = \"eu\""),
            ("\"if-present\"", "\"if-presnt\""),
            ("id = \"chat\"\n", ""),
            ("methods = [\"POST\"]", "method = [\"PSOT\"]"),
            ("methods = [\"GET\", \"PUT\"]\norigins = [\"assistant-jp\", \"assistant-eu\"]\n", ""),
            ("path = \"/admin/users\"", "path = 3"),
            ("roles = [\"admin\"]", "roles = [\"ad,min\", 1, 2]"),
            ("public = true", "public = \"yes\"\nnope = 1"),
        ],
    );
    let got = told(&with("gateway.toml", &text));
    let want = [
        ("key-unknown", "versoin"),
        ("block-host-bits", "\"10.0.0.1/8\""),
        ("value-invalid", "\"100\""),
        ("key-unknown", "zzz"),
        ("value-invalid", "true"),
        ("key-unknown", "regoin"),
        ("value-invalid", "\"if-presnt\""),
        ("key-missing", "[[routes]]"),
        ("key-unknown", "method"),
        ("method-unknown", "\"PSOT\""),
        ("key-missing", "[[routes]]"),
        ("value-invalid", "3"),
        ("role-invalid", "\"ad,min\""),
        ("value-invalid", "1"),
        ("value-invalid", "2"),
        ("value-invalid", "\"yes\""),
        ("key-unknown", "nope"),
    ];
    assert_eq!(got, want.map(|(code, text)| (code, text.to_owned())));
}

#[test]
fn one_run_shows_every_line_that_is_no_toml() {
    let text =
        "version = \n[edge\ntrusted_proxies = []\n[limits]\nhead_bytes = 1 2\nhead_bytes = 3\n";
    let files = with("gateway.toml", text);
    let faults = load(&files).map(drop).unwrap_err();
    let lines: Vec<_> =
        faults.iter().map(|fault| (fault.code, fault.position(text).unwrap().0)).collect();
    assert_eq!(lines, [1, 2, 5, 6].map(|line| ("toml-invalid", line)), "{faults:#?}");
}

#[test]
fn what_mending_causes_is_not_told() {
    for (name, file, text, edits, want) in [
        (
            "the region's routes, when the route's origins are missing",
            "gateway.toml",
            GATEWAY,
            &[("origins = [\"status\", \"assistant-eu\"]", "orgins = 3")][..],
            &[("key-unknown", "orgins")][..],
        ),
        (
            "a route's origin, when the origin is no table",
            "gateway.toml",
            GATEWAY,
            &[(
                "[origins.status]\nurl = \"http://127.0.0.1:3480/\"\nregion = \"jp\"\ntenant_echo = \"off\"",
                "[origins]\nstatus = 3",
            )],
            &[("value-invalid", "3")],
        ),
        (
            "a network that a misspelt demand left unused",
            "tenants/initech.toml",
            INITECH,
            &[("sole_tenant = true", "sole_tenent = 1")],
            &[("key-unknown", "sole_tenent")],
        ),
        (
            "an assistant and a prefix of a path that is none",
            "gateway.toml",
            GATEWAY,
            &[(
                "path = \"/api/assistants/{assistant}/chat\"",
                "path = 3\nassistant = \"assistant\"\nrewrite = { from = \"/api\", to = \"/v1\" }",
            )],
            &[("value-invalid", "3")],
        ),
        (
            "a name that is taken is cut, not renamed",
            "tenants/initech.toml",
            INITECH,
            &[("sole_tenant = true", "sole_tenant = true\nsole_tenants = 1")],
            &[("key-unknown", "sole_tenants")],
        ),
        (
            "a rate limit's route, when the route's name is missing",
            "gateway.toml",
            GATEWAY,
            &[
                ("id = \"me\"\n", ""),
                (
                    "public = true\n",
                    "public = true\n[[rate_limits]]\nid = \"r\"\nper = \"tenant\"\nroutes = [\"me\"]\nburst = 1\nrefill_per_minute = 1\n",
                ),
            ],
            &[("key-missing", "[[routes]]")],
        ),
        (
            "a rate limit's routes, when one is no name",
            "gateway.toml",
            GATEWAY,
            &[(
                "public = true\n",
                "public = true\n[[rate_limits]]\nid = \"r\"\nper = \"tenant\"\nroutes = [3]\nburst = 1\nrefill_per_minute = 1\n",
            )],
            &[("value-invalid", "3")],
        ),
        (
            "hosts that are no list leave no tenant without host",
            "tenants/acme.toml",
            ACME,
            &[("[\"acme.example.jp\", \"acme.localhost\"]", "\"acme.example.jp\"")],
            &[("value-invalid", "\"acme.example.jp\"")],
        ),
    ] {
        let want: Vec<_> = want.iter().map(|(code, at)| (*code, (*at).to_owned())).collect();
        assert_eq!(told(&with(file, &edited(text, edits))), want, "{name}");
    }
}

#[test]
fn a_file_of_slips_is_told_up_to_a_bound() {
    let slips = (0..150).map(|n| format!("zzz{n} = 1\n")).collect::<Vec<_>>().concat();
    let faults = load(&with("gateway.toml", &format!("{slips}{GATEWAY}"))).map(drop).unwrap_err();
    assert_eq!(faults.iter().filter(|fault| fault.code == "key-unknown").count(), 100);
    assert_eq!(faults.iter().filter(|fault| fault.code == "faults-too-many").count(), 1);
    assert_eq!(faults.len(), 101);
    let lines: String = (0..150).map(|_| "= 1\n").collect();
    assert_eq!(told(&with("gateway.toml", &lines)).len(), 100);
}

/// A report shows the lines of each: 100,000 excerpts of one file would fill any memory.
#[test]
fn a_file_of_faults_is_told_up_to_a_bound() {
    let tenant = |hosts: &str, blocks: &str| {
        let networks = format!("[networks]\nbusiness = [{blocks}]");
        with("tenants/many.toml", &format!("hosts = [{hosts}]\nregions = [\"jp\"]\n{networks}\n"))
    };
    let of_many = |files: &Files| -> Vec<Fault> {
        check(files).faults.into_iter().filter(|f| f.file == "tenants/many.toml").collect()
    };
    let thousand = |text: fn(usize) -> String| (0..1000).map(text).collect::<Vec<_>>().concat();
    let lost = thousand(|n| format!("\"10.0.{}.{}\",", n / 256, n % 256));
    let lost = tenant("\"many.example\"", &lost);
    let found = of_many(&lost);
    assert_eq!(found.first().map(|fault| fault.code), Some("faults-too-many"));
    assert_eq!(found.iter().filter(|fault| fault.code == "block-invalid").count(), 100);
    assert_eq!(found.len(), 101);
    assert_eq!(load(&lost).map(drop).unwrap_err(), found);
    let hosts = thousand(|n| format!("\"h{n}.acme.example.jp\","));
    let found = of_many(&tenant(&hosts, "\"192.0.2.0/24\""));
    assert!(found.iter().all(|fault| fault.severity == Severity::Warning));
    assert_eq!(found.first().map(|fault| fault.code), Some("faults-too-many"));
    assert_eq!(found.iter().filter(|fault| fault.code == "hosts-nested").count(), 100);
}

#[test]
fn check_and_load_agree() {
    let sound = check(&files());
    assert!(sound.policy.is_some());
    assert!(sound.faults.iter().all(|fault| fault.severity == Severity::Warning));
    let broken = with("gateway.toml", "version = 2");
    let checked = check(&broken);
    assert!(checked.policy.is_none());
    assert_eq!(checked.faults, load(&broken).map(drop).unwrap_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is done to a file, reading it ends, and a policy with a fault is no policy.
    #[test]
    fn a_mangled_file_is_sound_or_faulty(
        cuts in prop::collection::vec((0..GATEWAY.len(), 0..40usize, "[\\[\\]{}\"=.,\n #a-z0-9é-]{0,6}"), 1..8)
    ) {
        let mut text = GATEWAY.to_owned();
        for (at, length, new) in cuts {
            let start = at.min(text.len());
            let end = (at + length).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, &new);
            }
        }
        if let Err(faults) = load(&with("gateway.toml", &text)) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(!fault.help.is_empty());
                if let Some(span) = fault.span.filter(|_| fault.file == "gateway.toml") {
                    prop_assert!(text.get(span.clone()).is_some(), "{span:?} of {text}");
                }
            }
        }
    }
}
