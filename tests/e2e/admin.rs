//! The administration interface: a component behind the gateway, which judges its callers by the same road as any.

use std::time::{Duration, Instant};

use futures::future::join_all;
use http::{Method, Request, StatusCode};
use sekisho_testing::client::{Events, Protocol};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::{body, origin::Origin, origin::OriginOptions, redis::Redis};
use serde_json::{Value, json};

use crate::portable::imports;
use crate::process::{ANY_PORT, Site};
use crate::support::{Answer, Options, World, json as read, repository, text};

const USERS: &str = "/api/admin/v1/users";

/// A world where acme looks its users up, judges open streams each second and manages its networks.
async fn world() -> World {
    World::with(Options {
        acme: vec![(
            "directory = \"off\"".into(),
            "directory = \"optional\"\nmanaged_networks = [\"admin\"]".into(),
        )],
        globex: vec![
            ("admin = [\"203.0.113.8/29\"]".into(), "admin = \"any\"".into()),
            (
                "business = [\"203.0.113.0/24\", \"2001:db8:42::/48\"]".into(),
                "business = \"any\"".into(),
            ),
        ],
        ..Options::default()
    })
    .await
}

fn token(world: &World, tenant: &str, subject: &str, roles: &[&str]) -> String {
    let token = world.issuer.token(tenant).subject(subject).roles(roles.iter().copied());
    token.issued_at(unix_seconds()).sign().unwrap()
}

/// Who asks, and with which fields besides.
struct By<'a> {
    tenant: &'a str,
    roles: &'a [&'a str],
    more: &'a [(&'a str, &'a str)],
}

const ADMIN: By<'static> = By { tenant: "acme", roles: &["admin"], more: &[] };

async fn ask(world: &World, by: &By<'_>, method: &str, target: &str, body: &str) -> Answer {
    let token = token(world, by.tenant, "root", by.roles);
    let mut request = Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(format!("https://{}.localhost{target}", by.tenant))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "application/json");
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in by.more {
        request = request.header(*name, *value);
    }
    let request = request.body(body::full(body.to_owned())).unwrap();
    world.client(Protocol::H2).send(request).await.unwrap()
}

