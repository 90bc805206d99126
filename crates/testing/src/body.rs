//! The one body type that the doubles and the client send, and how to make one.

use std::io;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};

pub use http_body_util::channel::{Channel, Sender};

/// A message body as it is sent: streamed frames, or an error that cuts the message off.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// No body.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body held in memory, sent with its length.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that a test writes piece by piece while the exchange runs, of unknown length.
///
/// The sender waits when `buffer` pieces (at least 1) are in flight. Dropping the sender ends the
/// body; [`Sender::abort`] cuts it off.
pub fn channel(buffer: usize) -> (Sender<Bytes, io::Error>, Body) {
    let (sender, body) = Channel::new(buffer.max(1));
    (sender, body.boxed_unsync())
}

/// Reads a whole body into memory.
///
/// # Errors
/// The transport's error, or one that says the body is longer than `limit` bytes.
pub async fn read<B>(body: B, limit: usize) -> io::Result<Bytes>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Ok(Limited::new(body, limit).collect().await.map_err(io::Error::other)?.to_bytes())
}
