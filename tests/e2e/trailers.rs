//! Trailers are filtered as the head is, whichever way the body before them goes, and none of a client's passes.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body_util::BodyExt as _;
use sekisho_testing::body::{self, Body};
use sekisho_testing::client::Protocol;
use sekisho_testing::pki::H2;

use crate::support::{Answer, Options, World, request};

/// What an origin sends behind its content: what may pass, and what may not.
const SENT: [(&str, &str); 10] = [
    ("grpc-status", "0"),
    ("x-checksum", "1"),
    ("x-tenant-id", "globex"),
    ("x-user-id", "admin"),
    ("sekisho-assertion", "forged"),
    ("x-forwarded-for", "192.0.2.1"),
    ("server", "internal/1"),
    ("set-cookie", "__Host-sekisho=stolen"),
    ("cache-control", "public"),
    ("content-encoding", "gzip"),
];
const BOTH: [(&str, &str); 2] = [("grpc-status", "0"), ("x-checksum", "1")];

fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// A GET of one who takes trailers (RFC 9110, section 10.1.4).
async fn get(world: &World, protocol: Protocol, target: &str) -> Answer {
    let request = request(Method::GET, target)
        .header("authorization", format!("Bearer {}", world.token("acme")))
        .header("te", "trailers");
    let request = match protocol {
        Protocol::H1 => request.header("connection", "te"),
        Protocol::H2 => request,
    };
    world.client(protocol).send(request.body(body::empty()).unwrap()).await.unwrap()
}

async fn content_and_trailers(answer: Answer) -> (Bytes, HeaderMap) {
    let whole = answer.into_body().collect().await.unwrap();
    let trailers = whole.trailers().cloned().unwrap_or_default();
    (whole.to_bytes(), trailers)
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_a_chunked_answer() {
    let sent = [("transfer-encoding", "chunked"), ("connection", "close")]
        .iter()
        .chain(&SENT)
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect::<Vec<_>>()
        .concat();
    let answer: &[u8] = format!(
        "HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\ntransfer-encoding: chunked\r\n\
         trailer: X-Checksum, grpc-status, x-user-id\r\n\r\n4\r\nbody\r\n0\r\n{sent}\r\n"
    )
    .leak()
    .as_bytes();
    for protocol in [Protocol::H1, Protocol::H2] {
        let mut world = World::new().await;
        let origin = world.origin_that_answers(answer).await;
        let answer = get(&world, protocol, "/api/files/x").await;
        assert_eq!(answer.headers()["trailer"], "x-checksum, grpc-status", "{protocol:?}");
        let (content, trailers) = content_and_trailers(answer).await;
        assert_eq!((&content[..], trailers), (&b"body"[..], fields(&BOTH)), "{protocol:?}");
        drop(origin.await.unwrap());
    }
}

/// An origin of HTTP/2, where a body has trailers with a length, too.
#[tokio::test(flavor = "multi_thread")]
async fn those_of_h2_with_and_without_a_length() {
    let mut world = World::with(Options::origin_over_tls(H2)).await;
    let _origin = world
        .origin_by(async |request| {
            assert_eq!(request.headers()["te"], "trailers");
            let (mut sender, content) = body::channel(2);
            sender.send_data(Bytes::from("body")).await.unwrap();
            sender.send_trailers(fields(&SENT)).await.unwrap();
            let answer = Response::builder().header("x-tenant-id", "acme");
            let answer = answer.header("trailer", "x-checksum, grpc-status");
            match request.uri().path() {
                "/api/files/length" => answer.header("content-length", 4),
                "/healthz" => answer.header("content-type", "text/plain"),
                _ => answer,
            }
            .body(content)
            .unwrap()
        })
        .await;
    for protocol in [Protocol::H1, Protocol::H2] {
        // The second has nothing that is looked at again.
        for watched in ["/api/files/x", "/healthz"] {
            let answer = get(&world, protocol, watched).await;
            let (content, trailers) = content_and_trailers(answer).await;
            assert_eq!((&content[..], trailers), (&b"body"[..], fields(&BOTH)), "{protocol:?}");
        }
        let answer = get(&world, protocol, "/api/files/length").await;
        assert_eq!(answer.headers()["content-length"], "4");
        let (content, trailers) = content_and_trailers(answer).await;
        // HTTP/1.1 has none behind a length, and of HTTP/2 the component sees none.
        let passed = if protocol == Protocol::H2 { &BOTH[..1] } else { &[] };
        assert_eq!((&content[..], trailers), (&b"body"[..], fields(passed)), "{protocol:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_a_request_go_no_further() {
    let h2 = || Options::origin_over_tls(H2);
    for (to, options) in [(Protocol::H1, Options::default()), (Protocol::H2, h2())] {
        let world = World::with(options).await;
        for (from, length) in
            [(Protocol::H1, None), (Protocol::H2, None), (Protocol::H2, Some(4_u64))]
        {
            let mut request = request(Method::POST, "/api/files/upload")
                .header("authorization", format!("Bearer {}", world.token("acme")))
                .header("trailer", "x-tenant-id, x-checksum");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let answer = world.client(from).send(request.body(trailing().await).unwrap()).await;
            assert_eq!(answer.unwrap().status(), 200, "{from:?} {length:?} {to:?}");
            let seen = world.origin.take_requests();
            let [seen] = seen.as_slice() else { panic!("{seen:?}") };
            assert_eq!((seen.body.as_slice(), seen.complete), (&b"body"[..], true), "{from:?}");
            assert!(seen.trailers.is_empty(), "{from:?} {length:?} {to:?}: {:?}", seen.trailers);
            assert!(seen.header_values("trailer").is_empty());
        }
    }
}

async fn trailing() -> Body {
    let (mut sender, body) = body::channel(2);
    sender.send_data(Bytes::from("body")).await.unwrap();
    let trailers = fields(&[("x-tenant-id", "globex"), ("x-checksum", "1")]);
    sender.send_trailers(trailers).await.unwrap();
    body
}
