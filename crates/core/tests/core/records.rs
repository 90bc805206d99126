//! Users of the directory and labels of assistants: what a record may say, and what it does.

use super::support::{Ask, GATEWAY, GLOBEX, NOW, POLICY, ask, field, files};
use sekisho_core::policy::load;
use sekisho_core::records::{MAX_RECORD, Record, Records};
use sekisho_core::{Denial, Policy, Progress, Reason, Step, Timestamp, Verdict, decide};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The sound policy with this word for globex's directory, these lines more for the route `chat`,
/// and this text at the end of `gateway.toml`.
pub(crate) fn policy(directory: &str, chat: &str, more: &str) -> Policy {
    const ROLES: &str = "roles = [\"member\", \"admin\"]\n";
    assert!(GATEWAY.contains(ROLES));
    let gateway = GATEWAY.replacen(ROLES, &format!("{ROLES}{chat}\n"), 1) + more;
    let mut files = files();
    files.insert("gateway.toml".into(), gateway.into());
    files.insert(
        "tenants/globex.toml".into(),
        format!("directory = {directory:?}\n{GLOBEX}").into(),
    );
    load(&files).unwrap()
}

pub(crate) const ASSISTANT: &str = "assistant = \"assistant\"";

/// Two chats of a user at once, one more each minute.
pub(crate) const LIMIT: &str = r#"
[[rate_limits]]
id = "chats"
per = "subject"
routes = ["chat"]
burst = 2
refill_per_minute = 1
"#;

/// A policy that asks for every kind of record.
pub(crate) static ALL: LazyLock<Policy> = LazyLock::new(|| policy("required", ASSISTANT, LIMIT));

pub(crate) const USER: &str = "t/globex/user/u-42";
pub(crate) const LABEL: &str = "t/globex/assistant/a1";
pub(crate) const BUCKET: &str = "t/globex/rate/chats/subject/u-42";

pub(crate) fn found(value: &Value) -> Record {
    Record::Found(value.to_string().into_bytes())
}

/// The chat of [`ask`] with the records by which [`ALL`] permits it.
pub(crate) fn recorded() -> Ask {
    ask().with(|a| {
        let user = json!({"v": 1, "state": "active", "roles": ["member"], "groups": ["sales"]});
        a.state = vec![
            (USER.into(), found(&user)),
            (LABEL.into(), found(&json!({"v": 1, "visibility": "organization"}))),
        ];
    })
}

/// The same with this record in place of the one of its key.
pub(crate) fn with_record(key: &str, record: Record) -> Ask {
    recorded().with(|a| {
        a.state.retain(|(name, _)| name != key);
        a.state.push((key.into(), record));
    })
}

/// Requests that get the reasons of the records under [`ALL`], in the order of the road.
pub(crate) fn road() -> Vec<(Reason, Step, Ask)> {
    let user = |state: &str| with_record(USER, found(&json!({"v": 1, "state": state})));
    let empty = json!({"v": 1, "level": 0, "at": NOW * 1000});
    vec![
        (Reason::UserUnknown, Step::Session, with_record(USER, Record::Absent)),
        (Reason::UserSuspended, Step::Session, user("suspended")),
        (Reason::UserLeft, Step::Session, user("left")),
        (Reason::AssistantNotFound, Step::Authorize, with_record(LABEL, Record::Absent)),
        (Reason::RateLimited, Step::Authorize, with_record(BUCKET, found(&empty))),
    ]
}

#[test]
fn all_records_are_asked_for_in_one_round() {
    let keys = |ask: &Ask, policy: &Policy| {
        let now = Timestamp::from_second(NOW).unwrap();
        match decide(policy, ask.request(), now) {
            Progress::Pending(pending) => pending.records().to_vec(),
            _ => Vec::new(),
        }
    };
    let revoked =
        ["t/globex/revoked/all", "t/globex/revoked/subject/u-42", "t/globex/revoked/session/s-1"];
    assert_eq!(keys(&recorded(), &ALL), [&revoked[..], &[USER, LABEL, BUCKET]].concat());
    assert_eq!(keys(&recorded(), &POLICY), revoked);
    let me = recorded().with(|a| a.get("/api/me"));
    assert_eq!(keys(&me, &ALL), [&revoked[..], &[USER]].concat(), "another route");
    let public = recorded().with(|a| a.get("/healthz"));
    assert!(keys(&public, &ALL).is_empty(), "a public route");
    let strange = recorded().with(|a| {
        a.claims["sub"] = "a/../../all".into();
        a.claims.as_object_mut().unwrap().remove("sid");
        a.target = "/api/assistants/a~1/chat".into();
    });
    let keys = keys(&strange, &ALL);
    assert_eq!(keys.len(), 5);
    for key in &keys[1..] {
        let hashed = key.rsplit('/').next().unwrap();
        assert!(hashed.starts_with('~') && hashed.len() == 65, "{key}");
    }
}

