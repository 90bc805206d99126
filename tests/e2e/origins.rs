//! Several origins: who is asked, who is asked again, and what each of them sees.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pki::{H2, HTTP_1_1, Pki};
use sekisho_testing::server::Listen;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Answer, Options, World, json, request};

const FIRST: &str = "[origins.assistant]";

/// The policy's origin and a second one at this address; the first is the preferred one by far.
fn beside(url: &str, more: &str) -> Options {
    let second = format!("[origins.second]\nurl = \"{url}\"\nregion = \"jp\"\n{more}\n\n{FIRST}\n");
    Options {
        gateway: vec![
            (FIRST.into(), second),
            ("origins = [\"assistant\"]".into(), "origins = [\"assistant\", \"second\"]".into()),
        ],
        outbound: vec![url.into()],
        ..Options::default()
    }
}

/// Waits for the first origin's turn by giving the second none.
const SPARE: &str = "weight = 0";

async fn refused(answer: Answer) -> (u16, Value, Option<u64>) {
    let status = answer.status().as_u16();
    let retry = answer.headers().get("retry-after");
    let retry = retry.map(|value| value.to_str().unwrap().parse().unwrap());
    (status, json(answer).await["reason"].clone(), retry)
}

/// An origin that reads so much of a request and lets the connection fall, and how many it has.
async fn falling(after: usize) -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
    let count = taken.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(fall(stream, after, count));
        }
    });
    (url, taken)
}

async fn fall(
    mut stream: TcpStream,
    after: usize,
    count: std::sync::Arc<std::sync::atomic::AtomicUsize>,
) {
    let (mut piece, mut read) = (vec![0; 65536], 0);
    while read < after {
        match stream.read(&mut piece).await {
            Ok(length) if length > 0 => read += length,
            _ => break,
        }
    }
    if read > 0 {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        // So that no answer can have begun.
        let _ = stream.shutdown().await;
    }
}

/// No connection to the first: whatever the method and however long the body, the second gets all of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_origin_without_a_connection_would_have_got_another_one_gets() {
    let second = Origin::start(OriginOptions::default()).await.unwrap();
    let mut world = World::with(beside(&second.url(), SPARE)).await;
    world.origin.stop().await;
    for (count, (protocol, length)) in [
        (Protocol::H1, 0),
        (Protocol::H1, 5),
        (Protocol::H2, 60_000),
        (Protocol::H1, 3_000_000),
        (Protocol::H2, 3_000_000),
    ]
    .into_iter()
    .enumerate()
    {
        // While it is passed over nobody tries the first: each tries it anew.
        tokio::time::sleep(Duration::from_millis(1100 << count.min(2))).await;
        let sent = "x".repeat(length);
        let answer = world.ask(protocol, Method::POST, "/api/files/upload", body::full(sent)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{length}");
        assert_eq!(json(answer).await["bytes"], length, "{length}");
        let seen = second.take_requests();
        let [seen] = seen.as_slice() else { panic!("{seen:?}") };
        assert!(seen.complete);
        let declared = seen.header("content-length").map(|length| length.parse().unwrap());
        assert_eq!(declared.unwrap_or(0), length);
        let record = world.audit.of(seen.header("x-request-id").unwrap()).await;
        assert_eq!(record["origin"], "second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_off_is_asked_again_where_that_does_no_harm() {
    let (url, taken) = falling(1).await;
    let count = || taken.load(std::sync::atomic::Ordering::SeqCst);
    let mut options = beside(&url, "weight = 1000");
    // The preferred one falls.
    options.gateway.push(("weight = 1\n".into(), "weight = 0\n".into()));
    let world = World::with(options).await;
    for (method, content, want) in
        [(Method::GET, "", 200), (Method::PUT, "little", 200), (Method::POST, "little", 502)]
    {
        // Three in a row would put it last.
        let answer =
            world.ask(Protocol::H1, method.clone(), "/api/files/echo", body::full(content)).await;
        assert_eq!(answer.status(), want, "{method}");
        assert!(count() > 0, "{method}: the first was not asked");
        taken.store(0, std::sync::atomic::Ordering::SeqCst);
        let served = world.origin.take_requests();
        assert_eq!(served.len(), usize::from(want == 200), "{method}");
        if want == 200 {
            assert_eq!(json(answer).await["body"], content, "{method}");
        } else {
            assert_eq!(json(answer).await["reason"], "origin-failed");
        }
    }
}

/// Without a length the first has read the end, too: it is the same for the second.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_body_without_a_length_is_asked_again() {
    let (url, taken) = falling(500).await;
    let mut options = beside(&url, "weight = 1000");
    options.gateway.push(("weight = 1\n".into(), "weight = 0\n".into()));
    let world = World::with(options).await;
    for protocol in [Protocol::H1, Protocol::H2] {
        let frame = hyper::body::Frame::data(bytes::Bytes::from("x".repeat(5000)));
        let pieces = futures::stream::iter([Ok::<_, std::io::Error>(frame)]);
        let content =
            http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(pieces));
        let answer = world.ask(protocol, Method::PUT, "/api/files/upload", content).await;
        assert_eq!(answer.status(), StatusCode::OK, "{protocol:?}");
        assert_eq!(json(answer).await["bytes"], 5000);
    }
    assert_eq!(taken.load(std::sync::atomic::Ordering::SeqCst), 2);
}

