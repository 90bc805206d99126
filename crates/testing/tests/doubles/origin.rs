use http::Version;
use sekisho_testing::client::{Client, Events, Protocol};
use sekisho_testing::origin::{MAX_KEPT_BODY, Origin, OriginOptions};
use sekisho_testing::pattern::{Pattern, Sha256};
use sekisho_testing::server::Listen;

use super::*;

#[tokio::test]
async fn a_request_is_recorded_as_it_came_in_both_protocols() {
    let (origin, _pki, clients) = tls_origin().await;
    for (client, version) in clients.iter().zip([Version::HTTP_11, Version::HTTP_2]) {
        let request = Request::put("https://acme.localhost/p/echo?a=%2f&b=%E9%96%A2;c")
            .header("x-b", "1")
            .header("x-tenant-id", "acme")
            .header("x-a", "2")
            .header("x-b", "3")
            .body(body::full("hello"))
            .unwrap();
        let answer = bounded(client.send(request)).await.unwrap();
        assert_eq!(answer.version(), version);
        assert_eq!(answer.headers()["x-tenant-id"], "acme");
        let echoed = bounded(json(answer.into_body())).await;
        assert_eq!(echoed["target"], "/p/echo?a=%2f&b=%E9%96%A2;c");
        assert_eq!(echoed["body"], "hello");

        let seen = origin.take_requests();
        let [seen] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!((seen.method.as_str(), seen.version), ("PUT", version));
        assert_eq!(seen.target, "/p/echo?a=%2f&b=%E9%96%A2;c");
        assert_eq!((seen.body_len, seen.body.as_slice(), seen.complete), (5, &b"hello"[..], true));
        assert_eq!(seen.header_values("x-b"), ["1", "3"]);
        assert_eq!(seen.header("x-b"), None, "it came twice");
        let order: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
        let ours: Vec<_> = order.into_iter().filter(|name| name.starts_with("x-")).collect();
        assert_eq!(ours, ["x-b", "x-b", "x-tenant-id", "x-a"]);
        let named = seen.authority.as_deref().or(seen.header("host"));
        assert_eq!(named, Some("acme.localhost"));
    }
    assert_eq!((origin.served(), origin.connections()), (2, 2));
}

#[tokio::test]
async fn trailers_are_recorded_in_both_protocols() {
    let (origin, _pki, clients) = tls_origin().await;
    for client in &clients {
        let (mut sender, body) = body::channel(4);
        let mut request = post("https://a.localhost/upload", body);
        request.headers_mut().insert("trailer", "x-checksum".parse().unwrap());
        let send = async {
            sender.send_data("abc".into()).await.unwrap();
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-checksum", "1".parse().unwrap());
            sender.send_trailers(trailers).await.unwrap();
            drop(sender);
        };
        let (answer, ()) = bounded(async { tokio::join!(client.send(request), send) }).await;
        assert_eq!(json(answer.unwrap().into_body()).await["bytes"], 3);
        let seen = origin.take_requests().remove(0);
        assert_eq!(seen.trailers, [("x-checksum".to_owned(), "1".to_owned())]);
    }
}

#[tokio::test]
async fn the_log_and_the_bodies_in_it_are_bounded() {
    let options = OriginOptions { log_limit: 3, ..OriginOptions::default() };
    let origin = Origin::start(options).await.unwrap();
    let mut connection = Client::plain(origin.addr()).connect("localhost").await.unwrap();
    for n in 0..5 {
        let body = Pattern::new(1 << 20);
        let uri = format!("http://localhost/echo?n={n}");
        let answer = connection.send(post(&uri, http_body_util::BodyExt::boxed_unsync(body)));
        let answer = bounded(answer).await.unwrap();
        bounded(body::read(answer.into_body(), 8 << 20)).await.unwrap();
    }
    let seen = origin.requests();
    let targets: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(targets, ["/echo?n=2", "/echo?n=3", "/echo?n=4"]);
    assert!(seen.iter().all(|s| s.body_len == 1 << 20 && s.body.len() == MAX_KEPT_BODY));
    assert_eq!((origin.served(), origin.connections()), (5, 1));
}

