//! 200 MB up and 200 MB down keep the whole gateway process under 100 MiB resident, and so does an origin that sends
//! without end.

use http::Request;
use http_body_util::BodyExt;
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::faulty::{Fault, Faulty, Step};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pattern::Pattern;
use sekisho_testing::rss;
use sekisho_testing::server::Listen;

use crate::process::{ANY_PORT, Site};
use crate::support::json;

const BYTES: u64 = 200_000_000;
/// How much of an answer without end is read.
const FLOOD: u64 = 1_000_000_000;
const LIMIT: u64 = 100 * 1024 * 1024;

/// Reads up to `limit` bytes and says how many there were.
async fn count(mut body: hyper::body::Incoming, limit: u64) -> u64 {
    let mut received = 0;
    while received < limit
        && let Some(frame) = body.frame().await
    {
        received += frame.unwrap().data_ref().map_or(0, |data| data.len() as u64);
    }
    received
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_each_way_stay_under_100_mib() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let gateway = site.up(ANY_PORT);
    let token = site.token("u-42");
    let request = |method: &str, target: &str| {
        Request::builder()
            .method(method)
            .uri(format!("https://acme.localhost{target}"))
            .header("authorization", format!("Bearer {token}"))
    };
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client(gateway.addr, protocol);
        for length in [true, false] {
            let mut upload = request("POST", "/api/files/upload");
            if length {
                upload = upload.header("content-length", BYTES);
            }
            let pattern = Pattern::new(BYTES).boxed_unsync();
            let answer = client.send(upload.body(pattern).unwrap()).await.unwrap();
            let received = json(answer).await;
            assert_eq!(
                (received["bytes"].as_u64(), received["sha256"].as_str()),
                (Some(BYTES), Some(Pattern::sha256(BYTES).as_str()))
            );
        }
        let target = format!("/api/files/download?bytes={BYTES}");
        let answer =
            client.send(request("GET", &target).body(body::empty()).unwrap()).await.unwrap();
        assert_eq!(count(answer.into_body(), u64::MAX).await, BYTES);
        let peak = rss::peak_resident_bytes(gateway.pid()).unwrap();
        println!("{protocol:?}: peak {} MiB resident", peak / 1024 / 1024);
        assert!(peak < LIMIT, "{protocol:?}: {} MiB", peak / 1024 / 1024);
    }
}

/// One client reads on and on, another one takes the head and nothing more, and there are heads that never end.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_without_end_stays_under_100_mib() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).into_bytes();
    let head = "HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\ntransfer-encoding: chunked\r\n";
    let body = vec![Step::send(format!("{head}\r\n")), Step::Repeat(chunk, u64::MAX)];
    let fields = vec![Step::send(head), Step::Repeat(b"a: b\r\n".to_vec(), u64::MAX)];
    let field = vec![Step::send(format!("{head}a: ")), Step::Repeat(vec![b'a'; 4096], u64::MAX)];
    for (name, steps, status) in
        [("body", body, 200), ("fields", fields, 502), ("field", field, 502)]
    {
        let origin = Faulty::start(Listen::default(), Fault::Answer(steps)).await.unwrap();
        let site = Site::new(&origin.url(), Vec::new());
        let gateway = site.up(ANY_PORT);
        for protocol in [Protocol::H1, Protocol::H2] {
            let client = site.client(gateway.addr, protocol);
            let ask = || {
                let request = Request::get("https://acme.localhost/api/files/fault")
                    .header("authorization", format!("Bearer {}", site.token("u-42")));
                client.send(request.body(body::empty()).unwrap())
            };
            let (idle, answer) = (ask().await.unwrap(), ask().await.unwrap());
            assert_eq!(answer.status(), status, "{name}, {protocol:?}");
            let received = count(answer.into_body(), FLOOD).await;
            assert!(status != 200 || received >= FLOOD, "{name}, {protocol:?}: {received}");
            drop(idle);
            let peak = rss::peak_resident_bytes(gateway.pid()).unwrap();
            println!("{name}, {protocol:?}: peak {} MiB resident", peak / 1024 / 1024);
            assert!(peak < LIMIT, "{name}, {protocol:?}: {} MiB", peak / 1024 / 1024);
        }
    }
}
