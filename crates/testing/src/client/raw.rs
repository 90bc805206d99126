//! Exact bytes over a socket, for requests that no HTTP library would send.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

const MAX_ANSWER: usize = 1 << 20;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A socket, with TLS or without; see [`super::Client::raw`].
pub struct RawClient {
    stream: Box<dyn Stream>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Every byte, at most 1 MiB.
    pub bytes: Vec<u8>,
    /// Whether the server closed or reset the connection; else the answer was complete, or time
    /// ran out.
    pub closed: bool,
}

impl Answer {
    /// The status code of an HTTP/1 answer; `None` where the bytes are no such thing.
    pub fn status(&self) -> Option<u16> {
        let line = self.bytes.split(|byte| *byte == b'\r').next()?;
        let line = std::str::from_utf8(line).ok()?;
        line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
    }

    /// The bytes as text, with replacement characters for what is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl RawClient {
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self { stream: Box::new(stream) }
    }

    /// Writes exactly these bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Closes the sending side.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads one HTTP/1 answer: until it is complete by its own framing, the server closes, 1 MiB
    /// is read, or `within` has passed. Bytes that no HTTP/1 answer starts with are read until one
    /// of the latter three.
    pub async fn read(&mut self, within: Duration) -> Answer {
        let deadline = Instant::now() + within;
        let mut bytes = Vec::new();
        let mut closed = false;
        while bytes.len() < MAX_ANSWER && !is_complete(&bytes) {
            match timeout_at(deadline, self.stream.read_buf(&mut bytes)).await {
                Ok(Ok(1..)) => {}
                Ok(Ok(0) | Err(_)) => {
                    closed = true;
                    break;
                }
                Err(_) => break,
            }
        }
        Answer { bytes, closed }
    }

    /// Writes `bytes` and reads the answer. A server that closes before it has read them all is
    /// not an error: what it answered is returned.
    pub async fn exchange(&mut self, bytes: &[u8], within: Duration) -> Answer {
        let written = tokio::time::timeout(within, self.write(bytes)).await;
        let mut answer = self.read(within).await;
        answer.closed |= matches!(written, Ok(Err(_)));
        answer
    }
}

/// Whether the bytes hold a whole HTTP/1 answer (RFC 9112 section 6.3); an interim answer (1xx)
/// counts as one.
fn is_complete(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let (head, body) = bytes.split_at(end + 4);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let Some(status) = head.strip_prefix("http/1.").and_then(|rest| rest.split(' ').nth(1)) else {
        return false;
    };
    if status.starts_with('1') || status == "204" || status == "304" {
        return true;
    }
    let field = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    if field("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked")) {
        return body.starts_with(b"0\r\n\r\n") || body.ends_with(b"\r\n0\r\n\r\n");
    }
    field("content-length")
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| body.len() >= length)
}
