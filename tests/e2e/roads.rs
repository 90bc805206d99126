//! A permitted request, all the way: TLS, token, allowlist, headers, origin, answer.

use http::Method;
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::pki::{self, Pki};
use sekisho_testing::server::Listen;
use serde_json::json;

use crate::support::{Options, World, json as json_of, mounts, request, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_member_reaches_the_assistants_over_h1_and_h2() {
    let world = World::new().await;
    for (protocol, version) in
        [(Protocol::H1, http::Version::HTTP_11), (Protocol::H2, http::Version::HTTP_2)]
    {
        let answer = world.ask(protocol, Method::GET, "/api/assistants", body::empty()).await;
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        assert_eq!(answer.headers()["cache-control"], "private, no-store");
        assert!(
            answer.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age=")
        );
        assert!(!answer.headers().contains_key("x-tenant-id"));
        assert!(text(answer).await.contains("a1"));

        let seen = world.origin.take_requests();
        let [seen] = seen.as_slice() else { panic!("{seen:?}") };
        for (name, value) in [
            ("x-tenant-id", "acme"),
            ("x-user-id", "u-42"),
            ("x-user-roles", "member"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
        ] {
            assert_eq!(seen.header(name), Some(value), "{name}");
        }
        assert!(seen.header_values("authorization").is_empty());
        let record = world.audit.of(seen.header("x-request-id").unwrap()).await;
        assert_eq!(record["decision"], "permit");
        assert_eq!(record["status"], 200);
        assert_eq!(record["subject"], "u-42");
        assert_eq!(record["method"], "GET");
        assert_eq!(record["path"], "/api/assistants");
        assert_eq!(record["client"], "127.0.0.1");
        let digest = sekisho::policy_dir::load(&world.policy).unwrap().1.digest().to_owned();
        assert_eq!(record["policy"], digest);
        assert!(record["time"].as_str().unwrap().ends_with('Z'));
        assert!(record["duration_us"].as_u64().unwrap() < 10_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_a_route_and_its_body_pass() {
    let world = World::new().await;
    for method in [Method::POST, Method::PUT] {
        for protocol in [Protocol::H1, Protocol::H2] {
            let answer = world
                .ask(protocol, method.clone(), "/api/files/echo?a=%2F&b", body::full("hello, 関所"))
                .await;
            assert_eq!(answer.status(), 200);
            let echo = json_of(answer).await;
            assert_eq!(echo["method"], method.as_str());
            assert_eq!(echo["target"], "/api/files/echo?a=%2F&b");
            assert_eq!(echo["body"], "hello, 関所");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_empty_answers_pass_without_a_body() {
    let world = World::new().await;
    let answer = world
        .client(Protocol::H1)
        .send(request(Method::HEAD, "/healthz").body(body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(text(answer).await.is_empty());
    for status in [204, 304, 404, 418, 500] {
        let answer = world.get(&format!("/api/files/status/{status}")).await;
        assert_eq!(answer.status().as_u16(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_many_verdicts() {
    let world = World::new().await;
    for protocol in [Protocol::H1, Protocol::H2] {
        let mut connection = world.client(protocol).connect("acme.localhost").await.unwrap();
        for (token, want) in [("acme", 200), ("globex", 403), ("", 401), ("acme", 200)] {
            let mut request = request(Method::GET, "/api/assistants");
            if !token.is_empty() {
                request = request.header("authorization", format!("Bearer {}", world.token(token)));
            }
            let answer = connection.send(request.body(body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), want, "{protocol:?} {token}");
            text(answer).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_over_tls_is_verified() {
    let pki = Pki::new().unwrap();
    let tls = || Listen::tls(pki.server_config(&["127.0.0.1"], &[b"h2", b"http/1.1"]).unwrap());
    let trusted = World::with(Options {
        origin: tls().into(),
        extra_ca: Some(pki.ca_pem().to_owned()),
        ..Options::default()
    })
    .await;
    assert_eq!(trusted.get("/api/assistants").await.status(), 200);
    assert_eq!(trusted.origin.requests()[0].version, http::Version::HTTP_2);

    let untrusted = World::with(Options { origin: tls().into(), ..Options::default() }).await;
    let answer = untrusted.get("/api/assistants").await;
    assert_eq!(answer.status(), 502);
    assert_eq!(json_of(answer).await["reason"], "origin-unreachable");
    assert!(untrusted.origin.requests().is_empty());
    // Not needed by this test, but it is what a careless operator would try.
    assert!(pki::client_config("no certificate", &[]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_seen_by_the_next_request() {
    let world = World::new().await;
    assert_eq!(world.get("/api/assistants").await.status(), 200);
    let store = world.host.store("default");
    let record = json!({"v": 1, "before": unix_seconds() + 60}).to_string().into_bytes();
    store.set("t/acme/revoked/subject/u-42", record).await.unwrap();
    let answer = world.get("/api/assistants").await;
    assert_eq!(answer.status(), 401);
    assert_eq!(json_of(answer).await["reason"], "session-revoked");
    store.delete("t/acme/revoked/subject/u-42").await.unwrap();
    assert_eq!(world.get("/api/assistants").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_counts_from_the_next_request_on() {
    let world = World::new().await;
    assert_eq!(world.get("/api/assistants").await.status(), 200);
    let next = tempfile::tempdir().unwrap();
    let closed = (
        "[\"GET\"]\norigins = [\"assistant\"]\nroles".to_owned(),
        "[\"PUT\"]\norigins = [\"assistant\"]\nroles".to_owned(),
    );
    crate::support::copy_policy(&world.policy, &next.path().join("policy"), &[closed]);
    world.host.reload(&mounts(&next.path().join("policy"))).unwrap();
    let answer = world.get("/api/assistants").await;
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()["allow"], "PUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_route_needs_network_and_role() {
    let world = World::new().await;
    let send = async |tenant: &str, role: &str, from: [u8; 4]| {
        let token =
            world.issuer.token(tenant).subject("u-1").roles([role]).issued_at(unix_seconds());
        let request = http::Request::get(format!("https://{tenant}.localhost/admin/users"))
            .header("authorization", format!("Bearer {}", token.sign().unwrap()));
        let client = world.client(Protocol::H1).binding(from.into());
        client.send(request.body(body::empty()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(send("acme", "admin", [127, 0, 0, 2]).await, 200);
    assert_eq!(send("acme", "member", [127, 0, 0, 2]).await, 403);
    assert_eq!(send("globex", "admin", [127, 0, 0, 1]).await, 403);
    assert_eq!(world.origin.requests().len(), 1);
}
