//! Many streams for a while, and streams whose origin goes: nothing is lost, late or taken for whole.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Method, Response};
use sekisho_testing::body;
use sekisho_testing::client::{Connection, Events, Protocol};
use sekisho_testing::pki::{H2, HTTP_1_1};
use serde_json::Value;

use crate::support::{Answer, Options, World, request};

const STREAMS: usize = 100;
const EVENTS: u64 = 100;

async fn chat(world: &World, connection: &mut Connection) -> Answer {
    let target = format!("/api/assistants/a1/chat?events={EVENTS}&interval_ms=100");
    let asked = request(Method::POST, &target)
        .header("authorization", format!("Bearer {}", world.token("acme")))
        .header("accept", "text/event-stream");
    connection.send(asked.body(body::full("{}")).unwrap()).await.unwrap()
}

/// How long each event was on its way, of one stream, whose events are all there and in order.
async fn delays(answer: Answer) -> Vec<Duration> {
    let mut events = Events::new(answer.into_body()).rest().await.unwrap();
    assert_eq!(events.pop().unwrap().name, "done");
    let delay = |(n, event): (usize, sekisho_testing::client::Event)| {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(data["n"], n, "an event is lost, doubled or out of order");
        Duration::from_micros(event.arrived.saturating_sub(data["t"].as_u64().unwrap()))
    };
    let delays: Vec<Duration> = events.into_iter().enumerate().map(delay).collect();
    assert_eq!(delays.len() as u64, EVENTS);
    delays
}

/// Ten seconds, half of the streams over HTTP/1.1, half over one connection of HTTP/2. The machine may be as busy as it
/// likes: the bounds are those of a stream that is held back until its next event (each would be 100 ms late), and of one
/// that others keep from its turn. What a machine with time for it does is printed, and measured by `benches/streams.py`.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_streams_lose_nothing_and_none_waits() {
    let world = World::new().await;
    let mut h2 = world.client(Protocol::H2).connect("acme.localhost").await.unwrap();
    let mut streams = Vec::new();
    for n in 0..STREAMS {
        let answer = if n % 2 == 0 {
            chat(&world, &mut h2).await
        } else {
            let mut h1 = world.client(Protocol::H1).connect("acme.localhost").await.unwrap();
            chat(&world, &mut h1).await
        };
        streams.push(tokio::spawn(delays(answer)));
    }
    let mut delays: Vec<Duration> =
        join_all(streams).await.into_iter().flat_map(Result::unwrap).collect();
    delays.sort_unstable();
    let at = |percent: usize| delays[delays.len() * percent / 100 - 1];
    println!("{} events: p50 {:?}, p99 {:?}, all {:?}", delays.len(), at(50), at(99), at(100));
    assert!(at(50) < Duration::from_millis(50), "p50 {:?}", at(50));
    assert!(at(99) < Duration::from_secs(1), "p99 {:?}", at(99));
    let ends = world.audit.stream_ends(STREAMS).await;
    assert!(ends.iter().all(|end| end["end"] == "complete"), "{ends:?}");
}

/// Whatever the framing says of an end, an origin that goes has not said it.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_goes_breaks_the_stream() {
    for (alpn, length) in [(HTTP_1_1, false), (HTTP_1_1, true), (H2, false), (H2, true)] {
        for protocol in [Protocol::H1, Protocol::H2] {
            let name = format!("{} length {length} to {protocol:?}", alpn.escape_ascii());
            let mut world = World::with(Options::origin_over_tls(alpn)).await;
            let mut origin = world
                .origin_by(move |_| async move {
                    let (mut sender, content) = body::channel(2);
                    sender.send_data(Bytes::from("data: 1\n\n")).await.unwrap();
                    // Never ended: it waits for the connection.
                    tokio::spawn(async move {
                        let _open = sender;
                        std::future::pending::<()>().await;
                    });
                    let answer = Response::builder()
                        .header("x-tenant-id", "acme")
                        .header("content-type", "text/event-stream");
                    let answer =
                        if length { answer.header("content-length", 1000) } else { answer };
                    answer.body(content).unwrap()
                })
                .await;
            let answer = world.ask(protocol, Method::GET, "/api/files/x", body::empty()).await;
            let mut events = Events::new(answer.into_body());
            assert_eq!(events.next().await.unwrap().unwrap().data, "1", "{name}");
            origin.stop().await;
            let end = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
            let end = end.unwrap_or_else(|_| panic!("{name}: the client still waits"));
            assert!(end.is_err(), "{name}: a clean end: {end:?}");
            let end = world.audit.stream_ends(1).await.remove(0);
            assert_eq!(end["end"], "origin-failed", "{name}: {end}");
        }
    }
}
