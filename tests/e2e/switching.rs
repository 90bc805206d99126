//! No connection becomes anything but HTTP: neither the client nor the origin switches it.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use sekisho_testing::body;
use sekisho_testing::client::Protocol;

use crate::support::{World, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// A handshake gets a refusal that its client's author can read, over either protocol.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_refused_by_its_name() {
    let world = World::new().await;
    for protocol in [Protocol::H1, Protocol::H2] {
        let mut handshake = Request::get("https://acme.localhost/api/assistants")
            .header("authorization", format!("Bearer {}", world.token("acme")))
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13");
        if protocol == Protocol::H1 {
            handshake = handshake.header("connection", "Upgrade").header("upgrade", "websocket");
        }
        let answer =
            world.client(protocol).send(handshake.body(body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED);
        assert_eq!(json(answer).await["reason"], "upgrade-not-supported");
    }
    assert!(world.origin.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_is_refused() {
    let world = World::new().await;
    let mut client = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
    let connect = b"CONNECT acme.localhost:443 HTTP/1.1\r\nHost: acme.localhost:443\r\n\r\n";
    assert_eq!(client.exchange(connect, PATIENCE).await.status(), Some(501));

    let connect = Request::builder().method(Method::CONNECT).uri("acme.localhost:443");
    let answer = world.client(Protocol::H2).send(connect.body(body::empty()).unwrap()).await;
    assert_eq!(answer.unwrap().status(), 501);
    assert!(world.origin.requests().is_empty());
}

/// RFC 8441, section 3: who was not told that it is there must not ask for it. Who asks all the same gets a stream error.
#[tokio::test(flavor = "multi_thread")]
async fn extended_connect_is_not_offered_and_refused() {
    const ENABLE_CONNECT_PROTOCOL: [u8; 2] = [0, 8];
    let world = World::new().await;
    let token = format!("Bearer {}", world.token("acme"));
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/api/files/echo"),
        (":authority", "acme.localhost"),
        ("authorization", &token),
    ];
    let mut client = world.client(Protocol::H2).raw("acme.localhost").await.unwrap();
    let sent = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS, 1, &literals(&fields)),
        // So that the gateway closes when it has said all.
        frame(GOAWAY, 0, 0, &[0; 8]),
    ];
    let answer = client.exchange(&sent.concat(), PATIENCE).await;
    assert!(answer.closed);
    let frames = frames(&answer.bytes);
    let (_, _, settings) = &frames[0];
    assert!(!settings.chunks(6).any(|setting| setting.starts_with(&ENABLE_CONNECT_PROTOCOL)));
    let reset = (RST_STREAM, 1, &PROTOCOL_ERROR.to_be_bytes()[..]);
    assert!(frames.contains(&reset), "{frames:?}");
    assert!(world.origin.requests().is_empty());
    assert_eq!(world.audit.lines(), Vec::<String>::new(), "no request was judged");
}

// RFC 9113, sections 6 and 7.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_HEADERS: u8 = 4;
const PROTOCOL_ERROR: u32 = 1;

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Kind, stream and payload of each frame.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, &[u8])> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = usize::from_be_bytes([0, 0, 0, 0, 0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let (payload, rest) = rest.split_at(length);
        frames.push((head[3], stream, payload));
        bytes = rest;
    }
    frames
}

/// Literal fields without indexing, without Huffman (RFC 7541, sections 5 and 6.2.2).
fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let string = |text: &str| {
        let length = match text.len() {
            short @ 0..127 => vec![u8::try_from(short).unwrap()],
            long => {
                let rest = long - 127;
                let low = u8::try_from(rest % 128).unwrap() | 128;
                vec![127, low, u8::try_from(rest / 128).unwrap()]
            }
        };
        [length, text.as_bytes().to_vec()].concat()
    };
    let field = |(name, value): &(&str, &str)| [vec![0], string(name), string(value)].concat();
    fields.iter().flat_map(field).collect()
}