async fn admin(world: &World, method: &str, target: &str, body: &str) -> (u16, Value) {
    let answer = ask(world, &ADMIN, method, target, body).await;
    let status = answer.status().as_u16();
    let text = text(answer).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A member's request, with a token that he was given before.
async fn as_member(world: &World, token: &str) -> u16 {
    let request = Request::get("https://acme.localhost/api/assistants")
        .header("authorization", format!("Bearer {token}"));
    let request = request.body(body::empty()).unwrap();
    world.client(Protocol::H2).send(request).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_manages_users_and_the_record_says_so() {
    let world = world().await;
    let body = r#"{"roles":["member"],"email":"hanako@acme.example","name":"佐藤 花子"}"#;
    let answer = ask(&world, &ADMIN, "PUT", &format!("{USERS}/u-7"), body).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    assert!(answer.headers().contains_key("etag") && !answer.headers().contains_key("x-tenant-id"));
    let (status, listed) = admin(&world, "GET", &format!("{USERS}?state=active"), "").await;
    assert_eq!((status, &listed["users"][0]["name"]), (200, &"佐藤 花子".into()), "{listed}");
    assert_eq!(admin(&world, "POST", &format!("{USERS}/u-7/suspend"), "").await.0, 200);
    let (_, listed) = admin(&world, "GET", &format!("{USERS}?state=suspended"), "").await;
    assert_eq!(listed["total"], 1);

    let changes: Vec<Value> = world
        .audit
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|record: &Value| record["event"] == "administration")
        .collect();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert_eq!(
        (
            &changes[0]["action"],
            &changes[0]["target"],
            &changes[0]["subject"],
            &changes[0]["client"]
        ),
        (&"user-created".into(), &"user/u-7".into(), &"root".into(), &"127.0.0.1".into())
    );
    assert!(world.audit.lines().iter().all(|line| !line.contains("hanako")));
    // The gateway's own record has the same identifier.
    let id = changes[0]["request_id"].as_str().unwrap();
    assert_eq!(world.audit.of(id).await["route"], "administration");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_from_the_administration_network_is_heard() {
    let world = world().await;
    let list = |by| ask(&world, by, "GET", USERS, "");
    let member = By { roles: &["member"], ..ADMIN };
    let answer = list(&member).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(read(answer).await["reason"], "role-missing");
    let provisioner = By { roles: &["provisioner"], ..ADMIN };
    assert_eq!(list(&provisioner).await.status(), StatusCode::FORBIDDEN);
    // What a client says of himself is not heard, however he spells it.
    for (name, value) in [
        ("x-user-roles", "admin"),
        ("X-User_Roles", "admin"),
        ("x-tenant-id", "globex"),
        ("x-forwarded-for", "203.0.113.9"),
        ("connection", "x-tenant-id"),
    ] {
        let spoofing = By { more: &[(name, value)], ..member };
        let client = world.client(Protocol::H1);
        let token = token(&world, "acme", "root", spoofing.roles);
        let request = Request::get(format!("https://acme.localhost{USERS}"))
            .header("authorization", format!("Bearer {token}"))
            .header(name, value)
            .body(body::empty())
            .unwrap();
        let status = client.send(request).await.unwrap().status().as_u16();
        assert!([400, 403].contains(&status), "{name}: {status}");
    }
    let outside = World::with(Options {
        acme: vec![(
            "admin = [\"127.0.0.0/8\", \"::1/128\"]".into(),
            "admin = [\"203.0.113.0/24\"]".into(),
        )],
        ..Options::default()
    })
    .await;
    let answer = ask(&outside, &ADMIN, "GET", USERS, "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(read(answer).await["reason"], "network-not-allowed");
    // Another path to the same place is none.
    for path in [
        "/api/admin/v1/../../api/admin/v1/users",
        "/api/admin//v1/users",
        "/api/admin/v1/users%2fu-1",
        "/api/files/..%2fadmin/v1/users",
        "/api/admin/v1",
    ] {
        let status = ask(&world, &ADMIN, "GET", path, "").await.status().as_u16();
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_one_tenant_sees_nothing_of_another() {
    let world = world().await;
    assert_eq!(
        admin(&world, "PUT", &format!("{USERS}/u-7"), r#"{"roles":["member"]}"#).await.0,
        201
    );
    let globex = By { tenant: "globex", ..ADMIN };
    for more in [&[][..], &[("x-tenant-id", "acme")], &[("x-forwarded-host", "acme.localhost")]] {
        let globex = By { more, ..globex };
        let answer = ask(&world, &globex, "GET", USERS, "").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(read(answer).await["total"], 0);
        for (method, path) in
            [("GET", "/u-7"), ("POST", "/u-7/leave"), ("GET", "/..%2f..%2facme%2fuser%2fu-7")]
        {
            let answer = ask(&world, &globex, method, &format!("{USERS}{path}"), "").await;
            assert!([400, 404].contains(&answer.status().as_u16()), "{method} {path}");
        }
    }
    // A token of one tenant at another's host.
    let token = token(&world, "acme", "root", &["admin"]);
    let crossing = Request::get(format!("https://globex.localhost{USERS}"))
        .header("authorization", format!("Bearer {token}"))
        .body(body::empty())
        .unwrap();
    let answer = world.client(Protocol::H2).send(crossing).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_is_out_with_the_next_request_and_on_an_open_stream() {
    let world = world().await;
    let member = token(&world, "acme", "u-7", &["member"]);
    assert_eq!(
        admin(&world, "PUT", &format!("{USERS}/u-7"), r#"{"roles":["member"]}"#).await.0,
        201
    );
    assert_eq!(as_member(&world, &member).await, 200);
    let stream =
        Request::post("https://acme.localhost/api/assistants/a1/chat?events=1000&interval_ms=20")
            .header("authorization", format!("Bearer {member}"))
            .header("accept", "text/event-stream")
            .body(body::full("{}"))
            .unwrap();
    let answer = world.client(Protocol::H2).send(stream).await.unwrap();
    let mut events = Events::new(answer.into_body());
    events.next().await.unwrap().unwrap();

    let left = Instant::now();
    assert_eq!(admin(&world, "POST", &format!("{USERS}/u-7/leave"), "").await.0, 200);
    let status = as_member(&world, &member).await;
    assert!([401, 403].contains(&status), "{status}");
    while let Ok(Some(_)) = events.next().await {
        assert!(left.elapsed() < Duration::from_secs(2), "he reads on");
    }
    println!("out of the stream after {:?}", left.elapsed());
    let end = world.audit.stream_ends(1).await.remove(0);
    assert_eq!(end["end"], "denied", "{end}");

    // Back again, and the token of before is refused.
    assert_eq!(admin(&world, "POST", &format!("{USERS}/u-7/return"), "").await.0, 200);
    assert_eq!(as_member(&world, &member).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_taken_back_and_labels_and_networks_hold() {
    let world = world().await;
    let member = token(&world, "acme", "u-8", &["member"]);
    let revocation = "/api/admin/v1/revocations/subjects/u-8";
    assert_eq!(as_member(&world, &member).await, 200);
    assert_eq!(admin(&world, "PUT", revocation, "{}").await.0, 201);
    assert_eq!(as_member(&world, &member).await, 401);
    assert_eq!(admin(&world, "DELETE", revocation, "").await.0, 204);
    assert_eq!(as_member(&world, &member).await, 200);

    let networks = "/api/admin/v1/networks";
    let answer = ask(&world, &ADMIN, "GET", networks, "").await;
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(read(answer).await["networks"][0]["name"], "admin");
    let more = [("if-match", tag.as_str())];
    let by = By { more: &more, ..ADMIN };
    let away = r#"{"allow":["127.99.0.0/16"]}"#;
    let admin_network = format!("{networks}/admin");
    let answer = ask(&world, &by, "PUT", &admin_network, away).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(read(answer).await["reason"], "shuts-out");
    let forced = format!("{admin_network}?force=true");
    assert_eq!(ask(&world, &by, "PUT", &forced, away).await.status(), StatusCode::OK);
    assert_eq!(ask(&world, &ADMIN, "GET", networks, "").await.status(), StatusCode::FORBIDDEN);
}

/// An identity provider with a token of its own creates, groups and deactivates a user, and reaches nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn an_identity_provider_provisions() {
    let world = world().await;
    let provider = By { roles: &["provisioner"], ..ADMIN };
    let scim = async |method: &str, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = ask(&world, &provider, method, &format!("/scim/v2{path}"), &body).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&text(answer).await).unwrap_or(Value::Null))
    };
    let name = "hanako@acme.example";
    let filter = "/Users?filter=userName%20eq%20%22hanako@acme.example%22";
    assert_eq!(scim("GET", filter, Value::Null).await.1["totalResults"], 0);
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
        "emails": [{"primary": true, "type": "work", "value": name}], "name": {"givenName": "花子", "familyName": "佐藤"}});
    let (status, created) = scim("POST", "/Users", user).await;
    assert_eq!((status, &created["roles"][0]["value"]), (201, &"member".into()), "{created}");
    let path = format!("/Users/{}", created["id"].as_str().unwrap());
    let member = token(&world, "acme", name, &[]);
    assert_eq!(as_member(&world, &member).await, 200, "by the role that provisioning gave");
    let group = scim(
        "POST",
        "/Groups",
        json!({"displayName": "Sales", "members": [{"value": created["id"]}]}),
    )
    .await;
    assert_eq!((group.0, &group.1["members"][0]["value"]), (201, &created["id"]));
    assert_eq!(scim("GET", &path, Value::Null).await.1["groups"][0]["display"], "Sales");

    let off = json!({"Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    assert_eq!(scim("PATCH", &path, off).await.1["active"], false);
    assert_eq!(as_member(&world, &member).await, 403);
    assert_eq!(scim("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(scim("GET", &path, Value::Null).await.0, 404);

    assert_eq!(ask(&world, &provider, "GET", USERS, "").await.status(), StatusCode::FORBIDDEN);
    let by_admin = ask(&world, &ADMIN, "GET", "/scim/v2/Users", "").await;
    assert_eq!(by_admin.status(), StatusCode::FORBIDDEN);
    let globex = By { tenant: "globex", ..provider };
    let answer = ask(&world, &globex, "GET", "/scim/v2/Users", "").await;
    assert_eq!(read(answer).await["reason"], "network-undefined", "nobody opened it");
}

/// Adds his own group to one user, reading and writing until nobody was faster.
async fn adds_a_group(
    base: &str,
    client: sekisho_testing::client::Client,
    token: &str,
    group: String,
) -> usize {
    let mut tries = 0;
    let mut on = client.connect("acme.localhost").await.unwrap();
    loop {
        tries += 1;
        assert!(tries < 500, "nobody comes through");
        let request = |method: &str, tag: Option<&str>, body: String| {
            let mut request = Request::builder()
                .method(method.parse::<Method>().unwrap())
                .uri(base)
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json");
            if let Some(tag) = tag {
                request = request.header("if-match", tag);
            }
            request.body(body::full(body)).unwrap()
        };
        let answer = on.send(request("GET", None, String::new())).await.unwrap();
        assert_eq!(answer.status(), 200);
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        let mut groups = read(answer).await["groups"].as_array().unwrap().clone();
        groups.push(group.clone().into());
        let body = json!({"roles": ["member"], "groups": groups}).to_string();
        let answer = on.send(request("PUT", Some(&tag), body)).await.unwrap();
        match answer.status().as_u16() {
            200 => return tries,
            412 => drop(text(answer).await),
            other => panic!("{other}: {}", text(answer).await),
        }
    }
}

const WRITERS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn no_update_of_twenty_writers_is_lost() {
    let world = world().await;
    assert_eq!(
        admin(&world, "PUT", &format!("{USERS}/u-9"), r#"{"roles":["member"]}"#).await.0,
        201
    );
    let token = token(&world, "acme", "root", &["admin"]);
    let base = format!("https://acme.localhost{USERS}/u-9");
    let writers = (0..WRITERS)
        .map(|n| adds_a_group(&base, world.client(Protocol::H2), &token, format!("g-{n}")));
    let tries: usize = join_all(writers).await.into_iter().sum();
    let (_, user) = admin(&world, "GET", &format!("{USERS}/u-9"), "").await;
    assert_eq!(user["groups"].as_array().unwrap().len(), WRITERS, "{user}");
    println!("{WRITERS} writers in memory: {tries} tries");
}

/// The same of two gateways on one Redis, and of one on a disk.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_between_two_gateways() {
    let redis = Redis::start(&[]).unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    // Each with an audit trail of its own.
    let on_redis = ["audit-1", "audit-2"]
        .map(|audit| site.up_with(ANY_PORT, &["--state", &redis.url(), "--audit", audit], &[]));
    let on_disk = site.up(ANY_PORT);
    for (name, gateways) in [
        ("Redis", vec![on_redis[0].addr, on_redis[1].addr]),
        ("disk", vec![on_disk.addr, on_disk.addr]),
    ] {
        let token = site.token_with("root", &["admin"]);
        let base = format!("https://acme.localhost{USERS}/u-9");
        let create = Request::put(&base)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body::full(r#"{"roles":["member"]}"#))
            .unwrap();
        let answer = site.client(gateways[0], Protocol::H2).send(create).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{name}");
        let writers = (0..WRITERS).map(|n| {
            let client = site.client(gateways[n % 2], Protocol::H2);
            adds_a_group(&base, client, &token, format!("g-{n}"))
        });
        let tries: usize = join_all(writers).await.into_iter().sum();
        let get = Request::get(&base)
            .header("authorization", format!("Bearer {token}"))
            .body(body::empty())
            .unwrap();
        let answer = site.client(gateways[1], Protocol::H2).send(get).await.unwrap();
        let user = read(answer).await;
        assert_eq!(user["groups"].as_array().unwrap().len(), WRITERS, "{name}: {user}");
        println!("{WRITERS} writers by two gateways on {name}: {tries} tries");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_users_are_imported() {
    let redis = Redis::start(&[]).unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let token = site.token_with("root", &["admin"]);
    let rows = (0..10_000)
        .map(|n| format!("u-{n:05},u-{n:05}@acme.example,社員 {n},member,部署{}\n", n % 40));
    let file = format!("user_id,email,name,roles,groups\n{}", rows.collect::<String>());
    for (name, state) in
        [("memory", "memory".to_owned()), ("Redis", redis.url()), ("disk", "state".to_owned())]
    {
        let gateway = site.up_with(ANY_PORT, &["--state", &state], &[]);
        let mut on =
            site.client(gateway.addr, Protocol::H2).connect("acme.localhost").await.unwrap();
        for (what, query, count) in [
            ("dry run", "?dry_run=true", "joins"),
            ("import", "", "joins"),
            ("again", "", "unchanged"),
        ] {
            let begun = Instant::now();
            let request =
                Request::post(format!("https://acme.localhost/api/admin/v1/import/users{query}"))
                    .header("authorization", format!("Bearer {token}"))
                    .header("content-type", "text/csv")
                    .body(body::full(file.clone()))
                    .unwrap();
            let answer = on.send(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{name} {what}");
            let told = read(answer).await;
            assert_eq!(told[count], 10_000, "{name} {what}");
            println!("{name}: {what} of 10,000 users in {:?}", begun.elapsed());
        }
        let begun = Instant::now();
        let request = Request::get(format!("https://acme.localhost{USERS}?limit=1000"))
            .header("authorization", format!("Bearer {token}"))
            .body(body::empty())
            .unwrap();
        assert_eq!(read(on.send(request).await.unwrap()).await["total"], 10_000);
        println!("{name}: a page of 1,000 in {:?}", begun.elapsed());
    }
}

/// It has no way out: neither in its imports nor by its host's leave.
#[test]
fn the_component_reaches_nothing_but_the_store() {
    let manifest = repository();
    for url in ["http://127.0.0.1:3480", "https://example.com", "http://gateway.spin.internal"] {
        assert!(!manifest.allows_outbound("admin", url).unwrap(), "{url}");
    }
    crate::support::component();
    let imports = imports(manifest.source("admin").unwrap());
    println!("{imports:#?}");
    assert!(imports.iter().any(|name| name.starts_with("wasi:keyvalue/atomics")));
    for denied in
        ["wasi:http/client", "wasi:http/outgoing-handler", "wasi:sockets", "spin:key-value"]
    {
        assert!(imports.iter().all(|name| !name.starts_with(denied)), "{denied}: {imports:?}");
    }
}
