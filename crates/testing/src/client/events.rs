//! Server-sent events as they arrive (WHATWG HTML section 9.2).

use std::io;

use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::clock::unix_micros;

const MAX_EVENT: usize = 1 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` where the server names none.
    pub name: String,
    /// Its data, lines joined by a newline.
    pub data: String,
    /// When its last byte was read, microseconds since 1970 as [`unix_micros`] counts.
    pub arrived: u64,
}

/// Reads events from an answer's body.
///
/// It knows what the doubles send: lines ended by LF, the fields `event` and `data`.
pub struct Events {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Events {
    /// The events of `body`.
    pub fn new(body: Incoming) -> Self {
        Self { body, buffer: Vec::new() }
    }

    /// The next event, or `None` where the stream ends between two events.
    ///
    /// # Errors
    /// The transport's error, a stream that ends within an event, or an event above 1 MiB.
    pub async fn next(&mut self) -> io::Result<Option<Event>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let text = std::mem::replace(&mut self.buffer, rest);
                return Ok(Some(parse(&String::from_utf8_lossy(&text))));
            }
            if self.buffer.len() > MAX_EVENT {
                return Err(io::Error::other("an event is longer than 1 MiB"));
            }
            match self.body.frame().await {
                Some(frame) => {
                    let frame = frame.map_err(io::Error::other)?;
                    self.buffer.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// Every event up to the end of the stream.
    pub async fn rest(mut self) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok(events)
    }
}

fn parse(text: &str) -> Event {
    let field = |name: &'static str| {
        text.lines().filter_map(move |line| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(value.strip_prefix(' ').unwrap_or(value))
        })
    };
    Event {
        name: field("event").next_back().unwrap_or("message").to_owned(),
        data: field("data").collect::<Vec<_>>().join("\n"),
        arrived: unix_micros(),
    }
}
