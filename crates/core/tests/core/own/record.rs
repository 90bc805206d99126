//! Sessions of the gateway's own as records: what ends one, and what is written of it.

use sekisho_core::limit::Write;
use sekisho_core::policy::load;
use sekisho_core::records::{Record, Records, decode, encode, key};
use sekisho_core::session::record::{Seen, SessionRecord};
use sekisho_core::token::keys::Algorithm;
use sekisho_core::{Decision, Policy, Reason, Step, Timestamp, Verdict, decide_offline};
use serde_json::json;

use super::session::{OWN, carrying, session};
use super::{keys, now};
use crate::support::{Ask, GATEWAY, NOW, files};

/// Half an hour idle, eight hours in all.
const RULES: &str = "[sessions]\nidle_s = 1800\nabsolute_s = 28800\n";

fn policy() -> Policy {
    let mut files = files();
    files.insert(
        "gateway.toml".into(),
        GATEWAY.replacen("[state]", &format!("{RULES}\n[state]"), 1).into(),
    );
    let globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    files.insert("tenants/globex.toml".into(), format!("{globex}{OWN}").into());
    load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// A session's record that was made so many seconds ago.
fn begun(ago: i64) -> Record {
    Record::Found(json!({"v": 1, "subject": "u-42", "created": NOW - ago}).to_string().into())
}

fn seen(ago: i64) -> Record {
    Record::Found(json!({"v": 1, "at": NOW - ago}).to_string().into())
}

/// A session's own requests, with what the store has of it.
fn asked(session: &Record, seen: &Record) -> (Ask, impl Fn(&[String]) -> Records + use<>) {
    let token = self::session(|_| ()).sign(&keys(), Algorithm::HS256, 3600, now()).unwrap();
    let digest = key::digest("s-9");
    let known = [
        (key::session("globex", &digest), session.clone()),
        (key::seen("globex", &digest), seen.clone()),
    ];
    let state = move |keys: &[String]| {
        let record = |key: &String| {
            let known = known.iter().find(|(name, _)| name == key);
            (key.clone(), known.map_or(Record::Absent, |(_, record)| record.clone()))
        };
        keys.iter().map(record).collect()
    };
    (carrying(&token), state)
}

fn judged<'p>(policy: &'p Policy, session: &Record, seen: &Record) -> Decision<'p> {
    let (ask, state) = asked(session, seen);
    let now = Timestamp::from_second(NOW).unwrap();
    decide_offline(policy, ask.request(), now, Some(&keys()), state).0
}

fn reason(decision: &Decision<'_>) -> Option<Reason> {
    match &decision.verdict {
        Verdict::Permit(_) => None,
        Verdict::Deny(denial) => Some(denial.reason()),
        Verdict::Answer(own) => panic!("{own:?}"),
    }
}

/// The reasons that only a session gets, each of a request that does.
pub(crate) fn refused() -> Vec<(Reason, Step, Ask)> {
    let policy = policy();
    [(Reason::SessionEnded, Record::Absent), (Reason::SessionExpired, begun(28_800))]
        .map(|(want, session)| {
            let decision = judged(&policy, &session, &Record::Absent);
            assert_eq!(
                (reason(&decision), decision.facts.reached),
                (Some(want), Some(Step::Session))
            );
            (want, Step::Session, asked(&session, &Record::Absent).0)
        })
        .into()
}

