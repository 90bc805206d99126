//! Two gateways on one Redis: what one is told, the other knows; and what happens while it is away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pki::Pki;
use sekisho_testing::redis::{Redis, free_address};

use crate::process::{ANY_PORT, Site};

/// How soon a revocation must be in effect everywhere.
const EVERYWHERE: Duration = Duration::from_secs(2);

/// The status and body of one request of u-42's.
async fn ask(site: &Site, gateway: SocketAddr, target: &str) -> (u16, String) {
    let client = site.client(gateway, Protocol::H2);
    let mut on = client.connect("acme.localhost").await.unwrap();
    let request = Request::get(format!("https://acme.localhost{target}"))
        .header("authorization", format!("Bearer {}", site.token("u-42")));
    let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = body::read(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_on_one_redis_know_what_one_of_them_is_told() {
    let redis = Redis::start(&[]).unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let health = "\n[[routes]]\nid = \"health\"";
    let three = "\n[[rate_limits]]\nid = \"three\"\nper = \"subject\"\nroutes = [\"files\"]\n\
                 burst = 3\nrefill_per_minute = 1\n";
    let edits = vec![(health.to_owned(), format!("{three}{health}"))];
    let site = Arc::new(Site::new(&origin.url(), edits));
    // Each with an audit trail of its own.
    let [one, two] = ["audit-1", "audit-2"]
        .map(|audit| site.up_with(ANY_PORT, &["--state", &redis.url(), "--audit", audit], &[]));

    // One bucket for both.
    for gateway in [&one, &two, &one] {
        assert_eq!(ask(&site, gateway.addr, "/api/files/a/echo").await.0, 200);
    }
    assert_eq!(ask(&site, two.addr, "/api/files/a/echo").await.0, 429);

    let assistants = "/api/assistants";
    assert_eq!(ask(&site, two.addr, assistants).await.0, 200);
    redis.ask(&["SET", "t/acme/revoked/subject/u-42", r#"{"v":1}"#]).unwrap();
    let told = Instant::now();
    for gateway in [&one, &two] {
        loop {
            let (status, body) = ask(&site, gateway.addr, assistants).await;
            if status == 401 && body.contains("session-revoked") {
                break;
            }
            assert!(told.elapsed() < EVERYWHERE, "{status} {body}");
        }
    }
    println!("revoked at both gateways after {:?}", told.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_redis_a_gateway_serves_what_needs_no_record() {
    let redis = Redis::start(&[]).unwrap();
    let addr = redis.addr();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let gateway = site.up_with(ANY_PORT, &["--state", &redis.url()], &[]);
    assert_eq!(ask(&site, gateway.addr, "/api/files/a/echo").await.0, 200);

    redis.kill().unwrap();
    for _ in 0..3 {
        let begun = Instant::now();
        let (status, body) = ask(&site, gateway.addr, "/api/files/a/echo").await;
        assert_eq!(status, 503, "{body}");
        assert!(body.contains("state-unavailable"), "{body}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(ask(&site, gateway.addr, "/healthz").await.0, 200);
    }
    // One that starts meanwhile serves the same.
    let state = format!("redis://{addr}");
    let late = site.up_with(ANY_PORT, &["--state", &state, "--audit", "audit-2"], &[]);
    assert_eq!(ask(&site, late.addr, "/api/files/a/echo").await.0, 503);
    assert_eq!(ask(&site, late.addr, "/healthz").await.0, 200);

    let _redis = Redis::start_at(addr, &[]).unwrap();
    let back = Instant::now();
    for gateway in [gateway.addr, late.addr] {
        while ask(&site, gateway, "/api/files/a/echo").await.0 != 200 {
            assert!(back.elapsed() < Duration::from_secs(5), "it does not come back");
        }
    }
    println!("served again after {:?}", back.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_redis_is_encrypted_and_leads_to_whom_the_system_trusts() {
    let pki = Pki::new().unwrap();
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let leaf = pki.issue(&["127.0.0.1"]).unwrap();
    let (ca, certificate) = (file("ca.pem", pki.ca_pem()), file("cert.pem", &leaf.cert_pem));
    let key = file("key.pem", &leaf.key_pem);
    let tls = free_address().unwrap();
    let port = tls.port().to_string();
    let redis = Redis::start(
        &[
            ["--tls-port", &port],
            ["--tls-cert-file", &certificate],
            ["--tls-key-file", &key],
            ["--tls-ca-cert-file", &ca],
            ["--tls-auth-clients", "no"],
            ["--requirepass", "geheim"],
        ]
        .concat(),
    )
    .unwrap();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let state = format!("rediss://:geheim@{tls}");
    for (trusted, status) in [(ca.as_str(), 200), (certificate.as_str(), 503)] {
        let environment = [("SEKISHO_STATE", state.as_str()), ("SSL_CERT_FILE", trusted)];
        let gateway = site.up_with(ANY_PORT, &[], &environment);
        assert_eq!(ask(&site, gateway.addr, "/api/files/a/echo").await.0, status, "{trusted}");
    }
    drop(redis);
}
