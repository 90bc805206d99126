//! What a client's request becomes.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::App;
use crate::support::client::{call_text, collect, empty, get, h1, h2, tls};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_every_protocol() {
    let app = App::new(&[]).listening();
    let host = app.start().await;
    let [secure, plain] = host.addrs()[..] else { panic!() };
    let request = |uri: &str| {
        Request::get(uri).header("spin-client-addr", "1.1.1.1:1").body(empty()).unwrap()
    };

    let mut sender = h2(tls(secure, &app.ca(), "acme.localhost", "h2").await).await;
    let (_, seen) =
        collect(sender.send_request(request("https://acme.localhost/seen/a?b=%2F")).await.unwrap())
            .await;
    assert!(
        seen.contains("scheme https\nauthority acme.localhost\npath /seen/a?b=%2F\n"),
        "{seen}"
    );
    assert_eq!(seen.matches("spin-client-addr").count(), 1, "{seen}");
    assert!(seen.contains("header spin-client-addr: 127.0.0.1:"), "{seen}");

    let mut sender = h1(tls(secure, &app.ca(), "globex.localhost", "http/1.1").await).await;
    let with_host = || {
        let mut request = request("/seen//x/../y");
        request.headers_mut().insert("host", "globex.localhost".parse().unwrap());
        request
    };
    let (_, seen) = collect(sender.send_request(with_host()).await.unwrap()).await;
    assert!(
        seen.contains("scheme https\nauthority globex.localhost\npath /seen//x/../y\n"),
        "{seen}"
    );
    sender.ready().await.unwrap();
    // The connection is kept.
    let (status, _) = collect(sender.send_request(with_host()).await.unwrap()).await;
    assert_eq!(status, 200);

    let (_, seen) = get(plain, "/seen").await;
    assert!(seen.contains("scheme http\nauthority acme.localhost\n"), "{seen}");
    let (_, seen) = call_text(&host, "/seen").await;
    assert!(seen.contains("header spin-client-addr: 203.0.113.9:50211\n"), "{seen}");
}

/// Sends bytes as they are and reads until the end or `limit` bytes.
async fn raw(addr: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    drop(tokio::time::timeout(std::time::Duration::from_secs(5), read).await);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused() {
    let app = App::new(&[]).listening();
    let host = app.start().await;
    let plain = host.addrs()[1];
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(40_000));
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(101));
    for (bytes, status) in [
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        ("GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\n bad: fold\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: a\r\nbad name: x\r\n\r\n", "400"),
        ("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\nconnection: close\r\n\r\n", "501"),
        (&long, "431"),
        (&many, "431"),
        ("GET /seen HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "200"),
    ] {
        let answer = raw(plain, bytes.as_bytes()).await;
        let head: String = bytes.chars().take(70).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}: {answer}");
    }
    drop(host);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_and_authority_agree_over_h2() {
    let app = App::new(&[]).listening();
    let host = app.start().await;
    let mut sender = h2(tls(host.addrs()[0], &app.ca(), "acme.localhost", "h2").await).await;
    for (field, status) in [("acme.localhost", 200), ("globex.localhost", 400)] {
        let request = Request::get("https://acme.localhost/seen")
            .header("host", field)
            .body(empty())
            .unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{field}");
    }
    let mut request = Request::get("https://acme.localhost/seen");
    for n in 0..101 {
        request = request.header(format!("x-{n}"), "y");
    }
    assert_eq!(sender.send_request(request.body(empty()).unwrap()).await.unwrap().status(), 431);
}

/// Those that it passes on from an origin are none of its own; the end-to-end tests have them.
#[tokio::test(flavor = "multi_thread")]
async fn a_components_own_trailers_pass() {
    let app = App::new(&[]).listening();
    let host = app.start().await;
    let mut sender = h2(tls(host.addrs()[0], &app.ca(), "acme.localhost", "h2").await).await;
    let body = Full::new(Bytes::from("x")).map_err(|never| match never {}).boxed();
    let request = Request::post("https://acme.localhost/trailers").body(body).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap();
    let trailers = body.trailers().unwrap();
    let seen: Vec<_> =
        trailers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(seen, [("grpc-status", "0"), ("x-checksum", "1")]);
    assert_eq!(body.to_bytes(), "body");
}
