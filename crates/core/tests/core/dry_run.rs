//! A route with `enforce = false`: its own rules are recorded, all others refuse.

use super::records::{
    ALL, ASSISTANT, BUCKET, LABEL, LIMIT, USER, found, policy, recorded, with_record,
};
use super::support::{Ask, NOW, POLICY, ask};
use sekisho_core::audit::{Outcome, record};
use sekisho_core::records::Record;
use sekisho_core::{Denial, Policy, Reason, Scheme, Timestamp, Verdict};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::Duration;

static DRY: LazyLock<Policy> =
    LazyLock::new(|| policy("required", &format!("{ASSISTANT}\nenforce = false"), LIMIT));

/// What refused the request, and what would have.
fn reasons(ask: &Ask, policy: &Policy) -> (Option<Reason>, Option<Reason>) {
    let decision = ask.judge(policy);
    let denied = match &decision.verdict {
        Verdict::Permit(_) => None,
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => Some(denial.reason()),
    };
    (denied, decision.facts.would_deny.first().map(Denial::reason))
}

fn with_roles(roles: &Value) -> Ask {
    with_record(USER, found(&json!({"v": 1, "state": "active", "roles": roles})))
}

#[test]
fn its_own_rules_let_by_and_are_recorded() {
    let empty = json!({"v": 1, "level": 0, "at": NOW * 1000});
    for (name, ask, want) in [
        ("nothing", recorded(), None),
        (
            "network",
            recorded().with(|a| a.peer = Some("192.0.2.1:1".into())),
            Some(Reason::NetworkNotAllowed),
        ),
        ("no address", recorded().with(|a| a.peer = None), Some(Reason::ClientAddressUnknown)),
        ("roles", with_roles(&json!(["visitor"])), Some(Reason::RoleMissing)),
        ("label", with_record(LABEL, Record::Absent), Some(Reason::AssistantNotFound)),
        ("label unknown", with_record(LABEL, Record::Unavailable), Some(Reason::StateUnavailable)),
        ("limit", with_record(BUCKET, found(&empty)), Some(Reason::RateLimited)),
        (
            "the first of several",
            with_roles(&json!([])).with(|a| a.peer = Some("192.0.2.1:1".into())),
            Some(Reason::NetworkNotAllowed),
        ),
    ] {
        assert_eq!(reasons(&ask, &DRY), (None, want), "{name}");
        assert_eq!(reasons(&ask, &ALL), (want, None), "{name}, enforced");
    }
}

#[test]
fn all_other_rules_refuse() {
    type Spoil = fn(&mut Ask);
    let user = |state: &str| with_record(USER, found(&json!({"v": 1, "state": state})));
    let spoilt = |spoil: Spoil| recorded().with(spoil);
    for (want, ask) in [
        (Reason::HttpsRequired, spoilt(|a| a.scheme = Scheme::Http)),
        (Reason::TargetNotCanonical, spoilt(|a| a.target = "/api/assistants/../chat".into())),
        (Reason::TenantUnknown, spoilt(|a| a.host = Some("nobody.example.jp".into()))),
        (Reason::ClientAddressInvalid, spoilt(|a| a.peer = Some("10.0.0.1:1".into()))),
        (Reason::BodyTooLarge, spoilt(|a| a.header("content-length", "1001"))),
        (Reason::TokenMissing, spoilt(|a| a.authorization = Some(String::new()))),
        (Reason::TokenSignatureInvalid, spoilt(|a| a.tamper = true)),
        (Reason::TokenExpired, spoilt(|a| a.claims["exp"] = (NOW - 61).into())),
        (Reason::TokenTenantMismatch, spoilt(|a| a.claims["tenant"] = "acme".into())),
        (Reason::SessionRevoked, with_record("t/globex/revoked/all", found(&json!({"v": 1})))),
        (Reason::StateUnavailable, with_record("t/globex/revoked/all", Record::Unavailable)),
        (Reason::UserUnknown, with_record(USER, Record::Absent)),
        (Reason::UserSuspended, user("suspended")),
        (Reason::UserLeft, user("left")),
    ] {
        assert_eq!(reasons(&ask, &DRY), (Some(want), None), "{want}");
        // Out of its network too: what is kept back does not let the rest by.
        if want != Reason::ClientAddressInvalid {
            let outside = ask.with(|a| a.peer = Some("192.0.2.1:1".into()));
            assert_eq!(reasons(&outside, &DRY).0, Some(want), "{want}, from outside");
        }
    }
}

#[test]
fn what_would_have_been_refused_takes_no_token() {
    let writes = |ask: &Ask| ask.judge(&DRY).writes.len();
    assert_eq!(writes(&recorded()), 1);
    assert_eq!(writes(&recorded().with(|a| a.peer = Some("192.0.2.1:1".into()))), 0);
    assert_eq!(writes(&with_roles(&json!([]))), 0);
}

#[test]
fn another_route_is_enforced() {
    let ask = ask().with(|a| {
        a.get("/api/me");
        a.peer = Some("192.0.2.1:1".into());
    });
    assert_eq!(reasons(&ask, &DRY), (Some(Reason::NetworkNotAllowed), None));
    assert_eq!(reasons(&ask, &POLICY), (Some(Reason::NetworkNotAllowed), None));
}

#[test]
fn a_network_that_nobody_set() {
    let admin = policy("off", "network = \"admin\"\nenforce = false", "");
    let ask = ask().with(Ask::at_acme);
    assert_eq!(reasons(&ask, &admin), (None, Some(Reason::NetworkUndefined)));
}

#[test]
fn the_audit_record() {
    let time = Timestamp::from_second(NOW).unwrap();
    let line = |ask: &Ask, outcome: Outcome<'_>| -> Value {
        let facts = ask.judge(&DRY).facts;
        let line = record(&facts, outcome, Some("digest"), time, Duration::from_micros(7));
        serde_json::from_str(&line).unwrap()
    };
    let outside = recorded().with(|a| a.peer = Some("192.0.2.1:1".into()));
    assert_eq!(
        line(&outside, Outcome::Permitted(200)),
        json!({
            "v": 1, "time": "2026-11-22T09:00:00.000000Z", "request_id": "our-request-id",
            "trace_id": null, "span_id": null, "parent_span_id": null, "sampled": null, "tenant": "globex", "host": "globex.example.jp", "subject": "u-42",
            "roles": ["member"], "groups": ["sales"], "issuer": "https://idp.example",
            "client": "192.0.2.1", "method": "POST", "path": "/api/assistants/a1/chat",
            "route": "chat", "assistant": "a1", "origin": "assistant-jp", "region": "jp",
            "decision": "permit", "reason": null, "would_deny": "network-not-allowed",
            "detail": "192.0.2.1 is not in the tenant's network business",
            "status": 200, "policy": "digest", "duration_us": 7,
        })
    );
    let failed = Denial::new(Reason::OriginFailed, "broken off");
    let after = line(&outside, Outcome::Denied(&failed, 502));
    assert_eq!(after["detail"], "broken off", "a refusal explains itself");
    assert_eq!(after["would_deny"], "network-not-allowed");
    let plain = line(&recorded(), Outcome::Permitted(204));
    assert_eq!((&plain["would_deny"], &plain["detail"]), (&Value::Null, &Value::Null));
}
