//! gRPC over HTTP/2 (PROTOCOL-HTTP2.md of gRPC): a call is a POST, its messages are framed in the bodies, its status is
//! a trailer.

use std::sync::{Arc, Mutex};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sekisho_testing::body::{self, Body, Sender};
use sekisho_testing::client::Protocol;
use sekisho_testing::pki::H2;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{Answer, Options, World, request};

/// An uncompressed message.
fn message(text: &str) -> Bytes {
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(u32::try_from(text.len()).unwrap());
    message.put_slice(text.as_bytes());
    message.freeze()
}

/// The messages of a body, one at a time.
struct Messages {
    body: Incoming,
    buffer: BytesMut,
    trailers: Option<HeaderMap>,
}

impl Messages {
    fn of(body: Incoming) -> Self {
        Self { body, buffer: BytesMut::new(), trailers: None }
    }

    /// The next message; none, when the trailers are here.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((head, rest)) = self.buffer.split_first_chunk::<5>() {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
                let length = usize::try_from(length).unwrap();
                if rest.len() >= length {
                    let message = self.buffer.split_to(5 + length);
                    return Some(String::from_utf8(message[5..].to_vec()).unwrap());
                }
            }
            let frame = self.body.frame().await?.unwrap();
            match frame.into_data() {
                Ok(data) => self.buffer.extend_from_slice(&data),
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
        }
    }

    /// The status that ends a call, and nothing before it.
    async fn status(mut self) -> String {
        assert_eq!(self.next().await, None, "a message in the status's place");
        let trailers = self.trailers.unwrap();
        assert!(!trailers.contains_key("x-tenant-id"), "{trailers:?}");
        trailers["grpc-status"].to_str().unwrap().to_owned()
    }
}

type Told = Arc<Mutex<Option<UnboundedReceiver<&'static str>>>>;

/// A service of four methods. What `Watch` says is told it by the test, so that each message can wait for the one before.
fn serve(call: Request<Incoming>, told: &Told) -> Response<Body> {
    assert_eq!(call.version(), Version::HTTP_2);
    assert_eq!(call.headers()["te"], "trailers", "gRPC refuses a call without");
    assert_eq!(call.headers()["content-type"], "application/grpc");
    assert_eq!(call.headers()["grpc-timeout"], "10S");
    let answer = Response::builder()
        .header("x-tenant-id", call.headers()["x-tenant-id"].clone())
        .header("content-type", "application/grpc");
    let (sender, content) = body::channel(1);
    match call.uri().path() {
        "/api/files/assistant.v1.Assistant/Deny" => {
            let answer = answer.header("grpc-status", "7").header("grpc-message", "not%20yours");
            return answer.body(body::empty()).unwrap();
        }
        "/api/files/assistant.v1.Assistant/Watch" => {
            let mut told = told.lock().unwrap().take().unwrap();
            tokio::spawn(async move {
                let mut sender = sender;
                while let Some(text) = told.recv().await {
                    sender.send_data(message(text)).await.unwrap();
                }
                close(sender).await;
            });
        }
        _ => {
            tokio::spawn(echo(Messages::of(call.into_body()), sender));
        }
    }
    answer.body(content).unwrap()
}

async fn echo(mut messages: Messages, mut sender: Sender<Bytes, std::io::Error>) {
    while let Some(text) = messages.next().await {
        sender.send_data(message(&format!("you said {text}"))).await.unwrap();
    }
    close(sender).await;
}

async fn close(mut sender: Sender<Bytes, std::io::Error>) {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    trailers.insert("x-tenant-id", "globex".parse().unwrap());
    sender.send_trailers(trailers).await.unwrap();
}

/// The gateway before that service, and what the service's `Watch` is told by.
async fn world() -> (World, sekisho_testing::server::Server, UnboundedSender<&'static str>) {
    let mut world = World::with(Options::origin_over_tls(H2)).await;
    let (tell, told) = unbounded_channel();
    let told = Arc::new(Mutex::new(Some(told)));
    let service = world.origin_by(move |call| std::future::ready(serve(call, &told))).await;
    (world, service, tell)
}

async fn call(world: &World, method: &str, messages: Body) -> Answer {
    let target = format!("/api/files/assistant.v1.Assistant/{method}");
    let call = request(Method::POST, &target)
        .header("authorization", format!("Bearer {}", world.token("acme")))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "10S");
    let answer = world.client(Protocol::H2).send(call.body(messages).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    answer
}

/// A body that declares no length, as those of gRPC do not.
async fn one(text: &str) -> Body {
    let (mut sender, body) = body::channel(1);
    sender.send_data(message(text)).await.unwrap();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unary_call() {
    let (world, _service, _) = world().await;
    let answer = call(&world, "Say", one("hello").await).await;
    let mut messages = Messages::of(answer.into_body());
    assert_eq!(messages.next().await.unwrap(), "you said hello");
    assert_eq!(messages.status().await, "0");
}

/// No message is written before the one before it has arrived: one that were held back would hold up the call.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_streams_its_answer() {
    let (world, _service, tell) = world().await;
    let answer = call(&world, "Watch", one("all").await).await;
    let mut messages = Messages::of(answer.into_body());
    for text in ["first", "second", "third"] {
        tell.send(text).unwrap();
        assert_eq!(messages.next().await.unwrap(), text);
    }
    drop(tell);
    assert_eq!(messages.status().await, "0");
}

/// Each message of the client waits for the answer to the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_streams_both_ways() {
    let (world, _service, _) = world().await;
    let (mut sender, body) = body::channel(1);
    let answer = call(&world, "Talk", body).await;
    let mut messages = Messages::of(answer.into_body());
    for text in ["one", "two", "three"] {
        sender.send_data(message(text)).await.unwrap();
        assert_eq!(messages.next().await.unwrap(), format!("you said {text}"));
    }
    drop(sender);
    assert_eq!(messages.status().await, "0");
}

/// A status without content ("Trailers-Only") stands in the head, and the head ends the stream: a client takes one that
/// goes on for a call that broke.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_answered_by_its_status_alone() {
    let (world, _service, _) = world().await;
    let answer = call(&world, "Deny", one("hello").await).await;
    assert_eq!(answer.headers()["grpc-status"], "7");
    assert_eq!(answer.headers()["grpc-message"], "not%20yours");
    assert!(answer.body().is_end_stream(), "the head did not end the stream");
}
