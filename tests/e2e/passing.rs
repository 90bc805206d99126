//! What HTTP says beside the content passes as it was said: conditions, ranges, codings, expectations, interim answers.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use sekisho_testing::body::{self, Body};
use sekisho_testing::client::Protocol;
use sekisho_testing::pki::H2;

use crate::support::{Options, World, request, text};

const CONTENT: &str = "0123456789";
const ETAG: &str = "\"v1\"";
const PATIENCE: Duration = Duration::from_secs(10);

/// A gzip file of the content. The gateway could not tell, but a client can.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x33, 0x30, 0x34, 0x32, 0x36, 0x31,
    0x35, 0x33, 0xb7, 0xb0, 0x04, 0x00, 0xc6, 0xc7, 0x84, 0xa6, 0x0a, 0x00, 0x00, 0x00,
];
/// The same, by Brotli.
const BROTLI: &[u8] =
    &[0x8b, 0x04, 0x80, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x03];

/// An origin of one representation (RFC 9110, section 13.2.2: conditions before ranges).
async fn represent(request: Request<Incoming>) -> Response<Body> {
    let asks =
        |name: &str, value: &str| request.headers().get(name).is_some_and(|found| found == value);
    let answer = Response::builder().header("x-tenant-id", "acme").header("etag", ETAG);
    let length = CONTENT.len();
    let answer = if request.method() == Method::PUT {
        answer.status(204).body(body::empty())
    } else if asks("if-none-match", ETAG) {
        answer.status(304).header("content-length", length).body(body::empty())
    } else if request.method() == Method::HEAD {
        answer.header("content-length", length).body(body::empty())
    } else if asks("range", "bytes=2-4") {
        let answer = answer.status(206).header("content-range", "bytes 2-4/10");
        answer.body(body::full("234"))
    } else if asks("accept-encoding", "gzip") {
        coded(answer, "gzip", GZIP)
    } else if asks("accept-encoding", "br") {
        coded(answer, "br", BROTLI)
    } else {
        answer.body(body::full(CONTENT))
    };
    answer.unwrap()
}

fn coded(
    answer: http::response::Builder,
    coding: &str,
    content: &'static [u8],
) -> http::Result<Response<Body>> {
    let answer = answer.header("content-encoding", coding).header("vary", "accept-encoding");
    answer.body(body::full(content))
}

type Fields = &'static [(&'static str, &'static str)];

/// Method, a field of the request, status, fields of the answer, content.
const ASKED: [(&str, Fields, u16, Fields, &[u8]); 8] = [
    ("GET", &[], 200, &[("content-length", "10"), ("etag", ETAG)], CONTENT.as_bytes()),
    ("HEAD", &[], 200, &[("content-length", "10"), ("etag", ETAG)], b""),
    // Its Content-Length may be left out (RFC 9110, section 8.6), as hyper does.
    ("GET", &[("if-none-match", ETAG)], 304, &[("etag", ETAG)], b""),
    ("GET", &[("if-none-match", "\"v0\"")], 200, &[("etag", ETAG)], CONTENT.as_bytes()),
    (
        "GET",
        &[("range", "bytes=2-4")],
        206,
        &[("content-range", "bytes 2-4/10"), ("content-length", "3")],
        b"234",
    ),
    (
        "GET",
        &[("accept-encoding", "gzip")],
        200,
        &[("content-encoding", "gzip"), ("vary", "accept-encoding"), ("content-length", "30")],
        GZIP,
    ),
    (
        "GET",
        &[("accept-encoding", "br")],
        200,
        &[("content-encoding", "br"), ("vary", "accept-encoding"), ("content-length", "14")],
        BROTLI,
    ),
    ("PUT", &[], 204, &[("etag", ETAG)], b""),
];

#[tokio::test(flavor = "multi_thread")]
async fn conditions_ranges_and_codings_pass() {
    for mut options in [Options::default(), Options::origin_over_tls(H2)] {
        let methods = "[\"GET\", \"POST\", \"PUT\"]";
        options.gateway.push((methods.into(), methods.replace(']', ", \"HEAD\"]")));
        let mut world = World::with(options).await;
        let _origin = world.origin_by(represent).await;
        for protocol in [Protocol::H1, Protocol::H2] {
            // One connection: an answer whose end is not where the next one begins would show.
            let mut connection = world.client(protocol).connect("acme.localhost").await.unwrap();
            for (method, asked, status, fields, content) in ASKED {
                let name = format!("{protocol:?} {method} {asked:?}");
                let mut request = request(method.parse().unwrap(), "/api/files/x")
                    .header("authorization", format!("Bearer {}", world.token("acme")));
                for (name, value) in asked {
                    request = request.header(*name, *value);
                }
                let request = request.body(body::empty()).unwrap();
                let answer = connection.send(request).await.unwrap();
                assert_eq!(answer.status(), status, "{name}");
                for (field, value) in fields {
                    let found = answer.headers().get(*field).map(|value| value.to_str().unwrap());
                    assert_eq!(found, Some(*value), "{name}: {field}");
                }
                let received = body::read(answer.into_body(), 100).await;
                let received = received.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(received, content, "{name}");
            }
        }
    }
}

