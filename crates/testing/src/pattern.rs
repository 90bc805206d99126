//! Long bodies with a known digest that cost one block of memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

const BLOCK: u64 = 64 * 1024;

/// A body of exactly `total` bytes that are the same in every run.
///
/// Each 64 KiB block starts with its own number, so a block lost, doubled or moved changes the
/// digest. A block is made when the connection asks for it: backpressure holds the memory down.
#[derive(Debug, Clone)]
pub struct Pattern {
    sent: u64,
    total: u64,
}

impl Pattern {
    /// A body of `total` bytes.
    pub fn new(total: u64) -> Self {
        Self { sent: 0, total }
    }

    /// Lower-case hexadecimal SHA-256 of the first `total` bytes.
    pub fn sha256(total: u64) -> String {
        let mut digest = Sha256::new();
        for piece in Self::new(total) {
            digest.update(&piece);
        }
        digest.finish()
    }
}

impl Iterator for Pattern {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let left = self.total.checked_sub(self.sent).filter(|left| *left > 0)?;
        let index = self.sent / BLOCK;
        let mut block = Vec::with_capacity(usize::try_from(BLOCK).unwrap_or(0));
        block.extend_from_slice(&index.to_le_bytes());
        block.resize(usize::try_from(BLOCK.min(left)).unwrap_or(0), index.to_le_bytes()[0] ^ 0x5a);
        self.sent += block.len() as u64;
        Some(Bytes::from(block))
    }
}

impl http_body::Body for Pattern {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent >= self.total
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.total.saturating_sub(self.sent))
    }
}

/// A running SHA-256 (FIPS 180-4).
pub struct Sha256(ring::digest::Context);

impl Sha256 {
    /// A digest of nothing yet.
    #[expect(clippy::new_without_default, reason = "a digest that starts by default reads oddly")]
    pub fn new() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in lower-case hexadecimal.
    pub fn finish(self) -> String {
        use std::fmt::Write;
        self.0.finish().as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
