use sekisho_testing::cdn::{Cdn, CdnOptions};
use sekisho_testing::client::Events;
use sekisho_testing::pattern::Pattern;

use super::*;

/// A TLS origin in the gateway's place, a TLS CDN before it, and a client of each protocol.
async fn chain() -> (Origin, Cdn, [Client; 2]) {
    let (origin, pki, [gateway, _]) = tls_origin().await;
    let config = pki.server_config(&NAMES, &[H2, HTTP_1_1]).unwrap();
    let options = CdnOptions { listen: Listen::tls(config), gateway, client_addr: None };
    let cdn = Cdn::start(options).await.unwrap();
    let client = Client::plain(cdn.addr()).trusting(pki.ca_pem()).unwrap();
    let clients = [Protocol::H1, Protocol::H2].map(|protocol| client.clone().speaking(protocol));
    (origin, cdn, clients)
}

#[tokio::test]
async fn it_says_whom_it_speaks_for_and_keeps_the_rest() {
    let (origin, cdn, clients) = chain().await;
    assert!(cdn.url().starts_with("https://127.0.0.1:"));
    for client in &clients {
        cdn.report_client(None);
        bounded(client.send(get("https://acme.localhost/healthz"))).await.unwrap();
        cdn.report_client(Some("203.0.113.9".parse().unwrap()));
        let mut request = get("https://acme.localhost/echo?x=%2F");
        let headers = request.headers_mut();
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        headers.append("x-forwarded-for", "evil".parse().unwrap());
        headers.insert("x-forwarded-proto", "http".parse().unwrap());
        bounded(client.send(request)).await.unwrap();

        let seen = origin.take_requests();
        assert_eq!(seen[0].header("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(seen[1].header("x-forwarded-for"), Some("10.0.0.1, evil, 203.0.113.9"));
        assert_eq!(seen[1].header("x-forwarded-proto"), Some("https"));
        assert_eq!(seen[1].header("host"), Some("acme.localhost"));
        assert_eq!(seen[1].target, "/echo?x=%2F");
    }
}

#[tokio::test]
async fn it_streams_both_ways() {
    let (_origin, _cdn, clients) = chain().await;
    for client in &clients {
        let body = http_body_util::BodyExt::boxed_unsync(Pattern::new(3_000_000));
        let answer = bounded(client.send(post("https://a.localhost/upload", body))).await.unwrap();
        assert_eq!(bounded(json(answer.into_body())).await["sha256"], Pattern::sha256(3_000_000));

        let mut request = post("https://a.localhost/chat?events=4&interval_ms=60", body::empty());
        request.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
        let answer = bounded(client.send(request)).await.unwrap();
        let events = bounded(Events::new(answer.into_body()).rest()).await.unwrap();
        assert_eq!(events.len(), 5);
        assert!(events[3].arrived - events[0].arrived >= 170_000, "{events:?}");
    }
}

#[tokio::test]
async fn an_unreachable_gateway_is_502_and_connection_headers_stop_here() {
    let (mut origin, cdn, clients) = chain().await;
    let answer =
        bounded(clients[0].send(get("https://a.localhost/internal-headers"))).await.unwrap();
    assert!(!answer.headers().contains_key("x-hop"));
    origin.stop().await;
    let answer = bounded(clients[1].send(get("https://a.localhost/healthz"))).await.unwrap();
    assert_eq!(answer.status(), 502);
    let mut cdn = cdn;
    cdn.stop().await;
    assert!(clients[0].send(get("https://a.localhost/")).await.is_err());
}
