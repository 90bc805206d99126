//! Long bodies cost no memory. A test of its own process, so that nothing else is measured.
#![cfg(target_os = "linux")]

use http::Request;
use http_body_util::BodyExt;
use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pattern::{Pattern, Sha256};
use sekisho_testing::pki::{H2, HTTP_1_1, Pki};
use sekisho_testing::server::Listen;
use sekisho_testing::{body, rss};
use serde_json::Value;

const SIZE: u64 = 200 << 20;
const ALLOWED_GROWTH: u64 = 32 << 20;

#[tokio::test]
async fn two_hundred_mebibytes_pass_both_ways_in_bounded_memory() {
    let pki = Pki::new().unwrap();
    let config = pki.server_config(&["localhost"], &[H2, HTTP_1_1]).unwrap();
    let origin = Origin::start(OriginOptions::from(Listen::tls(config))).await.unwrap();
    let client = Client::plain(origin.addr()).trusting(pki.ca_pem()).unwrap();
    let expected = Pattern::sha256(SIZE);
    let before = rss::peak_resident_bytes(std::process::id()).unwrap();
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = client.clone().speaking(protocol);
        let request = Request::post("https://localhost/upload")
            .body(Pattern::new(SIZE).boxed_unsync())
            .unwrap();
        let answer = client.send(request).await.unwrap();
        let answer = body::read(answer.into_body(), 1024).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((&answer["bytes"], &answer["sha256"]), (&SIZE.into(), &expected.clone().into()));

        let uri = format!("https://localhost/download?bytes={SIZE}");
        let answer = client.send(Request::get(uri).body(body::empty()).unwrap()).await.unwrap();
        let (mut body, mut digest) = (answer.into_body(), Sha256::new());
        while let Some(frame) = body.frame().await {
            digest.update(frame.unwrap().data_ref().unwrap());
        }
        assert_eq!(digest.finish(), expected);
    }
    let growth = rss::peak_resident_bytes(std::process::id()).unwrap() - before;
    assert!(growth < ALLOWED_GROWTH, "the peak grew by {growth} bytes");
}
