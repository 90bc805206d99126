//! No connection becomes anything but HTTP: neither the client nor the origin switches it.

use std::time::Duration;

use http::{Method, Request};
use sekisho_testing::body;
use sekisho_testing::client::Protocol;

use crate::support::World;

const PATIENCE: Duration = Duration::from_secs(10);

/// RFC 6455, section 4.1. The gateway switches no protocol: what it forwards is a plain GET, which asks for none.
#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_handshake_switches_nothing() {
    let world = World::new().await;
    let handshake = format!(
        "GET /api/files/echo HTTP/1.1\r\nHost: acme.localhost\r\nAuthorization: Bearer {}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        world.token("acme")
    );
    let mut client = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
    let answer = client.exchange(handshake.as_bytes(), PATIENCE).await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    assert!(!answer.text().to_ascii_lowercase().contains("\r\nupgrade:"), "{}", answer.text());
    for seen in world.origin.requests() {
        for name in ["connection", "upgrade"] {
            assert!(seen.header_values(name).is_empty(), "{name}: {seen:?}");
        }
    }
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
