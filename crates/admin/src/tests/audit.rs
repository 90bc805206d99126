//! Search in the audit record.

use super::{Answer, World};
use sekisho_trail::{Options, Trail};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A trail that is written on the day of its records.
fn write(directory: &Path) -> Trail {
    let clock = || "2026-11-15T07:59:00Z".parse().unwrap();
    Trail::open(directory, Options { clock: Arc::new(clock), ..Options::default() }).unwrap()
}

/// A world whose trail has these records, and what keeps its directory.
fn world(records: &[Value]) -> (World, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let trail = write(directory.path());
    for record in records {
        let component = record.get("of").and_then(Value::as_str);
        let mut record = record.clone();
        record.as_object_mut().unwrap().remove("of");
        trail.append(component, record.to_string().as_bytes());
    }
    drop(trail);
    let world = World { trail: directory.path().to_owned(), ..World::new() };
    (world, directory)
}

/// The gateway's record of a request.
fn request(n: u32, tenant: &str, subject: &str, decision: &str) -> Value {
    let reason = (decision == "deny").then_some("network-not-allowed");
    json!({"v":1,"time":format!("2026-11-15T07:{n:02}:00.000000Z"),"request_id":format!("r-{n}"),
           "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","tenant":tenant,"host":format!("{tenant}.example"),
           "subject":subject,"roles":["member"],"groups":null,"issuer":"https://idp.example",
           "client":"203.0.113.9","method":"GET","path":"/api/chat","route":"chat","assistant":null,
           "origin":"secret-origin","region":"jp","decision":decision,"reason":reason,"would_deny":null,
           "detail":"203.0.113.9 is in no block of business","status":200,"policy":"abc","duration_us":41})
}

