//! A rate limit across requests: what one takes, the next one misses.

use crate::support::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_third_of_two_requests_waits() {
    let limit = "\n[[rate_limits]]\nid = \"list\"\nper = \"subject\"\nroutes = [\"assistants\"]\n\
                 burst = 2\nrefill_per_minute = 1\n\n[[routes]]\nid = \"health\"";
    let gateway = vec![("\n[[routes]]\nid = \"health\"".to_owned(), limit.to_owned())];
    let world = World::with(Options { gateway, ..Options::default() }).await;
    for _ in 0..2 {
        assert_eq!(world.get("/api/assistants").await.status(), 200);
    }
    let refused = world.get("/api/assistants").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(world.origin.take_requests().len(), 2, "the third did not reach the origin");

    let key = "t/acme/rate/list/subject/u-42";
    let stored = world.host.store("default").get(key).await.unwrap().unwrap();
    let bucket: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(bucket["v"], 1);
    assert!(bucket["level"].as_u64().unwrap() < 60_000, "{bucket}");

    assert_eq!(world.get("/api/files/echo").await.status(), 200, "another route is not counted");
    world.host.store("default").set(key, b"full".to_vec()).await.unwrap();
    assert_eq!(world.get("/api/assistants").await.status(), 503, "an unreadable bucket");
}