#[test]
fn what_ends_a_session() {
    let policy = policy();
    let (ended, expired) = (Some(Reason::SessionEnded), Some(Reason::SessionExpired));
    let unknown = Some(Reason::StateUnavailable);
    let of = |text: &str| Record::Found(text.into());
    for (name, session, seen, want) in [
        ("a new one", begun(0), Record::Absent, None),
        ("not used yet", begun(1799), Record::Absent, None),
        ("never used", begun(1800), Record::Absent, expired),
        ("used", begun(28_799), seen(1799), None),
        ("not used any more", begun(28_799), seen(1800), expired),
        ("too old", begun(28_800), seen(0), expired),
        ("seen before it began", begun(10), seen(90_000), None),
        ("a clock ahead", begun(-90), seen(-90), None),
        ("ended", Record::Absent, seen(0), ended),
        ("another's", of(r#"{"v":1,"subject":"u-4","created":1795338000}"#), seen(0), ended),
        ("nobody's", of(r#"{"v":1,"created":1795338000}"#), seen(0), unknown),
        (
            "another shape",
            of(r#"{"v":1,"subject":"u-42","created":1795338000,"x":1}"#),
            seen(0),
            unknown,
        ),
        (
            "another version",
            of(r#"{"v":2,"subject":"u-42","created":1795338000}"#),
            seen(0),
            unknown,
        ),
        ("unreadable", Record::Unavailable, seen(0), unknown),
        ("unreadable use", begun(0), Record::Unavailable, unknown),
        ("another shape of use", begun(0), of(r#"{"v":1,"at":"now"}"#), unknown),
        ("the end of time", begun(0), of(r#"{"v":1,"at":-9223372036854775808}"#), None),
        (
            "before all time",
            of(r#"{"v":1,"subject":"u-42","created":-9223372036854775808}"#),
            seen(0),
            expired,
        ),
    ] {
        assert_eq!(reason(&judged(&policy, &session, &seen)), want, "{name}");
    }
}

#[test]
fn it_is_written_once_a_minute_that_it_was_seen() {
    let policy = policy();
    let key = key::seen("globex", &key::digest("s-9"));
    for (session, seen, due) in [
        (begun(0), Record::Absent, false),
        (begun(59), Record::Absent, false),
        (begun(60), Record::Absent, true),
        (begun(9000), seen(59), false),
        (begun(9000), seen(60), true),
        (begun(9000), seen(-60), false),
    ] {
        let writes: Vec<Write> = judged(&policy, &session, &seen).writes;
        let want: Vec<Write> =
            due.then(|| (key.clone(), encode(&Seen { at: NOW }).unwrap())).into_iter().collect();
        assert_eq!(writes, want);
    }
    assert!(judged(&policy, &begun(1800), &Record::Absent).writes.is_empty(), "a refused one");
}

#[test]
fn others_need_no_record() {
    let policy = policy();
    let decision = crate::support::ask().judge(&policy);
    assert_eq!(reason(&decision), None, "a token of another issuer's");
    let (ask, state) = asked(&Record::Absent, &Record::Absent);
    let without = super::session::own_policy(OWN).unwrap();
    let now = Timestamp::from_second(NOW).unwrap();
    let (decision, asked) = decide_offline(&without, ask.request(), now, Some(&keys()), state);
    assert_eq!(reason(&decision), None, "where the policy keeps none");
    assert!(asked.keys().all(|key| key.contains("/revoked/")), "{asked:?}");
}

#[test]
fn an_open_stream_ends_with_its_session_and_not_with_idleness() {
    let policy = policy();
    let (ask, state) = asked(&begun(0), &Record::Absent);
    let now = Timestamp::from_second(NOW).unwrap();
    let (decision, _) = decide_offline(&policy, ask.request(), now, Some(&keys()), state);
    let Verdict::Permit(permit) = decision.verdict else { panic!("{:?}", decision.verdict) };
    let watch = permit.into_parts().1.watch().unwrap();
    let session = key::session("globex", &key::digest("s-9"));
    assert!(watch.records().contains(&session));
    assert!(!watch.records().iter().any(|key| key.contains("/seen/")));
    let look = |of_session: Record| {
        let record = |key: &String| {
            (key.clone(), if *key == session { of_session.clone() } else { Record::Absent })
        };
        let records: Records = watch.records().iter().map(record).collect();
        format!("{:?}", watch.look(&records, std::time::Duration::ZERO))
    };
    assert!(look(begun(28_000)).starts_with("Stands"));
    assert!(look(Record::Absent).contains("SessionEnded"));
    assert!(look(Record::Unavailable).starts_with("Unknown"));
}

#[test]
fn the_record_is_read_as_it_is_written() {
    let record = SessionRecord {
        subject: "u-42".into(),
        created: NOW,
        client: Some("203.0.113.9".into()),
        agent: None,
    };
    let bytes = encode(&record).unwrap();
    assert_eq!(bytes, br#"{"v":1,"subject":"u-42","created":1795338000,"client":"203.0.113.9"}"#);
    assert_eq!(decode::<SessionRecord>(&bytes), Ok(record));
}

/// Each by what stands in `[sessions]`.
pub(crate) const FAULTS: [(&str, &str); 5] = [
    ("idle_s = 59", "session-lifetime-invalid"),
    ("idle_s = 2592001", "session-lifetime-invalid"),
    ("absolute_s = 299", "session-lifetime-invalid"),
    ("absolute_s = 7776001", "session-lifetime-invalid"),
    ("idle_s = 3601\nabsolute_s = 3600", "session-lifetime-invalid"),
];

#[test]
fn what_a_policy_may_say_of_sessions() {
    let with = |text: &str| {
        let mut files = files();
        let gateway = GATEWAY.replacen("[state]", &format!("[sessions]\n{text}\n[state]"), 1);
        files.insert("gateway.toml".into(), gateway.into());
        load(&files)
    };
    let defaults = with("").unwrap().sessions().unwrap();
    assert_eq!((defaults.idle_s, defaults.absolute_s), (3600, 43_200));
    assert!(with("idle_s = 60\nabsolute_s = 300").is_ok());
    assert!(with("idle_s = 2592000\nabsolute_s = 7776000").is_ok());
    for (text, code) in FAULTS {
        let faults = with(text).unwrap_err();
        assert!(faults.len() == 1 && faults[0].code == code, "{text}: {faults:#?}");
    }
}
