//! The administration interface.

use super::World;
use sekisho_core::records::key;
use serde_json::json;
use std::fmt::Write as _;

const ANY: [(&str, &str); 1] = [("if-match", "*")];
const ALL_REVOKED: &str = r#"{"v":1}"#;
const ADMINISTRATORS: &str = r#"{"v":1,"by":"administrator"}"#;
const SHUT_OUT: &str = r#"{"v":1,"by":"directory"}"#;

/// A world with one active user, u-1, who is signed in.
fn world() -> World {
    let world = World::new();
    world.memory.put("t/acme/user/u-1", r#"{"v":1,"state":"active","roles":["member"]}"#);
    world.memory.put(&session(), r#"{"v":1,"subject":"u-1","created":1}"#);
    world
}

fn session() -> String {
    key::session("acme", &key::digest("s"))
}

#[test]
fn a_user_is_created_read_changed_and_deleted() {
    let world = World::new();
    let body = r#"{"roles":["member"],"groups":["営業部"],"email":"hanako@acme.example","name":"佐藤 花子"}"#;
    let created = world.ask("PUT", "/users/u-2", &[], body);
    assert_eq!((created.status, created.tenant.as_str()), (201, "acme"), "{created:?}");
    let read = world.ask("GET", "/users/u-2", &[], "");
    assert_eq!((read.status, &read.tag, &read.text), (200, &created.tag, &created.text));
    assert_eq!(
        read.json(),
        json!({"id":"u-2","subject":"u-2","state":"active","roles":["member"],"groups":["営業部"],
               "email":"hanako@acme.example","name":"佐藤 花子","since":world.now,"provisioned":false})
    );
    let again = world.ask("PUT", "/users/u-2", &[("if-match", &read.tag)], body);
    assert_eq!((again.status, &again.tag), (200, &read.tag), "idempotent");
    let changed =
        world.ask("PUT", "/users/u-2", &[("if-match", &read.tag)], r#"{"roles":["admin"]}"#);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(changed.tag, read.tag);
    for (status, condition) in [(412, Some(read.tag.as_str())), (428, None)] {
        let more: Vec<_> = condition.map(|tag| ("if-match", tag)).into_iter().collect();
        assert_eq!(world.ask("PUT", "/users/u-2", &more, "{}").status, status);
    }
    assert_eq!(world.ask("PUT", "/users/u-2", &[("if-none-match", "*")], "{}").status, 412);
    assert_eq!(world.ask("DELETE", "/users/u-2", &[("if-match", &read.tag)], "").status, 412);
    for _ in 0..2 {
        assert_eq!(world.ask("DELETE", "/users/u-2", &[], "").status, 204);
        assert_eq!(world.ask("GET", "/users/u-2", &[], "").status, 404);
    }
    assert_eq!(world.memory.text("t/acme/revoked/subject/u-2").unwrap(), SHUT_OUT);
    let left = world.memory.text("t/acme/user/u-2").unwrap();
    assert!(!left.contains("hanako") && left.contains("left"), "{left}");
    assert_eq!(
        world.written(),
        [
            json!(["user-created", "user/u-2", ["state", "roles", "groups", "email", "name"]]),
            json!(["user-changed", "user/u-2", ["roles", "groups", "email", "name"]]),
            json!(["user-removed", "user/u-2", ["state", "roles"]]),
        ]
    );
    // He may be created anew, and the tokens of before stay refused.
    assert_eq!(world.ask("PUT", "/users/u-2", &[], r#"{"roles":["member"]}"#).status, 201);
    let revoked = world.memory.text("t/acme/revoked/subject/u-2").unwrap();
    assert_eq!(revoked, format!(r#"{{"v":1,"before":{},"by":"directory"}}"#, world.now));
}

#[test]
fn what_can_be_no_user_is_refused() {
    let world = World::new();
    for (status, path, body) in [
        (422, "/users/u-2", r#"{"roles":["a b"]}"#),
        (422, "/users/u-2", r#"{"groups":["a\nb"]}"#),
        (422, "/users/u-2", r#"{"email":"nobody"}"#),
        (422, "/users/u-2", r#"{"name":"\u001b[2J"}"#),
        (422, "/users/u-2", r#"{"name":""}"#),
        (422, "/users/u-2", r#"{"state":"left"}"#),
        (400, "/users/u-2", r#"{"state":"gone"}"#),
        (400, "/users/u-2", r#"{"password":"x"}"#),
        (400, "/users/u-2", r#"{"name":"a","name":"b"}"#),
        (400, "/users/u-2", ""),
        (404, "/users/a%20b", "{}"),
        (404, "/users/%E9%96%A2", "{}"),
        (400, "/users/%ff", "{}"),
        (404, &format!("/users/{}", "u".repeat(256)), "{}"),
        (404, &format!("/users/~{}", "0".repeat(64)), "{}"),
    ] {
        let answer = world.ask("PUT", path, &[], body);
        assert_eq!(answer.status, status, "{path} {body} {answer:?}");
        assert_eq!(answer.kind, "application/problem+json");
        assert!(answer.json()["request_id"] == "r-1" && !answer.reason().is_empty());
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(world.ask("PUT", "/users/u-2", &[], &deep).status, 400);
    assert_eq!(world.ask("PUT", "/users/u-2", &[], &" ".repeat(1 << 20)).status, 400);
    let large = " ".repeat((1 << 20) + 1);
    assert_eq!(world.ask("PUT", "/users/u-2", &[], &large).status, 413);
    let text =
        world.by("acme", "PUT", "/api/admin/v1/users/u-2", &[("content-type", "text/plain")], "{}");
    assert_eq!(text.status, 415);
    assert_eq!(world.ask("PATCH", "/users/u-2", &[], "{}").status, 405);
    assert_eq!(world.ask("GET", "/nothing", &[], "").status, 404);
    assert!(world.memory.entries.lock().unwrap().is_empty() && world.written().is_empty());
}

/// A subject of odd characters is found by what a list says stands for him.
#[test]
fn whoever_has_an_odd_name_has_a_path() {
    let world = World::new();
    let odd = "auth0|5f7c8ec7c33c6c004bbafe82";
    assert_eq!(world.ask("PUT", "/users/auth0%7C5f7c8ec7c33c6c004bbafe82", &[], "{}").status, 201);
    let listed = world.ask("GET", "/users", &[], "").json();
    let id = listed["users"][0]["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with('~') && listed["users"][0]["subject"] == odd);
    assert_eq!(world.ask("GET", &format!("/users/{id}"), &[], "").json()["subject"], odd);
    assert_eq!(world.ask("POST", &format!("/users/{id}/suspend"), &[], "").status, 200);
}

#[test]
fn only_whom_the_gateway_has_let_by_is_heard() {
    let world = world();
    let all = [
        ("x-tenant-id", "acme"),
        ("x-user-id", "root"),
        ("x-user-roles", "admin"),
        ("x-request-id", "r-1"),
        ("x-forwarded-host", "acme.example"),
    ];
    let users = "/api/admin/v1/users";
    assert_eq!(world.send("GET", users, &all, b"").status, 200);
    for missing in 0..all.len() {
        let mut some = all.to_vec();
        let (name, _) = some.remove(missing);
        assert_eq!(world.send("GET", users, &some, b"").status, 403, "without {name}");
        let twice = [&all[..], &[(name, "x")]].concat();
        assert_eq!(world.send("GET", users, &twice, b"").status, 403, "{name} twice");
    }
    for (name, value) in [
        ("x-tenant-id", "../acme"),
        ("x-tenant-id", ""),
        ("x-tenant-id", "ACME"),
        ("x-user-roles", "member"),
        ("x-user-roles", "administrator,xadmin"),
        ("x-user-roles", "provisioner"),
    ] {
        let changed = all.map(|(own, old)| if own == name { (own, value) } else { (own, old) });
        let answer = world.send("GET", users, &changed, b"");
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    // The provisioner has its own part, and no other.
    let scim = world.send("GET", "/scim/v2/Users", &all, b"");
    assert_eq!(scim.status, 403);
}

#[test]
fn one_tenant_sees_nothing_of_another() {
    let world = world();
    let of_globex = |method, path: &str, body| {
        let target = format!("/api/admin/v1{path}");
        world.by("globex", method, &target, &[("content-type", "application/json")], body)
    };
    assert_eq!(of_globex("GET", "/users", "").json()["total"], 0);
    assert_eq!(of_globex("GET", "/users/u-1", "").status, 404);
    assert_eq!(of_globex("POST", "/users/u-1/leave", "").status, 404);
    assert_eq!(of_globex("GET", "/sessions", "").json()["total"], 0);
    let digest = key::digest("s");
    assert_eq!(of_globex("DELETE", &format!("/sessions/{digest}"), "").status, 204);
    assert!(world.memory.text(&session()).is_some(), "it is another tenant's");
    assert_eq!(of_globex("PUT", "/revocations/subjects/u-1", "{}").status, 201);
    assert!(world.memory.text("t/globex/revoked/subject/u-1").is_some());
    assert!(world.memory.text("t/acme/revoked/subject/u-1").is_none());
}

#[test]
fn whoever_is_shut_out_leaves_nothing_behind() {
    for (action, state) in [("suspend", "suspended"), ("leave", "left")] {
        let world = world();
        let before = world.ask("GET", "/users/u-1", &[], "");
        let stale =
            world.ask("POST", &format!("/users/u-1/{action}"), &[("if-match", "\"x\"")], "");
        assert_eq!(stale.status, 412);
        let done =
            world.ask("POST", &format!("/users/u-1/{action}"), &[("if-match", &before.tag)], "");
        assert_eq!((done.status, &done.json()["state"]), (200, &state.into()), "{done:?}");
        assert!(world.memory.text(&session()).is_none());
        assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), SHUT_OUT);
        let again = world.ask("POST", &format!("/users/u-1/{action}"), &[], "");
        assert_eq!((again.status, &again.tag), (200, &done.tag), "idempotent");

        let back = world.ask("POST", "/users/u-1/return", &[], "");
        assert_eq!((back.status, &back.json()["state"]), (200, &"active".into()));
        let before = format!(r#"{{"v":1,"before":{},"by":"directory"}}"#, world.now);
        assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), before);
        let actions: Vec<String> =
            world.written().iter().map(|line| line[0].as_str().unwrap().to_owned()).collect();
        assert_eq!(actions, [format!("user-{state}"), "user-returned".into()]);
    }
}

/// Whatever somebody else does between the look and the write, nobody is let in whom the other one shut out.
#[test]
fn two_who_change_one_user_do_not_cross() {
    let world = world();
    world.ask("POST", "/users/u-1/suspend", &[], "");
    let suspended = world.memory.text("t/acme/user/u-1").unwrap();
    let left = suspended.replace("suspended", "left");
    *world.memory.overtake.lock().unwrap() = Some(Box::new(move |entries| {
        entries.insert("t/acme/user/u-1".into(), left.into_bytes());
        entries.insert("t/acme/revoked/subject/u-1".into(), SHUT_OUT.into());
    }));
    let tag = world.ask("GET", "/users/u-1", &[], "").tag;
    let back = world.ask("POST", "/users/u-1/return", &[("if-match", &tag)], "");
    assert_eq!(back.status, 412, "{back:?}");
    assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), SHUT_OUT);
    assert!(world.memory.text("t/acme/user/u-1").unwrap().contains("left"));
    // Without a condition it is what he asked for, of the user as he is then.
    assert_eq!(world.ask("POST", "/users/u-1/return", &[], "").status, 200);
}

/// A change that was cut off lets nobody in, and to send it again makes it whole.
#[test]
fn a_change_that_was_cut_off_is_made_whole() {
    let world = world();
    // His record was written, and nothing else.
    world.memory.put(
        "t/acme/user/u-1",
        r#"{"v":1,"state":"left","roles":["member"],"since":1,"subject":"u-1"}"#,
    );
    assert_eq!(world.ask("POST", "/users/u-1/leave", &[], "").status, 200);
    assert!(world.memory.text(&session()).is_none());
    assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), SHUT_OUT);

    // Of a return likewise: it opens at last.
    world.memory.put(
        "t/acme/user/u-1",
        r#"{"v":1,"state":"active","roles":["member"],"since":1,"subject":"u-1"}"#,
    );
    assert_eq!(world.ask("POST", "/users/u-1/return", &[], "").status, 200);
    assert!(world.memory.text("t/acme/revoked/subject/u-1").unwrap().contains("before"));
    // What was revoked for good, no return undoes.
    world.memory.put("t/acme/revoked/subject/u-1", ALL_REVOKED);
    for action in ["suspend", "return"] {
        assert_eq!(world.ask("POST", &format!("/users/u-1/{action}"), &[], "").status, 200);
        assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), ALL_REVOKED);
    }

    *world.memory.is_away.lock().unwrap() = true;
    let away = world.ask("POST", "/users/u-1/return", &[], "");
    assert_eq!((away.status, away.reason().as_str()), (503, "state-unavailable"));
    assert!(!away.text.contains("away"), "what the store says is for the operator");
}

#[test]
fn users_are_listed_in_pages_and_by_what_they_are() {
    let world = World::new();
    for n in 0..25 {
        let state = ["active", "suspended", "left"][n % 3];
        let record = format!(
            r#"{{"v":1,"state":"{state}","roles":["r{}"],"groups":["g{}"],"name":"Name {n}"}}"#,
            n % 2,
            n % 5
        );
        world.memory.put(&format!("t/acme/user/u-{n:02}"), &record);
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = world.ask("GET", &format!("/users?limit=10{cursor}"), &[], "").json();
        assert_eq!(page["total"], 25);
        let users = page["users"].as_array().unwrap();
        seen.extend(users.iter().map(|user| user["subject"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            None => break,
            Some(next) => cursor = format!("&cursor={next}"),
        }
    }
    assert!(seen.len() == 25 && seen.is_sorted(), "{seen:?}");
    for (query, total) in [
        ("state=active", 9),
        ("role=r1", 12),
        ("group=g4", 5),
        ("q=NAME%201", 11),
        ("q=u-00", 1),
        ("state=active&role=r0&group=g0", 1),
        ("q=nobody", 0),
    ] {
        let page = world.ask("GET", &format!("/users?{query}"), &[], "").json();
        assert_eq!(page["total"], total, "{query}");
    }
    for query in ["limit=0", "limit=1001", "limit=x", "state=x", "sort=name", "limit=1&limit=2"] {
        assert_eq!(world.ask("GET", &format!("/users?{query}"), &[], "").status, 400, "{query}");
    }
}

#[test]
fn an_address_is_one_users() {
    let world = World::new();
    let with = |email: &str| format!(r#"{{"roles":["member"],"email":"{email}"}}"#);
    assert_eq!(world.ask("PUT", "/users/u-1", &[], &with("one@acme.example")).status, 201);
    let taken = world.ask("PUT", "/users/u-2", &[], &with("ONE@acme.example"));
    assert_eq!((taken.status, taken.reason().as_str()), (409, "email-taken"));
    world.ask("POST", "/users/u-1/leave", &[], "");
    assert_eq!(world.ask("PUT", "/users/u-2", &[], &with("ONE@acme.example")).status, 201);
}

fn import(world: &World, query: &str, file: &[u8]) -> super::Answer {
    let headers = [
        ("x-tenant-id", "acme"),
        ("x-user-id", "root"),
        ("x-user-roles", "admin"),
        ("x-request-id", "r-1"),
        ("x-forwarded-host", "acme.example"),
        ("content-type", "text/csv"),
    ];
    world.send("POST", &format!("/api/admin/v1/import/users{query}"), &headers, file)
}

#[test]
fn a_file_changes_all_that_it_says_or_nothing() {
    let world = world();
    let file = "ユーザーID,ロール\nu-1,admin\nu-2,member\n";
    let (shift_jis, ..) = encoding(file);
    let dry = import(&world, "?dry_run=true", &shift_jis);
    assert_eq!((dry.status, &dry.json()["encoding"]), (200, &"Shift_JIS".into()), "{dry:?}");
    assert!(world.memory.text("t/acme/user/u-2").is_none() && world.written().is_empty());
    let told = import(&world, "?complete=false", file.as_bytes()).json();
    assert_eq!(
        (&told["joins"], &told["moves"], &told["leaves"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(told["steps"][0]["changes"][0]["to"], "admin");
    assert_eq!(world.written().len(), 2);
    let complete = import(&world, "?complete=true", b"user_id\nu-2\n").json();
    assert_eq!(complete["leaves"], 1);
    assert!(world.memory.text(&session()).is_none(), "his session ends");
    assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), SHUT_OUT);

    let faults = import(&world, "", b"user_id,roles\na b,\nu-3,x y\nu-4,member\n");
    assert_eq!((faults.status, faults.reason().as_str()), (422, "file-invalid"));
    assert_eq!(faults.json()["faults"][1]["line"], 3);
    assert!(world.memory.text("t/acme/user/u-4").is_none());
    assert_eq!(import(&world, "?encoding=utf-8", &shift_jis).status, 422);
    assert_eq!(import(&world, "?how=x", b"user_id\n").status, 400);
    assert_eq!(import(&world, "", &vec![b'a'; (8 << 20) + 1]).status, 413);
    assert_eq!(world.ask("POST", "/import/users", &[], "{}").status, 415);
}

/// Half a file would let those leave whom the other half names.
#[test]
fn a_body_that_broke_off_changes_nothing() {
    let world = world();
    let file = "user_id\nu-2\n";
    let request = |length: Option<usize>| {
        let mut request = http::Request::post("/api/admin/v1/import/users?complete=true")
            .header("x-tenant-id", "acme")
            .header("x-user-id", "root")
            .header("x-user-roles", "admin")
            .header("x-request-id", "r-1")
            .header("x-forwarded-host", "acme.example")
            .header("content-type", "text/csv");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        request.body(file.as_bytes().to_vec()).unwrap()
    };
    let mut cut = request(None);
    cut.extensions_mut().insert(crate::BrokenOff);
    for request in [cut, request(Some(file.len() + 5)), request(Some(file.len() - 1))] {
        let answer = world.serve(request);
        assert_eq!((answer.status, answer.reason().as_str()), (400, "request-malformed"));
        assert!(world.memory.text("t/acme/user/u-2").is_none() && world.written().is_empty());
    }
    assert_eq!(world.serve(request(Some(file.len()))).json()["leaves"], 1);
}

fn encoding(text: &str) -> (Vec<u8>, ()) {
    let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(text);
    (bytes.into_owned(), ())
}

#[test]
fn whom_somebody_changes_during_an_import_is_looked_at_again() {
    let world = world();
    *world.memory.overtake.lock().unwrap() = Some(Box::new(|entries| {
        let suspended = r#"{"v":1,"state":"suspended","roles":["member"],"since":5}"#;
        entries.insert("t/acme/user/u-1".into(), suspended.into());
    }));
    assert_eq!(import(&world, "", b"user_id,roles\nu-1,admin\n").status, 200);
    let now = world.memory.text("t/acme/user/u-1").unwrap();
    assert!(now.contains("suspended") && now.contains("admin"), "both changes stand: {now}");
}

#[test]
fn an_export_can_be_imported() {
    let world = world();
    world.ask("PUT", "/users/u-2", &[], r#"{"name":"=1+1","roles":["a","b"]}"#);
    world.ask("DELETE", "/users/u-1", &[], "");
    let export = world.ask("GET", "/export/users", &[], "");
    assert_eq!(
        export.text,
        "\u{feff}user_id,email,name,roles,groups,state\r\nu-2,,'=1+1,a;b,,active\r\n"
    );
    assert_eq!(import(&world, "", export.text.as_bytes()).json()["unchanged"], 1);
}

#[test]
fn sessions_are_listed_and_ended() {
    let world = world();
    let second = key::session("acme", &key::digest("s2"));
    world.memory.put(&second, r#"{"v":1,"subject":"u-2","created":9,"client":"203.0.113.9"}"#);
    let all = world.ask("GET", "/sessions", &[], "").json();
    assert_eq!((&all["total"], &all["sessions"][0]["subject"]), (&2.into(), &"u-2".into()));
    assert_eq!(world.ask("GET", "/sessions?subject=u-1", &[], "").json()["total"], 1);
    assert_eq!(world.ask("GET", "/users/u-2/sessions", &[], "").json()["total"], 1);
    let id = all["sessions"][0]["id"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(world.ask("DELETE", &format!("/sessions/{id}"), &[], "").status, 204);
    }
    assert_eq!(world.ask("DELETE", "/sessions/s2", &[], "").status, 404);
    assert_eq!(world.ask("DELETE", "/users/u-1/sessions", &[], "").status, 204);
    assert_eq!(world.ask("GET", "/sessions", &[], "").json()["total"], 0);
    assert_eq!(world.written().len(), 2);
}

#[test]
fn tokens_are_taken_back_and_restored() {
    let world = World::new();
    for (path, key) in [
        ("tenant", "revoked/all"),
        ("subjects/u-1", "revoked/subject/u-1"),
        ("sessions/sid-1", "revoked/session/sid-1"),
    ] {
        let (path, key) = (format!("/revocations/{path}"), format!("t/acme/{key}"));
        assert_eq!(world.ask("GET", &path, &[], "").status, 404);
        assert_eq!(world.ask("DELETE", &path, &[], "").status, 204);
        let put = world.ask("PUT", &path, &[], "{}");
        assert_eq!((put.status, world.memory.text(&key).unwrap().as_str()), (201, ADMINISTRATORS));
        assert_eq!(world.ask("PUT", &path, &[], "{}").status, 428);
        let narrowed =
            world.ask("PUT", &path, &[("if-match", &put.tag)], r#"{"before":1800000000}"#);
        assert_eq!((narrowed.status, narrowed.text.as_str()), (200, r#"{"before":1800000000}"#));
        assert_eq!(world.ask("DELETE", &path, &[("if-match", &put.tag)], "").status, 412);
        assert_eq!(world.ask("DELETE", &path, &ANY, "").status, 204);
        assert_eq!(world.ask("GET", &path, &[], "").status, 404);
        for body in [r#"{"before":0}"#, r#"{"before":-1}"#, r#"{"before":300000000000}"#] {
            assert_eq!(world.ask("PUT", &path, &[], body).status, 422, "{body}");
        }
        let actions: Vec<_> = world.written().iter().map(|line| line[0].clone()).collect();
        assert_eq!(actions, ["revoked", "revoked", "restored"]);
        // With a remark, as the command line may leave one.
        world.memory.put(&key, r#"{"v":1,"before":1800000001,"why":"x"}"#);
        assert_eq!(world.ask("GET", &path, &[], "").json(), json!({"before":1_800_000_001}));
    }
}

/// Who operates the gateway has the last word on what he took back.
#[test]
fn what_an_operator_revoked_no_administrator_lifts() {
    let world = world();
    for (path, key) in [
        ("tenant", "revoked/all"),
        ("subjects/u-1", "revoked/subject/u-1"),
        ("sessions/sid-1", "revoked/session/sid-1"),
    ] {
        let (path, key) = (format!("/revocations/{path}"), format!("t/acme/{key}"));
        for record in [ALL_REVOKED, r#"{"v":1,"before":1800000001,"why":"x"}"#] {
            world.memory.put(&key, record);
            for (method, body) in [("DELETE", ""), ("PUT", r#"{"before":1}"#), ("PUT", "{}")] {
                let answer = world.ask(method, &path, &ANY, body);
                assert_eq!(
                    (answer.status, answer.reason().as_str()),
                    (403, "operators-revocation"),
                    "{method} {path} {body}"
                );
            }
            assert_eq!(world.memory.text(&key).unwrap(), record);
        }
    }
    assert!(world.written().is_empty());
}

#[test]
fn of_a_user_who_is_shut_out_nothing_is_lifted() {
    for action in ["suspend", "leave"] {
        let world = world();
        let path = "/revocations/subjects/u-1";
        world.ask("POST", &format!("/users/u-1/{action}"), &[], "");
        // Also not by making it an administrator's word before.
        for (method, body) in [("DELETE", ""), ("PUT", r#"{"before":1}"#)] {
            for record in [SHUT_OUT, ADMINISTRATORS] {
                world.memory.put("t/acme/revoked/subject/u-1", record);
                let answer = world.ask(method, path, &ANY, body);
                assert_eq!((answer.status, answer.reason().as_str()), (409, "user-shut-out"));
                assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), record);
            }
        }
        world.memory.put("t/acme/revoked/subject/u-1", SHUT_OUT);
        world.ask("POST", "/users/u-1/return", &[], "");
        // His old tokens are what they were, also by a detour.
        assert_eq!(world.ask("DELETE", path, &ANY, "").status, 409);
        assert_eq!(world.ask("PUT", path, &ANY, r#"{"before":4000000000}"#).status, 200);
        assert_eq!(world.ask("DELETE", path, &ANY, "").status, 409);
    }
}

/// He is out by his record and by the revocation, even where his sessions can't be found.
#[test]
fn nobody_stays_because_the_keys_cant_be_listed() {
    for (method, path) in
        [("POST", "/users/u-1/suspend"), ("POST", "/users/u-1/leave"), ("DELETE", "/users/u-1")]
    {
        let world = world();
        *world.memory.has_no_list.lock().unwrap() = true;
        assert_eq!(world.ask(method, path, &[], "").status, 503, "{path}");
        let record = world.memory.text("t/acme/user/u-1").unwrap();
        assert!(!record.contains("active"), "{record}");
        assert_eq!(world.memory.text("t/acme/revoked/subject/u-1").unwrap(), SHUT_OUT);
        assert_eq!(world.written().len(), 1);
        assert!(world.memory.text(&session()).is_some());
        *world.memory.has_no_list.lock().unwrap() = false;
        assert!(world.ask(method, path, &[], "").status < 300, "{path}");
        assert!(world.memory.text(&session()).is_none(), "sent again, it is whole: {path}");
    }
}

#[test]
fn a_group_that_no_file_can_have_is_told() {
    let world = world();
    world.ask("PUT", "/users/u-2", &[], r#"{"groups":["a;b"]}"#);
    let export = world.ask("GET", "/export/users", &[], "");
    assert_eq!((export.status, export.reason().as_str()), (409, "group-unwritable"));
}

#[test]
fn assistants_are_labelled() {
    let world = World::new();
    let label = r#"{"visibility":"restricted","users":["u-1"],"groups":["sales"]}"#;
    let put = world.ask("PUT", "/assistants/a1", &[], label);
    assert_eq!(put.status, 201, "{put:?}");
    assert_eq!(world.ask("GET", "/assistants/a1", &[], "").tag, put.tag);
    assert_eq!(
        world.memory.text("t/acme/assistant/a1").unwrap(),
        r#"{"v":1,"visibility":"restricted","users":["u-1"],"groups":["sales"]}"#
    );
    assert_eq!(
        world.ask("PUT", "/assistants/a1", &[], r#"{"visibility":"organization"}"#).status,
        428
    );
    let open = world.ask(
        "PUT",
        "/assistants/a1",
        &[("if-match", &put.tag)],
        r#"{"visibility":"organization"}"#,
    );
    assert_eq!(open.status, 200);
    for (status, body) in [
        (422, r#"{"visibility":"restricted"}"#),
        (422, r#"{"visibility":"personal","owner":"a b"}"#),
        (400, r#"{"visibility":"public"}"#),
        (400, r#"{"visibility":"organization","users":["u-1"]}"#),
    ] {
        assert_eq!(world.ask("PUT", "/assistants/a1", &ANY, body).status, status, "{body}");
    }
    assert_eq!(world.ask("PUT", "/assistants/a%20b", &[], label).status, 404);
    assert_eq!(world.ask("GET", "/assistants", &[], "").json()["assistants"][0]["id"], "a1");
    for _ in 0..2 {
        assert_eq!(world.ask("DELETE", "/assistants/a1", &[], "").status, 204);
    }
    assert_eq!(world.ask("GET", "/assistants/a1", &[], "").status, 404);
    assert_eq!(world.ask("GET", "/assistants", &[], "").json()["assistants"], json!([]));
    assert_eq!(world.ask("PUT", "/assistants/a1", &[], label).status, 201);
    let long = "a".repeat(100);
    assert_eq!(world.ask("PUT", &format!("/assistants/{long}"), &[], label).status, 201);
    let listed = world.ask("GET", "/assistants", &[], "").json();
    let id = listed["assistants"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.ask("GET", &format!("/assistants/{id}"), &[], "").status, 200);
    assert_eq!(world.ask("PUT", &format!("/assistants/{id}"), &ANY, label).status, 200);
    let nobodys = key::digest("nobody's");
    assert_eq!(world.ask("PUT", &format!("/assistants/{nobodys}"), &[], label).status, 404);
}

#[test]
fn networks_are_narrowed_within_what_the_operator_allows() {
    let world = World::new();
    let read = world.ask("GET", "/networks", &[], "");
    let networks = read.json();
    assert_eq!(networks["client"], "203.0.113.9");
    assert_eq!(networks["networks"][0], json!({"name":"business"}));
    assert_eq!(
        networks["networks"][1]["widest"],
        json!([{"first":"203.0.113.0","last":"203.0.113.255"}])
    );
    let own = r#"{"allow":["203.0.113.0/28"]}"#;
    assert_eq!(world.ask("PUT", "/networks/admin", &[], own).status, 428);
    let tag = [("if-match", read.tag.as_str())];
    for (status, path, body) in [
        (422, "/networks/admin", r#"{"allow":["198.51.100.0/24"]}"#),
        (422, "/networks/admin", r#"{"allow":["203.0.113.9"]}"#),
        (409, "/networks/admin", r#"{"allow":["203.0.113.64/28"]}"#),
        (409, "/networks/admin", r#"{"allow":[]}"#),
        (404, "/networks/guests", own),
        (422, "/networks/admin?force=true", r#"{"allow":["198.51.100.0/24"]}"#),
        (400, "/networks/admin?force=perhaps", own),
    ] {
        let answer = world.ask("PUT", path, &tag, body);
        assert_eq!(answer.status, status, "{path} {body} {answer:?}");
    }
    let done = world.ask("PUT", "/networks/admin", &tag, own);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.json()["networks"][1]["list"], json!({"allow":["203.0.113.0/28"]}));
    assert_eq!(world.ask("PUT", "/networks/admin", &tag, own).status, 412, "the tag is old");
    let forced =
        world.ask("PUT", "/networks/admin?force=true", &ANY, r#"{"allow":["203.0.113.64/28"]}"#);
    assert_eq!(forced.status, 200);
    assert_eq!(world.ask("DELETE", "/networks/admin", &[], "").status, 200);
    assert_eq!(world.memory.text("t/acme/networks").unwrap(), r#"{"v":1,"networks":{}}"#);
    assert_eq!(world.written().len(), 3);
    // Nobody knows from where he comes.
    let headers = [
        ("x-tenant-id", "acme"),
        ("x-user-id", "root"),
        ("x-user-roles", "admin"),
        ("x-request-id", "r-1"),
        ("x-forwarded-host", "acme.example"),
        ("content-type", "application/json"),
        ("if-match", "*"),
    ];
    let unknown = world.send("PUT", "/api/admin/v1/networks/admin", &headers, own.as_bytes());
    assert_eq!(unknown.status, 409);
}

#[test]
fn the_description_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/admin.openapi.json");
    let now = crate::api::openapi();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == now, "run this test with BLESS=1 and look at what differs");
    let served = World::new().ask("GET", "/openapi.json", &[], "");
    assert_eq!(served.text, now);
    let mut operations = String::new();
    for (path, item) in served.json()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let _ = write!(operations, "{method} {path}");
            assert!(
                operation["summary"].is_string() && operation["responses"]["503"].is_object(),
                "{operations}"
            );
        }
    }
}
