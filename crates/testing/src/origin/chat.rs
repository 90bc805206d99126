//! The assistant's answer, word by word.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;
use tokio::time::sleep;

use crate::body::Body;
use crate::clock::unix_micros;
use crate::server;

const ANSWER: &str =
    "Hello! I am your assistant. Every word you read passed the checkpoint, one event each.";
const DEFAULT_EVENTS: u64 = 12;
const DEFAULT_INTERVAL_MS: u64 = 60;

/// One JSON answer.
pub(super) fn whole() -> Response<Body> {
    server::json(StatusCode::OK, &json!({"text": ANSWER, "t": unix_micros()}))
}

/// Server-sent events, the first at once, then one each interval; `t` is the time of writing.
pub(super) fn streamed(query: &str) -> Response<Body> {
    let number = |name, default| {
        server::query(query, name).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let events: u64 = number("events", DEFAULT_EVENTS);
    let interval = Duration::from_millis(number("interval_ms", DEFAULT_INTERVAL_MS));
    let words = ANSWER.split(' ').cycle();
    let source = stream::unfold((0, words), move |(n, mut words)| async move {
        if n > events {
            return None;
        }
        let text = if n == events {
            "event: done\ndata: {}\n\n".to_owned()
        } else {
            if n > 0 {
                sleep(interval).await;
            }
            let data = json!({"n": n, "text": words.next(), "t": unix_micros()});
            format!("data: {data}\n\n")
        };
        Some((Ok::<_, io::Error>(Frame::data(Bytes::from(text))), (n + 1, words)))
    });
    let mut response = Response::new(StreamBody::new(source).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
