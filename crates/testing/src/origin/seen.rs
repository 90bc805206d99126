//! What the origin remembers of a request, and of an answer nobody waited for.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Version};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::body::Body;
use crate::server::Peer;

/// Bytes of a request body that the log keeps.
pub const MAX_KEPT_BODY: usize = 64 * 1024;

/// A request as it reached the origin.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The request target byte for byte, as the HTTP library hands it over (a fragment, which RFC
    /// 9112 section 3.2 does not allow, is cut off by it). In HTTP/2, `:path`.
    pub target: String,
    /// `:authority` in HTTP/2; `None` in HTTP/1, where `Host` is among the headers.
    pub authority: Option<String>,
    /// The version of HTTP.
    pub version: Version,
    /// Header fields in the order of arrival, names in lower case; the values of a repeated name
    /// stand together at its first place.
    pub headers: Vec<(String, String)>,
    /// Bytes of body that were read.
    pub body_len: u64,
    /// The first [`MAX_KEPT_BODY`] of them.
    pub body: Vec<u8>,
    /// Trailer fields.
    pub trailers: Vec<(String, String)>,
    /// Whether the body was read to its end.
    pub complete: bool,
    /// The address the connection came from.
    pub peer: SocketAddr,
}

impl Seen {
    /// Every value of a header, by its lower-case name.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The value of a header that came exactly once.
    pub fn header(&self, name: &str) -> Option<&str> {
        match *self.header_values(name) {
            [only] => Some(only),
            _ => None,
        }
    }
}

type Entry = Arc<Mutex<Seen>>;

/// The origin's memory, bounded by number of requests.
pub(super) struct Log {
    limit: usize,
    entries: Mutex<VecDeque<Entry>>,
    served: AtomicU64,
    cancelled: AtomicU64,
}

impl Log {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: Mutex::default(),
            served: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
        }
    }

    pub(super) fn snapshot(&self) -> Vec<Seen> {
        lock(&self.entries).iter().map(|entry| lock(entry).clone()).collect()
    }

    pub(super) fn take(&self) -> Vec<Seen> {
        let taken = std::mem::take(&mut *lock(&self.entries));
        taken.iter().map(|entry| lock(entry).clone()).collect()
    }

    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn cancelled(&self) -> u64 {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Remembers the head and returns the body, which is remembered as it is read.
    pub(super) fn record(&self, request: Request<Incoming>, peer: Peer) -> (Seen, Upload) {
        let (head, body) = request.into_parts();
        let h2 = head.version == Version::HTTP_2;
        let target = match head.uri.path_and_query() {
            Some(path) if h2 || head.uri.scheme().is_none() => path.to_string(),
            _ => head.uri.to_string(),
        };
        let seen = Seen {
            method: head.method.to_string(),
            target,
            authority: head.uri.authority().filter(|_| h2).map(ToString::to_string),
            version: head.version,
            headers: pairs(&head.headers),
            body_len: 0,
            body: Vec::new(),
            trailers: Vec::new(),
            complete: false,
            peer: peer.addr,
        };
        let entry = Arc::new(Mutex::new(seen.clone()));
        let mut entries = lock(&self.entries);
        entries.push_back(entry.clone());
        while entries.len() > self.limit {
            entries.pop_front();
        }
        self.served.fetch_add(1, Ordering::Relaxed);
        (seen, Upload { body, entry })
    }
}

/// A request body that is remembered while it is read.
pub(super) struct Upload {
    body: Incoming,
    entry: Entry,
}

impl Upload {
    /// The next piece of data, or `None` at the end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let mut seen = lock(&self.entry);
            match frame.map_err(io::Error::other)?.into_data() {
                Ok(data) => {
                    seen.body_len += data.len() as u64;
                    let room = MAX_KEPT_BODY.saturating_sub(seen.body.len());
                    seen.body.extend(data.iter().take(room));
                    return Ok(Some(data));
                }
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        seen.trailers = pairs(&trailers);
                    }
                }
            }
        }
        lock(&self.entry).complete = true;
        Ok(None)
    }

    /// Reads to the end and returns what the log keeps of the body.
    pub(super) async fn drain(&mut self) -> io::Result<Vec<u8>> {
        while self.next().await?.is_some() {}
        Ok(lock(&self.entry).body.clone())
    }
}

/// Header values are bytes; what is not UTF-8 is shown with replacement characters.
fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// Counts the answer as cancelled unless it is finished before it is dropped.
pub(super) struct Pending(Option<Arc<Log>>);

impl Pending {
    pub(super) fn new(log: Arc<Log>) -> Self {
        Self(Some(log))
    }

    /// The client got, or is owed, no more than it has.
    pub(super) fn finish(&mut self) {
        self.0 = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(log) = &self.0 {
            log.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An answer's body that knows whether it was taken to its end.
pub(super) struct Watched {
    body: Body,
    pending: Pending,
}

impl Watched {
    pub(super) fn new(body: Body, mut pending: Pending) -> Self {
        if http_body::Body::is_end_stream(&body) {
            pending.finish();
        }
        Self { body, pending }
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        // An error is the double's own doing (`/broken`), not the client's.
        let over = matches!(polled, Poll::Ready(None | Some(Err(_))));
        if over || (polled.is_ready() && self.body.is_end_stream()) {
            self.pending.finish();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A poisoned lock means that another test's thread panicked; the log is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
