use std::net::{IpAddr, Ipv4Addr};

use super::*;

#[tokio::test]
async fn an_untrusted_authority_or_another_name_is_refused() {
    let (origin, _pki, clients) = tls_origin().await;
    let other = Pki::new().unwrap();
    let stranger = Client::plain(origin.addr()).trusting(other.ca_pem()).unwrap();
    let error = bounded(stranger.send(get("https://a.localhost/healthz"))).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let error = bounded(clients[0].send(get("https://acme.example.jp/"))).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(Client::plain(origin.addr()).trusting("no PEM").is_err());
    assert!(origin.requests().is_empty());
}

#[tokio::test]
async fn any_host_name_reaches_the_given_address_from_the_given_source() {
    let pki = Pki::new().unwrap();
    let config = pki.server_config(&["acme.example.jp"], &[H2, HTTP_1_1]).unwrap();
    let origin = Origin::start(OriginOptions::from(Listen::tls(config))).await.unwrap();
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let client = Client::plain(origin.addr()).trusting(pki.ca_pem()).unwrap().binding(source);
    let answer = bounded(client.send(get("https://acme.example.jp/healthz"))).await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = origin.take_requests().remove(0);
    assert_eq!(seen.peer.ip(), source);
    assert_eq!(seen.header("host"), Some("acme.example.jp"));
}

#[tokio::test]
async fn a_host_header_of_the_request_is_left_as_it_is() {
    let (origin, client) = plain_origin().await;
    let mut request = get("http://one.example/healthz");
    request.headers_mut().insert("host", "two.example".parse().unwrap());
    client.send(request).await.unwrap();
    assert_eq!(origin.take_requests().remove(0).header("host"), Some("two.example"));
}

#[tokio::test]
async fn an_upload_arrives_piece_by_piece() {
    let (origin, _pki, clients) = tls_origin().await;
    for client in &clients {
        let (mut sender, body) = body::channel(1);
        let send = async {
            for total in [10, 20, 30] {
                sender.send_data("0123456789".into()).await.unwrap();
                eventually("the piece arrives before the next is sent", || {
                    origin.requests().last().is_some_and(|seen| seen.body_len == total)
                })
                .await;
            }
            drop(sender);
        };
        let exchange = client.send(post("https://a.localhost/upload", body));
        let (answer, ()) = bounded(async { tokio::join!(exchange, send) }).await;
        assert_eq!(json(answer.unwrap().into_body()).await["bytes"], 30);
        origin.take_requests();
    }
}

#[tokio::test]
async fn raw_bytes_reach_the_server_as_they_are() {
    let (origin, _pki, [h1, h2]) = tls_origin().await;
    let mut raw = h1.raw("a.localhost").await.unwrap();
    let answer =
        raw.exchange(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-ODD:   v \r\n\r\n", PATIENCE).await;
    assert_eq!((answer.status(), answer.closed), (Some(200), false));
    assert!(answer.text().ends_with("\r\n\r\nok"), "{}", answer.text());
    let chunked =
        raw.exchange(b"GET /download?bytes=9&chunked=1 HTTP/1.1\r\nHost: x\r\n\r\n", PATIENCE);
    assert_eq!(chunked.await.status(), Some(200), "the connection is kept");
    let answer = raw.exchange(b"GET /he althz HTTP/1.1\r\nHost: x\r\n\r\n", PATIENCE).await;
    assert_eq!((answer.status(), answer.closed), (Some(400), false));
    assert_eq!(origin.served(), 2, "what is malformed reaches no route");

    let mut raw = h2.raw("a.localhost").await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = raw.exchange(preface, Duration::from_millis(300)).await;
    assert_eq!(answer.status(), None);
    assert_eq!(answer.bytes.get(3), Some(&4), "the server's SETTINGS frame comes first");
}

#[tokio::test]
async fn a_raw_read_ends_when_the_time_is_up_or_the_server_closes() {
    let (_origin, client) = plain_origin().await;
    let mut raw = client.raw("x").await.unwrap();
    let started = std::time::Instant::now();
    let answer = raw.exchange(b"GET /", Duration::from_millis(150)).await;
    assert!(answer.bytes.is_empty() && !answer.closed);
    assert!(started.elapsed() >= Duration::from_millis(150));
    let mut raw = client.raw("x").await.unwrap();
    let answer = raw.exchange(b"GET /reset HTTP/1.1\r\nHost: x\r\n\r\n", PATIENCE).await;
    assert!(answer.bytes.is_empty() && answer.closed);
    let mut raw = client.raw("x").await.unwrap();
    raw.write(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
    assert_eq!(raw.read(PATIENCE).await.status(), Some(200));
    raw.finish().await.unwrap();
    assert!(raw.read(PATIENCE).await.closed);
}
