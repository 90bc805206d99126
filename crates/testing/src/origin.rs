//! The assistant service behind the gateway, as a double that remembers what reached it.
//!
//! A route is recognised by the end of the path, so the double works below any prefix:
//!
//! | route | answer |
//! | --- | --- |
//! | `GET …/api/assistants` | three assistants, `a1` to `a3` |
//! | `POST …/chat?events=&interval_ms=` | server-sent events where `Accept` asks for them, else JSON |
//! | `…/echo` | the request as JSON |
//! | `…/upload` | `{bytes, sha256}` of a body that is never held |
//! | `…/download?bytes=N&chunked=1` | [`Pattern`](crate::pattern::Pattern), with a length unless `chunked` |
//! | `…/status/{code}?early=1` | that status; `early` answers before the body is read |
//! | `…/slow?ms=N` | 200 after a wait |
//! | `…/reset` | none: the connection closes |
//! | `…/broken?bytes=N` | half of the declared `N` bytes, then the connection closes |
//! | `…/no-echo`, `…/wrong-tenant` | 200 without `X-Tenant-Id`, or with that of `another-tenant` |
//! | `…/cookies` | a host-only cookie and one for `Domain=localhost` |
//! | `…/redirect?to=` | 302 to the rest of the query, undecoded |
//! | `…/internal-headers` | headers that must not leave the gateway |
//! | `…/admin/users` | a list of users |
//! | `…/desk` | a page whose script asks as front ends do (`desk.html`) |
//! | `…/healthz` | 200 `ok` |
//!
//! Every other answer carries the request's `X-Tenant-Id` back, as a well-behaved origin does.

mod chat;
mod routes;
mod seen;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

pub use seen::{MAX_KEPT_BODY, Seen};

use tokio::sync::Semaphore;

use crate::server::{Listen, Server};
use seen::Log;

/// How the origin runs.
#[derive(Debug, Clone)]
pub struct OriginOptions {
    /// Where it listens.
    pub listen: Listen,
    /// How many requests the log keeps; the oldest go first. Each costs at most its head and
    /// [`MAX_KEPT_BODY`].
    pub log_limit: usize,
    /// How many requests it works on at once; the others wait for their turn.
    pub capacity: usize,
}

impl Default for OriginOptions {
    fn default() -> Self {
        Self { listen: Listen::default(), log_limit: 1024, capacity: Semaphore::MAX_PERMITS }
    }
}

impl From<Listen> for OriginOptions {
    fn from(listen: Listen) -> Self {
        Self { listen, ..Self::default() }
    }
}

/// A running origin; dropping it closes its port and its connections.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use sekisho_testing::origin::{Origin, OriginOptions};
/// let mut origin = Origin::start(OriginOptions::default()).await?;
/// assert!(origin.url().starts_with("http://127.0.0.1:"));
/// assert!(origin.requests().is_empty());
/// origin.stop().await;
/// # Ok(())
/// # }
/// ```
pub struct Origin {
    server: Server,
    log: Arc<Log>,
}

impl Origin {
    /// Starts listening.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn start(options: OriginOptions) -> io::Result<Self> {
        let log = Arc::new(Log::new(options.log_limit));
        let shared = log.clone();
        let turns = Arc::new(Semaphore::new(options.capacity));
        let handler =
            move |request, peer| routes::answer(shared.clone(), turns.clone(), request, peer);
        Ok(Self { server: Server::start(options.listen, handler).await?, log })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:port` or `https://…`, without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What arrived so far, oldest first. A request shows as soon as its head was read.
    pub fn requests(&self) -> Vec<Seen> {
        self.log.snapshot()
    }

    /// The same, and forgets it.
    pub fn take_requests(&self) -> Vec<Seen> {
        self.log.take()
    }

    /// How many requests arrived since the start, also those the log no longer holds.
    pub fn served(&self) -> u64 {
        self.log.served()
    }

    /// How many connections were accepted since the start.
    pub fn connections(&self) -> u64 {
        self.server.connections()
    }

    /// How many answers were given up because the client went away before their end.
    ///
    /// An answer counts once its connection is known to be closed, shortly after the fact.
    pub fn cancelled(&self) -> u64 {
        self.log.cancelled()
    }

    /// Closes the port and every connection; from then on a connection is refused.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }
}
