//! Origins that are down or answer what they may not, and policies that can't be read: each has its status, and the
//! next request is served. How an origin's connection fails is in `faulty`.

use std::time::{Duration, Instant};

use crate::support::{World, json, mounts};

async fn reason(world: &World, target: &str) -> (u16, String) {
    let answer = world.get(target).await;
    let status = answer.status().as_u16();
    (status, json(answer).await["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_or_with_another_tenant_is_withheld() {
    let world = World::new().await;
    for target in ["/api/files/no-echo", "/api/files/wrong-tenant"] {
        assert_eq!(
            reason(&world, target).await,
            (502, "origin-tenant-mismatch".into()),
            "{target}"
        );
    }
    assert_eq!(world.get("/api/assistants").await.status(), 200);
}

/// Where the origin sends the client, over real sockets; core's tests have the table.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_to_the_tenant_or_nowhere() {
    for (location, want) in [
        ("http://127.0.0.1:3480/api/files/x", Some("/api/files/x")),
        ("https://acme.localhost/api/files/x", Some("/api/files/x")),
        ("https://globex.localhost/", None),
        ("//evil.example/", None),
    ] {
        let mut world = World::new().await;
        let head = format!(
            "HTTP/1.1 302 Found\r\nx-tenant-id: acme\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        );
        let origin = world.origin_that_answers(head.leak().as_bytes()).await;
        let answer = world.get("/api/files/x").await;
        if let Some(want) = want {
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["location"]),
                (302, &want.parse().unwrap())
            );
        } else {
            assert_eq!(answer.status(), 502, "{location}");
            assert!(!answer.headers().contains_key("location"));
            assert_eq!(json(answer).await["reason"], "origin-redirect-refused");
        }
        drop(origin);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_down_is_502_and_back_again_200() {
    let mut world = World::new().await;
    assert_eq!(world.get("/api/assistants").await.status(), 200);
    let addr = world.origin.addr();
    world.origin.stop().await;
    // The first may still meet the connection from before, as it breaks.
    assert_eq!(reason(&world, "/api/assistants").await.0, 502);
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(reason(&world, "/api/assistants").await);
    }
    // While it is passed over nobody waits for it.
    for (status, reason) in told {
        let known = [(502, "origin-unreachable"), (503, "origins-unavailable")];
        assert!(known.contains(&(status, reason.as_str())), "{status} {reason}");
    }
    let again = sekisho_testing::server::Listen::default().on(addr);
    world.origin = sekisho_testing::origin::Origin::start(again.into()).await.unwrap();
    let begin = Instant::now();
    while world.get("/api/assistants").await.status() != 200 {
        assert!(begin.elapsed() < Duration::from_secs(10), "it is not asked again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_nothing_is_permitted() {
    let world = World::new().await;
    let broken = tempfile::tempdir().unwrap();
    for (file, text) in [("gateway.toml", "version = 1\nroots = []\n"), ("README", "")] {
        std::fs::write(broken.path().join(file), text).unwrap();
    }
    world.host.reload(&mounts(broken.path())).unwrap();
    for _ in 0..2 {
        assert_eq!(reason(&world, "/healthz").await, (503, "policy-unavailable".into()));
    }
    assert!(world.origin.requests().is_empty());
    world.host.reload(&mounts(&world.policy)).unwrap();
    assert_eq!(world.get("/api/assistants").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_headers_and_hop_by_hop_ones_do_not_leave() {
    let world = World::new().await;
    let answer = world.get("/api/files/internal-headers").await;
    assert_eq!(answer.status(), 200);
    for name in ["x-sekisho-debug", "server", "x-powered-by", "x-tenant-id", "keep-alive"] {
        assert!(!answer.headers().contains_key(name), "{name}: {:?}", answer.headers());
    }
}
