//! Large bodies pass through without being kept.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::TcpStream;

use support::App;
use support::client::{AnyBody, collect, empty, h1, h2, tls};
use support::origin::Origin;

const SIZE: usize = 200 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// Bytes of resident memory that host, client and origin together may use beyond what they have before.
const BOUND: usize = 100 * 1024 * 1024;

/// This process's resident memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn large() -> AnyBody {
    let data = Bytes::from(vec![b'x'; CHUNK]);
    let chunks = (0..SIZE / CHUNK).map(move |_| Ok(Frame::data(data.clone())));
    BodyExt::boxed(StreamBody::new(futures::stream::iter(chunks)))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_each_way() {
    let origin = Origin::start().await;
    let app = App::new(&["http://127.0.0.1:*"]).listening();
    // The first start compiles, which takes memory that a measured host must not be charged for.
    app.start().await.shutdown(Duration::from_secs(5)).await;
    let host = app.start().await;
    let [secure, plain] = host.addrs()[..] else { panic!() };
    // What the allocator has not given back of that may stay for a while.
    let before = resident();
    let peak = Arc::new(AtomicUsize::new(0));
    let sampler = Arc::clone(&peak);
    tokio::spawn(async move {
        loop {
            sampler.fetch_max(resident(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    for protocol in ["h1", "h2"] {
        let upload = format!("/proxy/{}", origin.url("/upload"));
        let download = format!("/proxy/{}", origin.url(&format!("/download/{SIZE}")));
        let mut seen = 0;
        if protocol == "h1" {
            let mut sender = h1(TcpStream::connect(plain).await.unwrap()).await;
            let post = Request::post(upload).header("host", "a").body(large()).unwrap();
            assert_eq!(
                collect(sender.send_request(post).await.unwrap()).await,
                (200, SIZE.to_string())
            );
            sender.ready().await.unwrap();
            let get = Request::get(download).header("host", "a").body(empty()).unwrap();
            let mut body = sender.send_request(get).await.unwrap().into_body();
            while let Some(frame) = body.frame().await {
                seen += frame.unwrap().data_ref().map_or(0, Bytes::len);
            }
        } else {
            let mut sender = h2(tls(secure, &app.ca(), "acme.localhost", "h2").await).await;
            let post =
                Request::post(format!("https://acme.localhost{upload}")).body(large()).unwrap();
            assert_eq!(
                collect(sender.send_request(post).await.unwrap()).await,
                (200, SIZE.to_string())
            );
            let get =
                Request::get(format!("https://acme.localhost{download}")).body(empty()).unwrap();
            let mut body = sender.send_request(get).await.unwrap().into_body();
            while let Some(frame) = body.frame().await {
                seen += frame.unwrap().data_ref().map_or(0, Bytes::len);
            }
        }
        assert_eq!(seen, SIZE, "{protocol}");
    }
    let peak = peak.load(Ordering::Relaxed);
    let mib = |bytes: usize| bytes / 1024 / 1024;
    println!("resident memory: {} MiB before, {} MiB at most", mib(before), mib(peak));
    assert!(peak < before + BOUND, "{} MiB, {} MiB before", mib(peak), mib(before));
}
