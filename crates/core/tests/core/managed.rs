//! Networks that a tenant narrows itself.

use super::support::{Ask, GATEWAY, NOW, ask, files};
use super::watch::records;
use sekisho_core::network::managed::{Blocks, MAX_MANAGED, ManagedNetworks};
use sekisho_core::policy::load;
use sekisho_core::records::{decode, encode};
use sekisho_core::watch::Look;
use sekisho_core::{Policy, Reason, Step, Timestamp, Verdict, decide_offline};
use std::time::Duration;

/// The sound policy, in which globex manages both of its networks and the public route asks for one.
fn policy(enforce: bool) -> Policy {
    let mut files = files();
    let chat = "roles = [\"member\", \"admin\"]";
    let gateway = GATEWAY.replacen(chat, &format!("{chat}\nenforce = {enforce}"), 1).replacen(
        "public = true",
        "public = true\nnetwork = \"business\"",
        1,
    );
    files.insert("gateway.toml".into(), gateway.into());
    let globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    let managed = format!("managed_networks = [\"business\", \"admin\"]\n{globex}");
    files.insert("tenants/globex.toml".into(), managed.into());
    load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn judged(policy: &Policy, ask: &Ask, text: &str) -> (Option<Reason>, Option<Step>, String) {
    let found: &[(&str, &str)] = if text.is_empty() { &[] } else { &[("networks", text)] };
    let now = Timestamp::from_second(NOW).unwrap();
    let (decision, _) = decide_offline(policy, ask.request(), now, None, records(found));
    let (reason, detail) = match &decision.verdict {
        Verdict::Deny(denial) => (Some(denial.reason()), denial.detail().to_owned()),
        _ => (None, String::new()),
    };
    (reason, decision.facts.reached, detail)
}

fn business(allow: &str) -> String {
    format!(r#"{{"v":1,"networks":{{"business":{{"allow":[{allow}]}}}}}}"#)
}

#[test]
fn the_tenants_own_list_narrows_the_operators() {
    let policy = policy(true);
    let (denied, unknown) = (Some(Reason::NetworkNotAllowed), Some(Reason::StateUnavailable));
    for (name, text, want) in [
        ("no record", String::new(), None),
        ("the client's address", business("\"203.0.113.9/32\""), None),
        ("wider than the operator's", business("\"0.0.0.0/0\""), None),
        ("another address", business("\"203.0.113.8/32\""), denied),
        ("nobody", business(""), denied),
        ("an exception", business(r#""203.0.113.0/24"],"deny":["203.0.113.9/32""#), denied),
        ("another network's", r#"{"v":1,"networks":{"admin":{"allow":[]}}}"#.into(), None),
        ("no list", r#"{"v":1,"networks":{}}"#.into(), None),
        ("no networks", r#"{"v":1}"#.into(), unknown),
        ("no block", business("\"203.0.113.9\""), unknown),
        ("bits behind the prefix", business("\"203.0.113.9/24\""), unknown),
        ("another member", r#"{"v":1,"networks":{},"x":1}"#.into(), unknown),
        ("another version", r#"{"v":2,"networks":{}}"#.into(), unknown),
        ("unreadable", "?".into(), unknown),
        ("too many", business(&vec!["\"203.0.113.9/32\""; MAX_MANAGED + 1].join(",")), unknown),
        ("as many as may be", business(&vec!["\"203.0.113.9/32\""; MAX_MANAGED].join(",")), None),
    ] {
        let (reason, step, detail) = judged(&policy, &ask(), &text);
        assert_eq!(reason, want, "{name}: {detail}");
        assert!(reason.is_none() || step == Some(Step::Authorize), "{name}: {step:?}");
    }
}

#[test]
fn it_opens_nothing() {
    let policy = policy(true);
    let outside = ask().with(|a| a.peer = Some("198.51.100.7:40000".parse().unwrap()));
    let (reason, step, _) = judged(&policy, &outside, &business("\"0.0.0.0/0\""));
    assert_eq!((reason, step), (Some(Reason::NetworkNotAllowed), Some(Step::Network)));
    let unknown = ask().with(|a| a.peer = None);
    let (reason, ..) = judged(&policy, &unknown, &business("\"0.0.0.0/0\""));
    assert_eq!(reason, Some(Reason::ClientAddressUnknown));
}

#[test]
fn an_open_network_can_be_narrowed_too() {
    let admin = ask().with(|a| {
        a.get("/admin/users");
        a.claims["roles"] = serde_json::json!(["admin"]);
    });
    let narrowed = r#"{"v":1,"networks":{"admin":{"allow":["192.0.2.0/24"]}}}"#;
    assert_eq!(judged(&policy(true), &admin, "").0, None);
    assert_eq!(judged(&policy(true), &admin, narrowed).0, Some(Reason::NetworkNotAllowed));
    let nobody = admin.with(|a| a.peer = None);
    assert_eq!(judged(&policy(true), &nobody, narrowed).0, Some(Reason::ClientAddressUnknown));
}

#[test]
fn it_holds_on_a_public_route_and_not_where_the_policy_does_not_say_so() {
    let public = ask().with(|a| {
        a.get("/healthz");
        a.authorization = Some(String::new());
    });
    assert_eq!(judged(&policy(true), &public, &business("")).0, Some(Reason::NetworkNotAllowed));
    assert_eq!(judged(&super::support::POLICY, &public, &business("")).0, None);
    assert_eq!(judged(&super::support::POLICY, &ask(), &business("")).0, None);
}

#[test]
fn in_dry_run_it_is_told_and_lets_by() {
    let now = Timestamp::from_second(NOW).unwrap();
    let policy = policy(false);
    let text = business("");
    let state = records(&[("networks", &text)]);
    let (decision, _) = decide_offline(&policy, ask().request(), now, None, state);
    assert!(matches!(decision.verdict, Verdict::Permit(_)), "{:?}", decision.verdict);
    assert_eq!(decision.facts.would_deny[0].reason(), Reason::NetworkNotAllowed);
}

#[test]
fn an_open_stream_ends_with_it() {
    let policy = policy(true);
    let now = Timestamp::from_second(NOW).unwrap();
    let (decision, _) = decide_offline(&policy, ask().request(), now, None, records(&[]));
    let Verdict::Permit(permit) = decision.verdict else { panic!("{:?}", decision.verdict) };
    let watch = permit.into_parts().1.watch().unwrap();
    for (text, want) in [
        (business("\"203.0.113.0/24\""), "Stands"),
        (business("\"203.0.113.8/32\""), "NetworkNotAllowed"),
        ("?".to_owned(), "Unknown"),
    ] {
        let state = records(&[("networks", &text)]);
        let look: Look = watch.look(&state(watch.records()), Duration::ZERO);
        assert!(format!("{look:?}").contains(want), "{text}: {look:?}");
    }
}

#[test]
fn the_record_is_read_as_it_is_written() {
    let list = Blocks { allow: vec!["203.0.113.0/24".into()], deny: Vec::new() };
    let record = ManagedNetworks { networks: [("business".to_owned(), list)].into() };
    let bytes = encode(&record).unwrap();
    assert_eq!(bytes, business("\"203.0.113.0/24\"").into_bytes());
    assert_eq!(decode::<ManagedNetworks>(&bytes), Ok(record));
}

/// Each by the value of `managed_networks`.
pub(crate) const FAULTS: [(&str, &str); 3] = [
    ("[\"buisness\"]", "network-unused"),
    ("[\"admin\"]", "managed-network-undefined"),
    ("[\"business\", \"business\"]", "managed-network-duplicate"),
];

#[test]
fn what_a_policy_may_say_of_managed_networks() {
    for (value, code) in FAULTS {
        let mut files = files();
        let acme = String::from_utf8(files["tenants/acme.toml"].clone()).unwrap();
        let acme = format!("managed_networks = {value}\n{acme}");
        files.insert("tenants/acme.toml".into(), acme.into());
        let faults = load(&files).unwrap_err();
        assert!(faults.len() == 1 && faults[0].code == code, "{value}: {faults:#?}");
    }
}