#[tokio::test]
async fn a_chat_streams_event_by_event() {
    let (_origin, _pki, clients) = tls_origin().await;
    for client in &clients {
        let mut request =
            post("https://a.localhost/x/chat?events=6&interval_ms=100", body::empty());
        request.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
        let answer = bounded(client.send(request)).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let events = bounded(Events::new(answer.into_body()).rest()).await.unwrap();
        assert_eq!(events.len(), 7);
        assert_eq!(events[6].name, "done");
        let mut written = Vec::new();
        for (n, event) in events.iter().take(6).enumerate() {
            let data: Value = serde_json::from_str(&event.data).unwrap();
            assert_eq!(data["n"], n);
            written.push(data["t"].as_u64().unwrap());
        }
        for (event, next) in events.iter().zip(written.iter().skip(1)) {
            assert!(event.arrived < *next, "{event:?} waited until the next, at {next}");
        }
        assert!(written.windows(2).all(|pair| pair[1] - pair[0] >= 98_000), "{written:?}");
    }
}

#[tokio::test]
async fn a_chat_without_events_is_json_and_wants_post() {
    let (_origin, client) = plain_origin().await;
    let answer = client.send(post("http://a/api/assistants/a1/chat", body::empty())).await.unwrap();
    assert!(json(answer.into_body()).await["text"].is_string());
    let answer = client.send(get("http://a/api/assistants/a1/chat")).await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_and_one_that_stays_is_not() {
    let (origin, _pki, clients) = tls_origin().await;
    for (client, count) in clients.iter().zip(1..) {
        let mut connection = client.connect("a.localhost").await.unwrap();
        let whole =
            connection.send(get("https://a.localhost/download?bytes=300000")).await.unwrap();
        bounded(body::read(whole.into_body(), 1 << 20)).await.unwrap();
        let mut request = post("https://a.localhost/chat?events=1000", body::empty());
        request.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
        let answer = connection.send(request).await.unwrap();
        let mut events = Events::new(answer.into_body());
        assert!(bounded(events.next()).await.unwrap().is_some());
        assert_eq!(origin.cancelled(), count - 1);
        connection.abort();
        eventually("the cancelled answer is counted", || origin.cancelled() == count).await;
    }
    let waiting = clients[0].connect("a.localhost").await.unwrap();
    let mut waiting = waiting;
    let slow = waiting.send(get("https://a.localhost/slow?ms=60000"));
    let gave_up = tokio::time::timeout(Duration::from_millis(100), slow).await;
    assert!(gave_up.is_err());
    waiting.abort();
    eventually("the answer that never began is counted", || origin.cancelled() == 3).await;
    for uri in ["/healthz", "/status/204", "/status/404", "/echo", "/download?bytes=0"] {
        let uri = format!("https://a.localhost{uri}");
        let answer = clients[1].send(get(&uri)).await.unwrap();
        body::read(answer.into_body(), 1 << 20).await.unwrap();
        let head = Request::head(&uri).body(body::empty()).unwrap();
        clients[0].send(head).await.unwrap();
    }
    assert_eq!(origin.cancelled(), 3);
}

#[tokio::test]
async fn a_download_is_the_pattern_with_and_without_a_length() {
    let (_origin, _pki, clients) = tls_origin().await;
    let size = 1_000_003;
    for client in &clients {
        for (query, length) in [("", Some("1000003")), ("&chunked=1", None)] {
            let uri = format!("https://a.localhost/download?bytes={size}{query}");
            let answer = bounded(client.send(get(&uri))).await.unwrap();
            let declared = answer.headers().get("content-length").map(|v| v.to_str().unwrap());
            assert_eq!(declared, length);
            let bytes = bounded(body::read(answer.into_body(), 2 << 20)).await.unwrap();
            let mut digest = Sha256::new();
            digest.update(&bytes);
            assert_eq!(digest.finish(), Pattern::sha256(size));
        }
    }
}

#[tokio::test]
async fn the_tenant_comes_back_unless_the_route_lies() {
    let (_origin, client) = plain_origin().await;
    for (path, expected) in [
        ("/healthz", Some("acme")),
        ("/status/503", Some("acme")),
        ("/no-echo", None),
        ("/wrong-tenant", Some("another-tenant")),
    ] {
        let mut request = get(&format!("http://a{path}"));
        request.headers_mut().insert("x-tenant-id", "acme".parse().unwrap());
        let answer = client.send(request).await.unwrap();
        let tenant = answer.headers().get("x-tenant-id").map(|v| v.to_str().unwrap());
        assert_eq!(tenant, expected, "{path}");
    }
    let answer = client.send(get("http://a/healthz")).await.unwrap();
    assert!(!answer.headers().contains_key("x-tenant-id"));
}

#[tokio::test]
async fn the_other_routes_answer_as_listed() {
    let (_origin, client) = plain_origin().await;
    let fetch = async |path: &str| {
        let answer = client.send(get(&format!("http://a/pre{path}"))).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body::read(body, 1 << 20).await.unwrap();
        (head, String::from_utf8(body.to_vec()).unwrap())
    };
    let (_, list) = fetch("/api/assistants").await;
    let list: Value = serde_json::from_str(&list).unwrap();
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a1", "a2", "a3"]);
    assert!(fetch("/admin/users").await.1.contains("u-42"));
    assert_eq!(fetch("/healthz").await.1, "ok");
    for (path, status) in [
        ("/status/418", 418),
        ("/status/204", 204),
        ("/status/100", 400),
        ("/status/x", 400),
        ("/nowhere", 404),
        ("/redirect", 400),
    ] {
        assert_eq!(fetch(path).await.0.status, status, "{path}");
    }
    let (head, _) = fetch("/redirect?to=https://evil.example/?a=b&c").await;
    assert_eq!(
        (head.status.as_u16(), &head.headers["location"]),
        (302, &"https://evil.example/?a=b&c".parse().unwrap())
    );
    let (head, _) = fetch("/cookies").await;
    let cookies: Vec<_> = head.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["host_only=1; Path=/", "wide=1; Path=/; Domain=localhost"]);
    let (head, _) = fetch("/internal-headers").await;
    for name in ["x-sekisho-debug", "server", "x-powered-by", "x-hop"] {
        assert!(head.headers.contains_key(name), "{name}");
    }
    assert_eq!(head.headers["connection"], "x-hop");
    let started = std::time::Instant::now();
    assert_eq!(fetch("/slow?ms=120").await.1, "slow");
    assert!(started.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_reset_gives_no_answer_and_a_broken_one_half_of_it() {
    let (origin, _pki, clients) = tls_origin().await;
    for client in &clients {
        assert!(bounded(client.send(get("https://a.localhost/reset"))).await.is_err());
        let answer =
            bounded(client.send(get("https://a.localhost/broken?bytes=1000"))).await.unwrap();
        assert_eq!(answer.headers()["content-length"], "1000");
        let mut body = answer.into_body();
        let first = bounded(http_body_util::BodyExt::frame(&mut body)).await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap().len(), 500);
        assert!(bounded(body::read(body, 1 << 20)).await.is_err());
    }
    assert_eq!(origin.cancelled(), 0);
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_body() {
    let (_origin, client) = plain_origin().await;
    let (sender, body) = body::channel(1);
    let answer = bounded(client.send(post("http://a/status/413?early=1", body))).await.unwrap();
    assert_eq!(answer.status(), 413);
    drop(sender);
}

#[tokio::test]
async fn a_stopped_origin_refuses_and_its_port_can_be_taken_again() {
    let (mut origin, client) = plain_origin().await;
    let addr = origin.addr();
    let mut kept = client.connect("a").await.unwrap();
    kept.send(get("http://a/healthz")).await.unwrap();
    origin.stop().await;
    assert!(is_refused(&client.send(get("http://a/healthz")).await.unwrap_err()));
    assert!(bounded(kept.send(get("http://a/healthz"))).await.is_err(), "the connection is closed");
    let again = Origin::start(OriginOptions::from(Listen::default().on(addr))).await.unwrap();
    assert_eq!(client.send(get("http://a/healthz")).await.unwrap().status(), 200);
    let taken = Origin::start(OriginOptions::from(Listen::default().on(addr))).await;
    let error = taken.err().expect("the port is taken").to_string();
    assert!(error.contains(&addr.to_string()), "{error}");
    drop(again);
    let mut refused = false;
    for _ in 0..200 {
        refused = client.send(get("http://a/healthz")).await.is_err_and(|e| is_refused(&e));
        if refused {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused, "dropping stops it too");
}

#[tokio::test]
async fn plain_http_speaks_h2_by_prior_knowledge() {
    let (_origin, client) = plain_origin().await;
    let client = client.speaking(Protocol::H2);
    let answer = client.send(get("http://a/healthz")).await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
}
