//! Requests that a component sends.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use sekisho_host::{Listener, Tls};
use tokio::net::TcpStream;

use crate::support::client::{call, call_text, collect, empty, get, h1, h2, tls};
use crate::support::origin::Origin;
use crate::support::{App, NAMES, eventually};

const LOOPBACK: &[&str] =
    &["http://127.0.0.1:*", "https://acme.localhost:*", "https://127.0.0.1:*"];

#[tokio::test(flavor = "multi_thread")]
async fn a_proxied_request_arrives_whole_and_connections_are_reused() {
    let origin = Origin::start().await;
    let app = App::new(LOOPBACK).listening();
    let host = app.start().await;
    let mut sender = h2(tls(host.addrs()[0], &app.ca(), "acme.localhost", "h2").await).await;
    for _ in 0..20 {
        let body = Full::new(Bytes::from("12345")).map_err(|never| match never {}).boxed();
        let request =
            Request::post(format!("https://acme.localhost/proxy/{}", origin.url("/seen?a=%2F")))
                .header("x-one", "1")
                .body(body)
                .unwrap();
        let (status, seen) = collect(sender.send_request(request).await.unwrap()).await;
        assert_eq!(status, 200);
        assert!(seen.starts_with("POST /seen?a=%2F\n"), "{seen}");
        assert!(seen.contains(&format!("host: {}\n", origin.addr)), "{seen}");
        assert!(seen.contains("x-one: 1\n"), "{seen}");
    }
    assert_eq!(origin.counts.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_outside_the_manifest_are_denied() {
    let origin = Origin::start().await;
    let app = App::new(&["http://127.0.0.1:1", "https://127.0.0.1:*"]);
    let host = app.start().await;
    for url in [
        origin.url("/"),
        "http://no-such-name.invalid/".to_owned(),
        "http://inner.spin.internal/".to_owned(),
    ] {
        let (_, text) = call_text(&host, &format!("/status/{url}")).await;
        assert!(text.contains("HttpRequestDenied"), "{url}: {text}");
    }
    assert_eq!(origin.counts.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_their_own_codes() {
    let origin = Origin::start().await;
    let nonsense = Origin::raw(b"nonsense\r\n\r\n").await;
    let closed = Origin::raw(b"").await;
    let short = Origin::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort").await;
    let unended =
        Origin::raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n").await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app =
        App::new(&["http://127.0.0.1:*", "https://127.0.0.1:*", "http://no-such-name.invalid"]);
    let host = app.start().await;
    for (path, expected) in [
        (format!("/status/http://{unused}/"), "ConnectionRefused"),
        ("/status/http://no-such-name.invalid/".to_owned(), "DnsError"),
        (format!("/status/http://{nonsense}/"), "HttpProtocolError"),
        (format!("/status/http://{closed}/"), "HttpResponseIncomplete"),
        (format!("/status/https://{}/", origin.addr), "Tls"),
        (format!("/body/http://{short}/"), "Err(ErrorCode::HttpResponseIncomplete"),
        (format!("/body/http://{unended}/"), "Err(ErrorCode::HttpResponseIncomplete"),
        (format!("/first-byte/100/{}", origin.url("/hang")), "HttpResponseTimeout"),
        (format!("/first-byte/5000/{}", origin.url("/slow")), "200"),
    ] {
        let (status, text) = call_text(&host, &path).await;
        assert_eq!(status, 200, "{path}: {text}");
        assert!(text.contains(expected), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_origin_body_is_never_a_clean_end() {
    let unended =
        Origin::raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n").await;
    let app = App::new(LOOPBACK).listening();
    let host = app.start().await;
    let path = format!("/proxy/http://{unended}/");
    let response = call(&host, &path).await;
    assert!(response.into_body().collect().await.is_err());
    let mut sender = h1(TcpStream::connect(host.addrs()[1]).await.unwrap()).await;
    let request = Request::get(&path).header("host", "a").body(empty()).unwrap();
    assert!(sender.send_request(request).await.unwrap().into_body().collect().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_as_they_are_sent() {
    let origin = Origin::start().await;
    let app = App::new(LOOPBACK).listening();
    let host = app.start().await;
    let mut sender = h2(tls(host.addrs()[0], &app.ca(), "acme.localhost", "h2").await).await;
    let begun = Instant::now();
    let request = Request::get(format!("https://acme.localhost/proxy/{}", origin.url("/events")))
        .body(empty())
        .unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: 0\n\n");
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
    let mut events = 1;
    while let Some(frame) = body.frame().await {
        events += usize::from(frame.unwrap().data_ref().is_some_and(|data| !data.is_empty()));
    }
    assert_eq!(events, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_takes_its_origin_request_along() {
    let origin = Origin::start().await;
    let app = App::new(LOOPBACK).listening();
    let host = app.start().await;
    let [secure, plain] = host.addrs()[..] else { panic!() };
    let mut gone = 0;
    for path in ["/hang", "/silent", "/endless"] {
        for protocol in ["h2", "http/1.1", "plain"] {
            let uri = format!("https://acme.localhost/proxy/{}", origin.url(path));
            let request = Request::get(uri).header("host", "acme.localhost").body(empty()).unwrap();
            let before = origin.counts.requests.load(Ordering::SeqCst);
            let exchange = async {
                let response = match protocol {
                    "h2" => {
                        let mut sender =
                            h2(tls(secure, &app.ca(), "acme.localhost", "h2").await).await;
                        sender.send_request(request).await
                    }
                    "plain" => {
                        let mut request = request;
                        *request.uri_mut() = request.uri().path().parse().unwrap();
                        let mut sender = h1(TcpStream::connect(plain).await.unwrap()).await;
                        sender.send_request(request).await
                    }
                    _ => {
                        let mut request = request;
                        *request.uri_mut() = request.uri().path().parse().unwrap();
                        let mut sender =
                            h1(tls(secure, &app.ca(), "acme.localhost", "http/1.1").await).await;
                        sender.send_request(request).await
                    }
                };
                let mut body = response.unwrap().into_body();
                body.frame().await.unwrap().unwrap();
            };
            // Either it is given up while nothing came, or after the first frame.
            drop(tokio::time::timeout(Duration::from_millis(400), exchange).await);
            assert_eq!(
                origin.counts.requests.load(Ordering::SeqCst),
                before + 1,
                "{path} {protocol}"
            );
            gone += 1;
            let begun = Instant::now();
            eventually(&format!("{path} {protocol}"), || origin.cancelled() >= gone).await;
            assert!(
                begun.elapsed() < Duration::from_secs(1),
                "{path} {protocol}: {:?}",
                begun.elapsed()
            );
        }
    }
    assert_eq!(get(plain, "/seen").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_to_origins() {
    // The origin is another host's TLS listener.
    let origin_app = App::new(&[]).listening();
    let origin = origin_app.start().await;
    let addr = "127.0.0.1:0".parse().unwrap();
    let other = Tls::Dev {
        directory: origin_app.directory.path().join("other"),
        names: NAMES.map(str::to_owned).into(),
    };
    let mut stranger_app = App::new(&[]);
    stranger_app.config.listeners = vec![Listener { addr, tls: Some(other), tls_ended: false }];
    let stranger = stranger_app.start().await;
    let mut app = App::new(LOOPBACK);
    app.config.origin_tls.ca = Some(origin_app.ca());
    let host = app.start().await;
    let port = origin.addrs()[0].port();
    let (_, seen) = call_text(&host, &format!("/proxy/https://acme.localhost:{port}/seen")).await;
    assert!(seen.contains(&format!("authority acme.localhost:{port}\n")), "{seen}");
    for (authority, expected) in [
        (format!("127.0.0.1:{port}"), "TlsCertificateError"),
        (format!("acme.localhost:{}", stranger.addrs()[0].port()), "TlsCertificateError"),
    ] {
        let (_, text) = call_text(&host, &format!("/status/https://{authority}/seen")).await;
        assert!(text.contains(expected), "{authority}: {text}");
    }
}