fn ids(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let records = json["records"].as_array().unwrap().iter();
    records.map(|record| record["request_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_tenant_finds_its_own_records_and_no_others() {
    let others = json!({"time":"2026-11-15T07:30:00Z","event":"administration","tenant":"globex",
                        "subject":"acme","request_id":"acme","target":"acme","of":"admin"});
    let nobodys =
        json!({"time":"2026-11-15T07:30:00Z","path":"/acme","tenant":null,"request_id":"n"});
    let (world, _directory) = world(&[
        request(1, "acme", "u-1", "permit"),
        request(2, "globex", "u-1", "permit"),
        others,
        nobodys,
        request(3, "acme", "u-2", "deny"),
        request(4, "acme-2", "u-2", "deny"),
    ]);
    let all = world.ask("GET", "/audit", &[], "");
    assert_eq!((all.status, all.kind.as_str()), (200, "application/json"), "{all:?}");
    assert_eq!(ids(&all), ["r-3", "r-1"]);
    for (of, want) in [("globex", vec!["acme", "r-2"]), ("acme-2", vec!["r-4"])] {
        let found = world.by(of, "GET", "/api/admin/v1/audit?limit=1000", &[], "");
        assert_eq!(ids(&found), want, "{of}");
    }
    for hidden in ["secret-origin", "jp\"", "no block", "abc", "\"seq\"", "\"chain\"", "\"prev\""] {
        assert!(!all.text.contains(hidden), "{hidden}: {}", all.text);
    }
    let asks = world.ask("GET", "/audit?tenant=globex", &[], "");
    assert_eq!((asks.status, asks.reason().as_str()), (400, "request-malformed"));
    assert!(world.written().is_empty(), "reading changes nothing");
}

#[test]
fn a_filter_holds_for_what_is_found() {
    let change = json!({"v":1,"time":"2026-11-15T07:20:00.000000Z","event":"administration","tenant":"acme",
                        "subject":"root","client":"203.0.113.9","request_id":"r-20","action":"user-left",
                        "target":"user/u-1","changed":["state"],"of":"admin"});
    let end = json!({"v":1,"time":"2026-11-15T07:21:00.000000Z","event":"stream-end","tenant":"acme",
                     "subject":"u-1","request_id":"r-1","end":"denied","reason":"user-left","bytes":7});
    let (world, _directory) = world(&[
        request(1, "acme", "u-1", "permit"),
        request(2, "acme", "u-2", "deny"),
        change,
        end,
    ]);
    for (query, want) in [
        ("", vec!["r-1", "r-20", "r-2", "r-1"]),
        ("?subject=u-2", vec!["r-2"]),
        ("?decision=permit", vec!["r-1"]),
        ("?decision=deny&reason=network-not-allowed", vec!["r-2"]),
        ("?reason=user-left", vec!["r-1"]),
        ("?event=request", vec!["r-2", "r-1"]),
        ("?event=administration", vec!["r-20"]),
        ("?event=stream-end", vec!["r-1"]),
        ("?request_id=r-1", vec!["r-1", "r-1"]),
        ("?client=203.0.113.9&route=chat", vec!["r-2", "r-1"]),
        ("?since=2026-11-15T07:20:00Z", vec!["r-1", "r-20"]),
        ("?until=2026-11-15T16:02:00%2B09:00", vec!["r-1"]),
        ("?since=2026-11-15T07:02:00Z&until=2026-11-15T07:20:00.5Z", vec!["r-20", "r-2"]),
        ("?subject=nobody", vec![]),
    ] {
        assert_eq!(ids(&world.ask("GET", &format!("/audit{query}"), &[], "")), want, "{query}");
    }
    let changed = world.ask("GET", "/audit?event=administration", &[], "").json();
    assert_eq!(
        changed["records"][0],
        json!({"time":"2026-11-15T07:20:00.000000Z","event":"administration","request_id":"r-20",
               "subject":"root","client":"203.0.113.9","action":"user-left","target":"user/u-1",
               "changed":["state"],"component":"admin"})
    );
}

#[test]
fn pages_follow_each_other_while_more_is_written() {
    let records: Vec<Value> = (0..50).map(|n| request(n, "acme", "u-1", "permit")).collect();
    let (world, directory) = world(&records);
    let (mut found, mut query) = (Vec::new(), "?limit=7".to_owned());
    loop {
        let page = world.ask("GET", &format!("/audit{query}"), &[], "");
        assert_eq!(page.status, 200, "{page:?}");
        found.extend(ids(&page));
        let json = page.json();
        let Some(next) = json["next"].as_str() else { break };
        // To the minute: the record may be another tenant's.
        assert!(json["reached"].as_str().unwrap().ends_with(":00Z"), "{json}");
        query = format!("?limit=7&cursor={next}");
        let trail = write(directory.path());
        trail.append(None, request(59, "acme", "u-1", "deny").to_string().as_bytes());
    }
    assert_eq!(found, (0..50).rev().map(|n| format!("r-{n}")).collect::<Vec<_>>());
}

#[test]
fn what_can_not_be_read_or_found_is_said() {
    let (found, directory) = world(&[request(1, "acme", "u-1", "permit")]);
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "decision=maybe",
        "event=torn",
        "x=1",
        "cursor=x",
        "cursor=",
        "cursor=00000000.2026-11-15.1.0",
        "since=yesterday",
        "since=2026-11-15",
        "until=2026-11-15T07:00Z",
        "until=2026-11-15T07:00:00",
        "until=2026-11-15T07:00:00+09:00",
        "since=2026-11-15T07:00:00Z[UTC]",
        "since=2026-11-15T07:00:00,5Z",
        "since=2026-11-15T07:00:00%2B09:00:00",
        "since=2026-13-15T07:00:00Z",
        "subject=a&subject=b",
    ] {
        let answer = found.ask("GET", &format!("/audit?{query}"), &[], "");
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (400, "request-malformed"),
            "{query}"
        );
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(found.ask(method, "/audit", &[], "{}").status, 405);
    }
    let nowhere = World::new().ask("GET", "/audit", &[], "");
    assert_eq!((nowhere.status, nowhere.reason().as_str()), (404, "audit-not-here"));
    // A strange line of another component's is named, and shows nothing that was not meant to be.
    let strange = json!({"time":"2026-11-15T07:30:00Z","tenant":"acme","status":"x","origin":"o","of":"other"});
    let trail = write(directory.path());
    trail.append(Some("other"), strange.to_string().replace("of", "kind").as_bytes());
    drop(trail);
    let answer = found.ask("GET", "/audit?limit=1", &[], "").json();
    assert_eq!(
        answer["records"],
        json!([{"time":"2026-11-15T07:30:00Z","event":"other","component":"other"}])
    );
}