/// The client waits for `100 Continue`, so no byte of the body can have come before it.
#[tokio::test(flavor = "multi_thread")]
async fn who_expects_100_continue_is_told_to_go_on() {
    let world = World::new().await;
    for (framing, content) in
        [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    {
        let head = format!(
            "POST /api/files/upload HTTP/1.1\r\nHost: acme.localhost\r\nAuthorization: Bearer {}\r\n\
             Expect: 100-continue\r\n{framing}\r\n\r\n",
            world.token("acme")
        );
        let mut client = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
        let interim = client.exchange(head.as_bytes(), PATIENCE).await;
        assert_eq!(interim.text(), "HTTP/1.1 100 Continue\r\n\r\n", "{framing}");
        let answer = client.exchange(content.as_bytes(), PATIENCE).await;
        assert_eq!(answer.status(), Some(200), "{}", answer.text());
        let seen = world.origin.take_requests();
        let [seen] = seen.as_slice() else { panic!("{framing}: {seen:?}") };
        assert_eq!((seen.body.as_slice(), seen.complete), (&b"hello"[..], true), "{framing}");
        assert!(seen.header_values("expect").is_empty(), "the gateway has met it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_expects_100_continue_and_may_not_is_refused_at_once() {
    let world = World::new().await;
    for framing in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let head = format!(
            "POST /api/files/upload HTTP/1.1\r\nHost: acme.localhost\r\nExpect: 100-continue\r\n{framing}\r\n\r\n"
        );
        let mut client = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
        let answer = client.exchange(head.as_bytes(), PATIENCE).await;
        assert_eq!(answer.status(), Some(401), "{framing}: {}", answer.text());
        assert!(answer.text().contains("token-missing"), "{framing}");
    }
    assert!(world.origin.requests().is_empty());
}

/// Interim answers are for the next hop (RFC 9110, section 15.2): the gateway takes them, and the final one passes.
#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_of_an_origin_do_not_stand_for_the_final_one() {
    for protocol in [Protocol::H1, Protocol::H2] {
        let mut world = World::new().await;
        let origin = world
            .origin_that_answers(
                b"HTTP/1.1 100 Continue\r\n\r\n\
                  HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n\
                  HTTP/1.1 103 Early Hints\r\nx-tenant-id: globex\r\n\r\n\
                  HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\ncontent-length: 5\r\n\r\nfinal",
            )
            .await;
        let answer = world.ask(protocol, Method::POST, "/api/files/x", body::full("{}")).await;
        assert_eq!(answer.status(), 200, "{protocol:?}");
        assert!(!answer.headers().contains_key("link"), "{protocol:?}");
        assert_eq!(text(answer).await, "final", "{protocol:?}");
        drop(origin.await.unwrap());
    }
}

/// The same of an origin that speaks HTTP/2, where a stream has them before its head.
#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_over_h2_do_not_either() {
    let mut world = World::with(Options::origin_over_tls(H2)).await;
    let (listener, tls) = world.origin_of_a_test().await;
    let origin = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = tls.accept(stream).await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(exchange) = connection.accept().await {
            let (_, mut answer) = exchange.unwrap();
            for status in [100, 103, 103] {
                let interim = Response::builder().status(status).header("link", "</x>");
                answer.send_informational(interim.body(()).unwrap()).unwrap();
            }
            let last = Response::builder().header("x-tenant-id", "acme").body(()).unwrap();
            answer.send_response(last, false).unwrap().send_data("final".into(), true).unwrap();
        }
    });
    for protocol in [Protocol::H1, Protocol::H2] {
        let answer = world.ask(protocol, Method::POST, "/api/files/x", body::full("{}")).await;
        assert_eq!(answer.status(), 200, "{protocol:?}");
        assert!(!answer.headers().contains_key("link"), "{protocol:?}");
        assert_eq!(text(answer).await, "final", "{protocol:?}");
    }
    origin.abort();
}

/// Nothing is decompressed on the way, so what is watched is what it was, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_coded_answer_without_a_length_is_not_touched() {
    let mut world = World::new().await;
    let _origin = world
        .origin_by(async |_| {
            let (mut sender, content) = body::channel(1);
            tokio::spawn(async move {
                for piece in GZIP.chunks(7) {
                    sender.send_data(Bytes::from_static(piece)).await.unwrap();
                }
            });
            let answer = Response::builder().header("x-tenant-id", "acme");
            answer.header("content-encoding", "gzip").body(content).unwrap()
        })
        .await;
    for protocol in [Protocol::H1, Protocol::H2] {
        let answer = world.ask(protocol, Method::GET, "/api/files/x", body::empty()).await;
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{protocol:?}");
        assert_eq!(body::read(answer.into_body(), 100).await.unwrap(), GZIP, "{protocol:?}");
    }
}
