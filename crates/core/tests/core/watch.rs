//! Open streams: what ends them, what does not, and how long nobody may know.

use super::support::{Ask, NOW, ask, files, policy_with};
use sekisho_core::policy::load;
use sekisho_core::records::{Record, Records};
use sekisho_core::response::is_open_ended;
use sekisho_core::watch::{Look, Watch};
use sekisho_core::{Headers, Policy, Progress, Timestamp, Verdict, decide};
use std::time::Duration;

const RECHECK: (&str, &str) = ("revocation = true", "revocation = true\nrecheck_s = 7");

/// A policy with labels, a dry run of the same, and a directory of globex's.
fn policy(directory: &str, enforce: bool) -> Policy {
    let mut files = files();
    let edit = |text: &[u8], from: &str, to: &str| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let gateway = edit(&files["gateway.toml"], RECHECK.0, RECHECK.1);
    let chat = "roles = [\"member\", \"admin\"]";
    let label = format!("{chat}\nassistant = \"assistant\"\nenforce = {enforce}");
    files.insert("gateway.toml".into(), edit(&gateway, chat, &label));
    let tenant = format!("directory = \"{directory}\"\nregions");
    let globex = edit(&files["tenants/globex.toml"], "regions", &tenant);
    files.insert("tenants/globex.toml".into(), globex);
    load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

pub(crate) fn records(found: &[(&str, &str)]) -> impl Fn(&[String]) -> Records + use<> {
    let found: Vec<(String, Record)> = found
        .iter()
        .map(|(key, text)| {
            let record =
                if *text == "?" { Record::Unavailable } else { Record::Found((*text).into()) };
            (format!("t/globex/{key}"), record)
        })
        .collect();
    move |keys| {
        let record = |key: &String| {
            let known = found.iter().find(|(name, _)| name == key);
            (key.clone(), known.map_or(Record::Absent, |(_, record)| record.clone()))
        };
        keys.iter().map(record).collect()
    }
}

const SHOWN: (&str, &str) =
    ("assistant/a1", r#"{"v":1,"visibility":"restricted","groups":["sales"]}"#);
const ACTIVE: (&str, &str) =
    ("user/u-42", r#"{"v":1,"state":"active","roles":["member"],"groups":["sales"]}"#);

/// What a permitted request's answer is watched by.
fn watch(policy: &Policy, ask: &Ask, state: impl Fn(&[String]) -> Records) -> Option<Watch> {
    let progress = decide(policy, ask.request(), Timestamp::from_second(NOW).unwrap());
    let decision = match progress {
        Progress::Decided(decision) => *decision,
        Progress::Pending(pending) => {
            let records = state(pending.records());
            pending.resume(&records)
        }
        Progress::Keys(_) => panic!("the policy has the keys"),
    };
    match decision.verdict {
        Verdict::Permit(permit) => permit.into_parts().1.watch(),
        other => panic!("{other:?}"),
    }
}

/// The reason for which it ends, if it does.
fn looked(watch: &Watch, state: impl Fn(&[String]) -> Records) -> Option<&'static str> {
    match watch.look(&state(watch.records()), Duration::ZERO) {
        Look::Stands(wait) => {
            assert_eq!(wait, watch.every());
            None
        }
        Look::Unknown(_) => Some("unknown"),
        Look::Over(denial) => Some(denial.reason().code()),
    }
}

#[test]
fn what_ends_a_stream() {
    let required = policy("required", true);
    let begun = watch(&required, &ask(), records(&[SHOWN, ACTIVE])).unwrap();
    assert_eq!(begun.every(), Duration::from_secs(7));
    for (name, state, want) in [
        ("nothing", &[SHOWN, ACTIVE][..], None),
        ("the tenant", &[SHOWN, ACTIVE, ("revoked/all", r#"{"v":1}"#)], Some("session-revoked")),
        (
            "the subject",
            &[SHOWN, ACTIVE, ("revoked/subject/u-42", r#"{"v":1}"#)],
            Some("session-revoked"),
        ),
        (
            "the session",
            &[SHOWN, ACTIVE, ("revoked/session/s-1", r#"{"v":1}"#)],
            Some("session-revoked"),
        ),
        ("those before", &[SHOWN, ACTIVE, ("revoked/all", r#"{"v":1,"before":1}"#)], None),
        ("a leaver", &[SHOWN, ("user/u-42", r#"{"v":1,"state":"left"}"#)], Some("user-left")),
        (
            "one who is suspended",
            &[SHOWN, ("user/u-42", r#"{"v":1,"state":"suspended"}"#)],
            Some("user-suspended"),
        ),
        ("one who is not there", &[SHOWN], Some("user-unknown")),
        (
            "a mover out of a role",
            &[SHOWN, ("user/u-42", r#"{"v":1,"state":"active","groups":["sales"]}"#)],
            Some("role-missing"),
        ),
        (
            "a mover out of a group",
            &[SHOWN, ("user/u-42", r#"{"v":1,"state":"active","roles":["member"]}"#)],
            Some("assistant-not-found"),
        ),
        (
            "a label",
            &[ACTIVE, ("assistant/a1", r#"{"v":1,"visibility":"personal","owner":"x"}"#)],
            Some("assistant-not-found"),
        ),
        ("an assistant that has gone", &[ACTIVE], Some("assistant-not-found")),
        ("a record that can't be read", &[SHOWN, ("user/u-42", "?")], Some("unknown")),
        (
            "a revocation behind one that can't be read",
            &[SHOWN, ACTIVE, ("revoked/all", "?"), ("revoked/subject/u-42", r#"{"v":1}"#)],
            Some("session-revoked"),
        ),
        (
            "a leaver behind one",
            &[SHOWN, ("revoked/all", "?"), ("user/u-42", r#"{"v":1,"state":"left"}"#)],
            Some("user-left"),
        ),
        ("a label behind one", &[ACTIVE, ("revoked/all", "?")], Some("assistant-not-found")),
        ("rights that nobody knows", &[("user/u-42", "?")], Some("unknown")),
        ("one that is none", &[SHOWN, ACTIVE, ("revoked/all", "x")], Some("unknown")),
    ] {
        assert_eq!(looked(&begun, records(state)), want, "{name}");
    }
}

/// Who has no record any more has the token's rights again, and not those that the directory gave.
#[test]
fn rights_come_and_go_with_an_optional_directory() {
    let optional = policy("optional", true);
    let everyone = ("assistant/a1", r#"{"v":1,"visibility":"organization"}"#);
    let guest = ask().with(|a| a.claims["roles"] = serde_json::json!(["guest"]));
    let begun = watch(&optional, &guest, records(&[everyone, ACTIVE])).unwrap();
    assert_eq!(looked(&begun, records(&[everyone, ACTIVE])), None);
    assert_eq!(looked(&begun, records(&[everyone])), Some("role-missing"));
    let member = watch(&optional, &ask(), records(&[everyone])).unwrap();
    assert_eq!(looked(&member, records(&[everyone])), None);
}

#[test]
fn a_dry_run_keeps_revocation_and_directory_in_force() {
    let dry = policy("required", false);
    let begun = watch(&dry, &ask(), records(&[ACTIVE])).unwrap();
    assert_eq!(looked(&begun, records(&[ACTIVE])), None, "nobody has the label");
    let left = ("user/u-42", r#"{"v":1,"state":"left"}"#);
    assert_eq!(looked(&begun, records(&[left])), Some("user-left"));
}

#[test]
fn what_has_nothing_to_look_at_is_not_watched() {
    let no_revocation = policy_with("revocation = true", "revocation = false");
    let me = ask().with(|a| a.get("/api/me"));
    assert!(watch(&no_revocation, &me, records(&[])).is_none());
    let public = ask().with(|a| {
        a.get("/healthz");
        a.authorization = Some(String::new());
    });
    assert!(watch(&policy("required", true), &public, records(&[])).is_none());
    let limited = policy_with(
        "[state]\nrevocation = true\n",
        "[state]\nrevocation = false\n\n[[rate_limits]]\nid = \"all\"\nper = \"tenant\"\nburst = 9\nrefill_per_minute = 9\n",
    );
    assert!(
        watch(&limited, &me, records(&[])).is_none(),
        "a bucket counted the request when it came"
    );
}

#[test]
fn how_long_nobody_may_know() {
    let begun =
        watch(&policy("off", true), &ask().with(|a| a.get("/api/me")), records(&[])).unwrap();
    let unknown = records(&[("revoked/all", "?")]);
    for (known, want) in
        [(0, true), (7_000, true), (36_999, true), (37_000, false), (60_000, false)]
    {
        let look = begun.look(&unknown(begun.records()), Duration::from_millis(known));
        match look {
            Look::Unknown(wait) => assert!(want && wait == Duration::from_secs(5), "{known}"),
            Look::Over(denial) => {
                assert_eq!((want, denial.reason().code()), (false, "state-unavailable"), "{known}");
            }
            Look::Stands(_) => panic!("{known}"),
        }
    }
    let revoked = records(&[("revoked/all", r#"{"v":1}"#)]);
    let look = begun.look(&revoked(begun.records()), Duration::from_mins(1));
    assert!(matches!(look, Look::Over(denial) if denial.reason().code() == "session-revoked"));
}

#[test]
fn how_long_a_store_may_take() {
    let begun =
        watch(&policy("off", true), &ask().with(|a| a.get("/api/me")), records(&[])).unwrap();
    for (known, want) in
        [(0, 30_000), (7_000, 30_000), (10_000, 27_000), (37_000, 100), (99_000, 100)]
    {
        assert_eq!(
            begun.patience(Duration::from_millis(known)),
            Duration::from_millis(want),
            "{known}"
        );
    }
}

#[test]
fn how_often_the_policy_says() {
    for (text, want) in [
        ("recheck_s = 1", Some(1)),
        ("recheck_s = 300", Some(300)),
        ("recheck_s = 0", None),
        ("recheck_s = 301", None),
        ("revocation = true", Some(1)),
    ] {
        let mut files = files();
        let gateway = String::from_utf8(files["gateway.toml"].clone()).unwrap();
        files.insert("gateway.toml".into(), gateway.replacen("revocation = true", text, 1).into());
        let got = load(&files).map(|policy| policy.recheck().as_secs());
        assert_eq!(got.as_ref().ok().copied(), want, "{text}");
        assert!(want.is_some() || got.is_err_and(|faults| faults[0].code == FAULTS[0]), "{text}");
    }
}

/// The faults that these tests see.
pub(crate) const FAULTS: [&str; 1] = ["recheck-invalid"];

#[test]
fn which_answers_have_no_end() {
    let none: &[(&str, &str)] = &[];
    let events = ("content-type", "text/event-stream; charset=utf-8");
    for (name, method, status, headers, want) in [
        ("no length", "GET", 200, none, true),
        ("a length", "GET", 200, &[("content-length", "5")][..], false),
        ("events", "POST", 200, &[events], true),
        ("events in capitals", "POST", 200, &[("content-type", "Text/Event-Stream")], true),
        ("events with a length", "POST", 200, &[events, ("content-length", "5")], true),
        (
            "another type",
            "GET",
            200,
            &[("content-type", "text/event"), ("content-length", "5")],
            false,
        ),
        ("HEAD", "HEAD", 200, none, false),
        ("no content", "GET", 204, none, false),
        ("what should have none", "GET", 205, none, true),
        ("not modified", "GET", 304, none, false),
        ("an error", "GET", 500, none, true),
        (
            "of gRPC, trailers only",
            "POST",
            200,
            &[("grpc-status", "7"), ("content-type", "application/grpc+proto")],
            false,
        ),
        ("events that call themselves gRPC's", "POST", 200, &[("grpc-status", "0"), events], true),
    ] {
        let fields = headers.iter().map(|(n, v)| ((*n).into(), (*v).as_bytes().to_vec())).collect();
        assert_eq!(is_open_ended(method, status, &Headers::new(fields)), want, "{name}");
    }
}