/// More than is kept went to the first: nobody has it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_that_broke_off_is_not_asked_again() {
    let (url, taken) = falling(1_000_000).await;
    let mut options = beside(&url, "weight = 1000");
    options.gateway.push(("weight = 1\n".into(), "weight = 0\n".into()));
    let world = World::with(options).await;
    let content = "x".repeat(20_000_000);
    let request = request(Method::PUT, "/api/files/upload")
        .header("authorization", format!("Bearer {}", world.token("acme")));
    let answer = world.client(Protocol::H2).send(request.body(body::full(content)).unwrap()).await;
    assert_eq!(answer.unwrap().status(), StatusCode::BAD_GATEWAY);
    assert_eq!(taken.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(world.origin.take_requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_are_down_nobody_is_asked_for_a_while() {
    let mut second = Origin::start(OriginOptions::default()).await.unwrap();
    let mut world = World::with(beside(&second.url(), "")).await;
    assert_eq!(world.get("/api/assistants").await.status(), StatusCode::OK);
    let (one, two) = (world.origin.addr(), second.addr());
    world.origin.stop().await;
    second.stop().await;
    // The first may still meet a connection from before, as it breaks.
    let (status, ..) = refused(world.get("/api/assistants").await).await;
    assert!((502..=503).contains(&status), "{status}");
    let (mut told, begin) = (Vec::new(), Instant::now());
    while told.len() < 20 && begin.elapsed() < Duration::from_secs(5) {
        told.push(refused(world.get("/api/assistants").await).await);
    }
    let unavailable: Vec<_> = told.iter().filter(|told| told.0 == 503).collect();
    assert!(unavailable.len() > 5, "{told:?}");
    for (_, reason, retry) in unavailable {
        assert_eq!(reason, "origins-unavailable");
        assert!(retry.is_some_and(|seconds| (1..=60).contains(&seconds)));
    }
    for (origin, addr) in [(&mut world.origin, one), (&mut second, two)] {
        *origin = Origin::start(Listen::default().on(addr).into()).await.unwrap();
    }
    let begin = Instant::now();
    while world.get("/api/assistants").await.status() != StatusCode::OK {
        assert!(begin.elapsed() < Duration::from_secs(40), "they are not asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Both get requests, in about the shares that the policy says.
#[tokio::test(flavor = "multi_thread")]
async fn by_weight() {
    let second = Origin::start(OriginOptions::default()).await.unwrap();
    let world = World::with(beside(&second.url(), "weight = 3")).await;
    let mut connection = world.client(Protocol::H2).connect("acme.localhost").await.unwrap();
    for _ in 0..200 {
        let request = request(Method::GET, "/api/assistants")
            .header("authorization", format!("Bearer {}", world.token("acme")));
        let answer = connection.send(request.body(body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        json(answer).await;
    }
    // 150 are due; nine standard deviations.
    assert!((95..=200).contains(&second.served()), "{}", second.served());
    assert_eq!(second.served() + world.origin.served(), 200);
    assert!(world.origin.served() > 0);
}

/// What an origin below a path, and asked for another host than its own, sees and says.
#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_and_another_host() {
    let pki = Pki::new().unwrap();
    for (host, alpn, want) in [
        ("host = \"client\"", HTTP_1_1, "acme.localhost"),
        ("host = \"svc.example:8443\"", HTTP_1_1, "svc.example:8443"),
        ("host = \"svc.example:8443\"", H2, "svc.example:8443"),
    ] {
        let tls = pki.server_config(&["127.0.0.1"], &[alpn]).unwrap();
        let options = Options {
            origin: Listen::tls(tls).into(),
            extra_ca: Some(pki.ca_pem().into()),
            gateway: vec![("region = \"jp\"\n".into(), format!("region = \"jp\"\n{host}\n"))],
            ..Options::default()
        };
        let world = World::with_prefix(options, "/tenant/v1").await;
        for _ in 0..2 {
            let answer = world.get("/api/files/redirect?to=/tenant/v1/api/files/x").await;
            assert_eq!(answer.status(), StatusCode::FOUND);
            assert_eq!(answer.headers()["location"], "/api/files/x");
        }
        let seen = world.origin.take_requests();
        let [seen, _] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!(seen.target, "/tenant/v1/api/files/redirect?to=/tenant/v1/api/files/x");
        let asked = seen.authority.as_deref().or(seen.header("host"));
        assert_eq!(asked, Some(want), "{host}");
        assert_eq!(seen.header("x-forwarded-host"), Some("acme.localhost"));
        assert!(!seen.headers.iter().any(|(name, _)| name.starts_with("sekisho-outbound")));
        assert_eq!(world.origin.connections(), 1, "a connection is used again");
    }
}

/// With a certificate of a private authority, and with one of the gateway's own to show.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_asks_for_a_certificate() {
    let pki = Pki::new().unwrap();
    for (identity, want) in [(true, 200), (false, 502)] {
        let options = Options {
            origin: Listen::tls(pki.mutual_server_config(&["127.0.0.1"], &[H2]).unwrap()).into(),
            extra_ca: Some(pki.ca_pem().into()),
            identity: identity.then(|| pki.issue(&["gateway.example"]).unwrap()),
            ..Options::default()
        };
        let world = World::with(options).await;
        assert_eq!(world.get("/api/assistants").await.status(), want);
    }
}

/// Tenants in turn over one connection of the client: without the rule they share the origin's, with it never.
#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_shared_between_tenants() {
    let pki = Pki::new().unwrap();
    for (tls, rule, apart) in [
        (false, "", false),
        (false, "connections = \"per-tenant\"\n", true),
        (true, "connections = \"per-tenant\"\n", true),
    ] {
        let listen = if tls {
            Listen::tls(pki.server_config(&["127.0.0.1"], &[H2]).unwrap())
        } else {
            Listen::default()
        };
        let options = Options {
            origin: listen.into(),
            extra_ca: Some(pki.ca_pem().into()),
            gateway: vec![("region = \"jp\"\n".into(), format!("region = \"jp\"\n{rule}"))],
            globex: vec![("business = [".into(), "business = [\"127.0.0.1/32\", ".into())],
            ..Options::default()
        };
        let world = World::with(options).await;
        for tenant in ["acme", "globex", "acme", "globex", "globex", "acme"] {
            let request = http::Request::get(format!("https://{tenant}.localhost/api/assistants"))
                .header("authorization", format!("Bearer {}", world.token(tenant)))
                // What a client says of it is not heard.
                .header("sekisho-outbound-group", "acme");
            let answer =
                world.client(Protocol::H1).send(request.body(body::empty()).unwrap()).await;
            let answer = answer.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{tenant}");
            json(answer).await;
        }
        let seen = world.origin.take_requests();
        let peers = |tenant: &str| -> std::collections::BTreeSet<_> {
            let of = seen.iter().filter(|seen| seen.header("x-tenant-id") == Some(tenant));
            of.map(|seen| seen.peer).collect()
        };
        assert_eq!(peers("acme").is_disjoint(&peers("globex")), apart, "{rule} {tls}");
        assert_eq!(world.origin.connections(), if apart { 2 } else { 1 }, "{rule} {tls}");
    }
}
