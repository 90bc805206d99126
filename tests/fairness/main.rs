//! Two tenants and an origin that can work on a few requests at once: the one that asks for much does not starve
//! the other. Times are compared here, so nothing runs beside it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

#[path = "../e2e/support.rs"]
#[allow(dead_code, reason = "the other end-to-end tests need more of it")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::origin::OriginOptions;

use support::{Options, World};
use tokio::sync::Mutex;

/// What the origin works on at once, and how long each takes.
const CAPACITY: usize = 8;
const WORK_MS: u64 = 100;

/// What the noisy tenant has in flight at once.
const NOISY: usize = 48;

/// How often the quiet tenant asks, one request after the other.
const QUIET: usize = 60;

/// One test at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn world(limit: &str) -> Arc<World> {
    Arc::new(
        World::with(Options {
            origin: OriginOptions { capacity: CAPACITY, ..OriginOptions::default() },
            gateway: vec![("concurrent_requests = 512\n".into(), limit.into())],
            globex: vec![("business = [".into(), "business = [\"127.0.0.1/32\", ".into())],
            ..Options::default()
        })
        .await,
    )
}

fn slow(world: &World, tenant: &str) -> Request<body::Body> {
    Request::get(format!("https://{tenant}.localhost/api/files/slow?ms={WORK_MS}"))
        .header("authorization", format!("Bearer {}", world.token(tenant)))
        .body(body::empty())
        .unwrap()
}

/// The 99th percentile of the quiet tenant's requests, each of which is served.
async fn quiet(world: &World) -> Duration {
    let mut connection = world.client(Protocol::H2).connect("globex.localhost").await.unwrap();
    let mut times = Vec::new();
    for _ in 0..QUIET {
        let begin = Instant::now();
        let answer = connection.send(slow(world, "globex")).await.unwrap();
        assert_eq!(answer.status(), 200);
        body::read(answer.into_body(), 1 << 20).await.unwrap();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    times[QUIET * 99 / 100 - 1]
}

/// The same while the other tenant keeps all its requests in flight; with how many of those were served and how
/// many refused.
async fn besides_a_noisy_one(world: &Arc<World>) -> (Duration, u64, u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicU64::new(0));
    let refused = Arc::new(AtomicU64::new(0));
    let mut noisy = Vec::new();
    for _ in 0..NOISY {
        let (world, stop) = (world.clone(), stop.clone());
        let (served, refused) = (served.clone(), refused.clone());
        noisy.push(tokio::spawn(async move {
            let mut connection =
                world.client(Protocol::H2).connect("acme.localhost").await.unwrap();
            while !stop.load(Ordering::Relaxed) {
                let answer = connection.send(slow(&world, "acme")).await.unwrap();
                match answer.status().as_u16() {
                    200 => served.fetch_add(1, Ordering::Relaxed),
                    429 => {
                        assert_eq!(answer.headers()["retry-after"], "1");
                        // As a client that heeds it somewhat.
                        tokio::time::sleep(Duration::from_millis(250)).await;
                        refused.fetch_add(1, Ordering::Relaxed)
                    }
                    other => panic!("{other}"),
                };
                body::read(answer.into_body(), 1 << 20).await.unwrap();
            }
        }));
    }
    while served.load(Ordering::Relaxed) < CAPACITY as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let p99 = quiet(world).await;
    stop.store(true, Ordering::Relaxed);
    for task in noisy {
        task.await.unwrap();
    }
    (p99, served.load(Ordering::Relaxed), refused.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_asks_for_much_does_not_starve_another() {
    let _alone = ALONE.lock().await;
    let limited = world("concurrent_requests = 6\n").await;
    let alone = quiet(&limited).await;
    let (beside, served, refused) = besides_a_noisy_one(&limited).await;
    assert!(served > 0 && refused > 0, "{served} served, {refused} refused");
    assert!(beside <= alone * 2, "p99 alone {alone:?}, beside a noisy tenant {beside:?}");

    // Without the limit it would: the test is one.
    let (starved, ..) = besides_a_noisy_one(&world("").await).await;
    assert!(starved > alone * 2, "{starved:?}");
    eprintln!(
        "p99 alone {alone:?}, beside a noisy tenant {beside:?}, without the limit {starved:?}"
    );
}

/// Whoever is refused for it is told, and it is recorded with the tenant.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_counts_to_its_end() {
    let _alone = ALONE.lock().await;
    let world = world("concurrent_requests = 1\n").await;
    let open = world.get("/api/files/download?bytes=50000000&chunked=1").await;
    assert_eq!(open.status(), 200, "a client may not say it himself");
    let refused = world.get("/api/assistants").await;
    assert_eq!(refused.status(), 429);
    let said = support::json(refused).await;
    assert_eq!(said["reason"], "concurrency-limited");
    let record = world.audit.of(said["request_id"].as_str().unwrap()).await;
    assert_eq!(
        (&record["tenant"], &record["reason"]),
        (&"acme".into(), &"concurrency-limited".into())
    );
    drop(open);
    let begin = Instant::now();
    loop {
        let answer = world.get("/api/assistants").await;
        if answer.status() == 200 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "it counts for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