#[test]
fn whatever_is_not_given_is_not_absent() {
    assert_eq!(recorded().reason(&ALL), None);
    let now = Timestamp::from_second(NOW).unwrap();
    let Progress::Pending(pending) = decide(&ALL, recorded().request(), now) else {
        panic!("decided without state")
    };
    let all = pending.records().to_vec();
    for missing in &all {
        let Progress::Pending(pending) = decide(&ALL, recorded().request(), now) else {
            panic!("decided without state")
        };
        let given = |key: &String| {
            let state = recorded().state;
            let found = state.into_iter().find(|(name, _)| name == key);
            (key.clone(), found.map_or(Record::Absent, |(_, record)| record))
        };
        let records: Records = all.iter().filter(|key| *key != missing).map(given).collect();
        let Verdict::Deny(denial) = pending.resume(&records).verdict else {
            panic!("{missing} was not given")
        };
        assert_eq!(denial.reason(), Reason::StateUnavailable, "{missing}");
        assert!(denial.detail().contains(missing), "{}", denial.detail());
    }
}

#[test]
fn a_record_of_an_unknown_form_refuses() {
    let text = |text: &str| Record::Found(text.as_bytes().to_vec());
    let roles = |roles: Value| found(&json!({"v": 1, "state": "active", "roles": roles}));
    let padded = |length: usize| {
        let user = r#"{"v":1,"state":"active","roles":["member"]}"#;
        text(&format!("{user}{}", " ".repeat(length - user.len())))
    };
    let many = |count: usize| {
        let mut roles = vec!["r"; count - 1];
        roles.push("member");
        Value::from(roles)
    };
    let groups = |groups: Value| {
        found(&json!({"v": 1, "state": "active", "roles": ["member"], "groups": groups}))
    };
    let unavailable = Some(Reason::StateUnavailable);
    assert_eq!(MAX_RECORD, 65_536);
    for (name, key, record, want) in [
        ("a user's roles alone", USER, roles(json!(["member"])), None),
        ("64 KiB", USER, padded(MAX_RECORD), None),
        ("more than 64 KiB", USER, padded(MAX_RECORD + 1), unavailable),
        ("user: store down", USER, Record::Unavailable, unavailable),
        ("user: empty", USER, text(""), unavailable),
        ("user: no version", USER, text(r#"{"state":"active","roles":["member"]}"#), unavailable),
        ("user: another version", USER, text(r#"{"v":2,"state":"active"}"#), unavailable),
        ("user: a version as text", USER, text(r#"{"v":"1","state":"active"}"#), unavailable),
        ("user: two states", USER, text(r#"{"v":1,"state":"left","state":"active"}"#), unavailable),
        ("user: no state", USER, text(r#"{"v":1,"roles":["member"]}"#), unavailable),
        ("user: another state", USER, text(r#"{"v":1,"state":"ACTIVE"}"#), unavailable),
        ("user: another member", USER, text(r#"{"v":1,"state":"active","until":1}"#), unavailable),
        ("user: a list", USER, text("[]"), unavailable),
        ("user: roles as text", USER, roles("member".into()), unavailable),
        ("user: a role that breaks a header", USER, roles(json!(["a,admin"])), unavailable),
        ("user: a role with a line break", USER, roles(json!(["a\r\nx: y"])), unavailable),
        ("user: 64 roles", USER, roles(many(64)), None),
        ("user: 65 roles", USER, roles(many(65)), unavailable),
        ("user: 256 groups", USER, groups(vec!["g"; 256].into()), None),
        ("user: 257 groups", USER, groups(vec!["g"; 257].into()), unavailable),
        ("user: a group of 256 bytes", USER, groups(json!(["g".repeat(256)])), None),
        ("user: a group of 257 bytes", USER, groups(json!(["g".repeat(257)])), unavailable),
        ("user: an empty group", USER, groups(json!([""])), unavailable),
        ("user: a group with a line break", USER, groups(json!(["a\nb"])), unavailable),
        ("label: store down", LABEL, Record::Unavailable, unavailable),
        ("label: no visibility", LABEL, text(r#"{"v":1}"#), unavailable),
        ("label: another one", LABEL, text(r#"{"v":1,"visibility":"public"}"#), unavailable),
        ("label: no owner", LABEL, text(r#"{"v":1,"visibility":"personal"}"#), unavailable),
        (
            "label: two of them",
            LABEL,
            text(r#"{"v":1,"visibility":"personal","owner":"x","visibility":"organization"}"#),
            unavailable,
        ),
        (
            "label: another's member",
            LABEL,
            text(r#"{"v":1,"visibility":"organization","owner":"x"}"#),
            unavailable,
        ),
        ("bucket: store down", BUCKET, Record::Unavailable, unavailable),
        ("bucket: negative", BUCKET, text(r#"{"v":1,"level":-1,"at":0}"#), unavailable),
        ("bucket: a fraction", BUCKET, text(r#"{"v":1,"level":1.5,"at":0}"#), unavailable),
        ("bucket: no moment", BUCKET, text(r#"{"v":1,"level":1}"#), unavailable),
        ("bucket: another member", BUCKET, text(r#"{"v":1,"level":1,"at":0,"x":0}"#), unavailable),
        ("bucket: not JSON", BUCKET, text("full"), unavailable),
    ] {
        assert_eq!(with_record(key, record).reason(&ALL), want, "{name}");
    }
}

#[test]
fn the_directory() {
    let policies = ["required", "optional", "off"].map(|word| policy(word, "", ""));
    let user = |record: Value| Some(found(&record));
    let active = json!({"v": 1, "state": "active", "roles": ["admin", "auditor"], "since": NOW});
    let (token, directory) = (Ok("member,tester"), Ok("admin,auditor"));
    let nobody = Err(Reason::RoleMissing);
    let unknown = Err(Reason::UserUnknown);
    let (suspended, left) = (Err(Reason::UserSuspended), Err(Reason::UserLeft));
    let down = Err(Reason::StateUnavailable);
    for (name, record, want) in [
        ("nobody", None, [unknown, token, token]),
        ("active", user(active), [directory, directory, token]),
        ("without a role", user(json!({"v": 1, "state": "active"})), [nobody, nobody, token]),
        ("suspended", user(json!({"v": 1, "state": "suspended"})), [suspended, suspended, token]),
        (
            "suspended, with roles",
            user(json!({"v": 1, "state": "suspended", "roles": ["admin"], "groups": []})),
            [suspended, suspended, token],
        ),
        ("left", user(json!({"v": 1, "state": "left", "since": NOW})), [left, left, token]),
        ("the store is down", Some(Record::Unavailable), [down, down, token]),
    ] {
        let ask = ask().with(|a| a.state.extend(record.map(|record| (USER.into(), record))));
        for (policy, want) in policies.iter().zip(want) {
            let got = ask.upstream(policy);
            let roles = got.as_ref().map(|seen| field(seen, "x-user-roles").unwrap());
            assert_eq!(roles.map_err(|reason| *reason), want, "{name}");
        }
    }
    let other = ask().with(|a| {
        let left = found(&json!({"v": 1, "state": "left"}));
        a.state =
            vec![("t/acme/user/u-42".into(), left.clone()), ("t/globex/user/u-4".into(), left)];
    });
    assert_eq!(other.reason(&policies[1]), None, "of another tenant, and of another user");
}

#[test]
fn what_the_directory_says_is_recorded() {
    let facts = recorded().judge(&ALL).facts;
    let principal = facts.principal.unwrap();
    assert_eq!(
        (principal.roles(), principal.groups()),
        (&["member".into()][..], &["sales".into()][..])
    );
    let since = json!({"v": 1, "state": "left", "since": NOW});
    let Verdict::Deny(denial) = with_record(USER, found(&since)).judge(&ALL).verdict else {
        panic!("permitted")
    };
    assert_eq!(denial.detail(), "the user has left since 2026-11-22T09:00:00Z");
}

#[test]
fn labels() {
    let hidden = Some(Reason::AssistantNotFound);
    for (name, label, want) in [
        ("organization", json!({"visibility": "organization"}), None),
        ("named", json!({"visibility": "restricted", "users": ["u-1", "u-42"]}), None),
        ("of a group", json!({"visibility": "restricted", "groups": ["it", "sales"]}), None),
        (
            "of other users and groups",
            json!({"visibility": "restricted", "users": ["u-4", "U-42", "sales"], "groups": ["u-42", "Sales"]}),
            hidden,
        ),
        ("restricted to nobody", json!({"visibility": "restricted"}), hidden),
        ("the owner's", json!({"visibility": "personal", "owner": "u-42"}), None),
        ("another's", json!({"visibility": "personal", "owner": "u-4"}), hidden),
        ("a group's name as owner", json!({"visibility": "personal", "owner": "sales"}), hidden),
    ] {
        let mut record = label;
        record["v"] = 1.into();
        assert_eq!(with_record(LABEL, found(&record)).reason(&ALL), want, "{name}");
    }
}

#[test]
fn the_identifier_of_an_assistant() {
    let long = |length: usize| "a".repeat(length);
    let hidden = Some(Reason::AssistantNotFound);
    for (name, id, want) in [
        ("one character", "a", None),
        ("every unreserved kind", "A-z.0_9~", None),
        ("128 characters", &*long(128), None),
        ("129 characters", &*long(129), hidden),
        ("encoded", "a%20b", hidden),
        ("reserved", "a:b", hidden),
    ] {
        let segment = sekisho_core::records::key::segment(id);
        let ask = recorded().with(|a| {
            a.target = format!("/api/assistants/{id}/chat");
            let label = found(&json!({"v": 1, "visibility": "organization"}));
            a.state.push((format!("t/globex/assistant/{segment}"), label));
        });
        assert_eq!(ask.reason(&ALL), want, "{name}");
        assert_eq!(ask.judge(&ALL).facts.assistant.as_deref(), Some(id), "{name}");
    }
}

#[test]
fn hidden_and_absent_are_one_answer() {
    use sekisho_core::refusal::{Audience, render};
    let personal = json!({"v": 1, "visibility": "personal", "owner": "u-4"});
    let restricted = json!({"v": 1, "visibility": "restricted", "users": ["u-4"]});
    let asks = [
        with_record(LABEL, Record::Absent),
        with_record(LABEL, found(&personal)),
        with_record(LABEL, found(&restricted)),
        recorded().with(|a| a.target = "/api/assistants/a%20b/chat".into()),
    ];
    let denials = asks.map(|ask| match ask.judge(&ALL).verdict {
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => denial,
        Verdict::Permit(_) => panic!("permitted"),
    });
    let answers = denials.each_ref().map(|denial| render(denial, "r", &Audience::default()));
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.status == 404));
    let details: std::collections::HashSet<_> = denials.iter().map(Denial::detail).collect();
    assert_eq!(details.len(), 4, "the operator can tell them apart");
}

#[test]
fn every_role_that_is_asked_for() {
    for (name, lines, roles, want) in [
        (
            "both of two",
            "all_roles = [\"tester\", \"auditor\"]",
            json!(["member", "tester", "auditor"]),
            None,
        ),
        (
            "one of two",
            "all_roles = [\"tester\", \"auditor\"]",
            json!(["member", "tester"]),
            Some(Reason::RoleMissing),
        ),
        ("all but any", "all_roles = [\"tester\"]", json!(["tester"]), Some(Reason::RoleMissing)),
    ] {
        let policy = policy("off", lines, "");
        let ask = ask().with(|a| a.claims["roles"] = roles);
        assert_eq!(ask.reason(&policy), want, "{name}");
    }
    for (lines, want) in [
        ("", "the route asks for one of: member, admin"),
        (
            "all_roles = [\"tester\", \"auditor\"]",
            "the route asks for one of: member, admin; and for all of: tester, auditor",
        ),
    ] {
        let nobody = ask().with(|a| a.claims["roles"] = json!([]));
        let policy = policy("off", lines, "");
        let Verdict::Deny(denial) = nobody.judge(&policy).verdict else { panic!("permitted") };
        assert_eq!(denial.detail(), want);
    }
}

#[test]
fn of_two_records_the_earlier_step_speaks() {
    let road = road();
    assert_eq!(recorded().reason(&ALL), None);
    for (later, (_, _, spoilt)) in road.iter().enumerate() {
        for (earlier, step, first) in &road[..later] {
            // Two rows that spoil one record can't be put together.
            if road[later].1 == Step::Session && *step == Step::Session {
                continue;
            }
            let both = spoilt.clone().with(|a| {
                let changed = first.state.iter().filter(|(key, record)| {
                    !recorded().state.contains(&(key.clone(), record.clone()))
                });
                for (key, record) in changed {
                    a.state.retain(|(name, _)| name != key);
                    a.state.push((key.clone(), record.clone()));
                }
            });
            assert_eq!(both.reason(&ALL), Some(*earlier), "with {}", road[later].0);
        }
    }
    // Whoever has left and is told to sign in again would do so for ever.
    let revoked = with_record("t/globex/revoked/all", found(&json!({"v": 1})));
    assert_eq!(revoked.reason(&ALL), Some(Reason::SessionRevoked));
    let left = revoked.with(|a| {
        a.state.retain(|(key, _)| key != USER);
        a.state.push((USER.into(), found(&json!({"v": 1, "state": "left"}))));
    });
    assert_eq!(left.reason(&ALL), Some(Reason::UserLeft), "before revocation");
    let stranger = with_record(LABEL, Record::Absent).with(|a| {
        a.state.retain(|(key, _)| key != USER);
        a.state.push((USER.into(), found(&json!({"v": 1, "state": "active"}))));
    });
    assert_eq!(stranger.reason(&ALL), Some(Reason::RoleMissing), "before the label");
}
