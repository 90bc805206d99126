//! The process's connections to origins: those that anybody's requests may share, and those of one wish each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::RequestBody;
use super::connect::Connector;
use super::wishes::Wishes;
use crate::observe::Observed;
use crate::{HostError, Limits, OriginTls};

/// How long an unused connection is kept; servers commonly close theirs after a minute.
const IDLE: Duration = Duration::from_secs(30);
/// HTTP/2 flow control windows, in bytes: what one connection may have in flight towards this process.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const STREAM_WINDOW: u32 = 256 * 1024;
/// Bytes of a request body that may wait in one HTTP/2 stream, and of an HTTP/1.1 connection's buffers.
const BUFFER: usize = 64 * 1024;
/// How many wishes have connections that are kept; beyond that the longest unused ones close theirs.
const APART: usize = 1024;

/// Connections that may carry each other's requests.
pub(super) type Pool = Arc<Client<Connector, RequestBody>>;

/// The process's connections to origins.
pub(crate) struct Pools {
    connector: Connector,
    builder: Builder,
    shared: Pool,
    apart: Mutex<Apart>,
}

#[derive(Default)]
struct Apart {
    pools: HashMap<Wishes, (Pool, u64)>,
    /// Counts uses, so that the longest unused is the least.
    uses: u64,
}

impl Pools {
    pub(crate) fn new(
        limits: &Limits,
        tls: &OriginTls,
        observed: &Observed,
    ) -> Result<Self, HostError> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(limits.idle_per_origin)
            // Only a request of which no byte was written is tried again, on a fresh connection: hyper hands the
            // request back when the pooled connection had closed before it was taken up.
            .retry_canceled_requests(true)
            .http1_max_buf_size(BUFFER)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_max_send_buf_size(BUFFER)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(10));
        let connector = Connector::new(tls, observed)?;
        let shared = Arc::new(builder.build(connector.clone()));
        Ok(Self { connector, builder, shared, apart: Mutex::default() })
    }

    /// The connections that may carry a request of these wishes.
    pub(super) fn of(&self, wishes: Wishes) -> Pool {
        if wishes.are_none() {
            return Arc::clone(&self.shared);
        }
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        let Apart { pools, uses } = &mut *apart;
        *uses += 1;
        if let Some((pool, used)) = pools.get_mut(&wishes) {
            *used = *uses;
            return Arc::clone(pool);
        }
        if pools.len() >= APART {
            let unused = pools.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(unused) = unused.map(|(wishes, _)| wishes.clone()) {
                pools.remove(&unused);
            }
        }
        let connector = match &wishes.to {
            Some(to) => self.connector.to(to.clone()),
            None => self.connector.clone(),
        };
        let pool = Arc::new(self.builder.build(connector));
        pools.insert(wishes, (Arc::clone(&pool), *uses));
        pool
    }
}
