//! Named bounds on untrusted work.

use std::time::Duration;

/// Bounds of one host.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub instance_memory: usize,
    /// How long an instance may compute without returning to the host.
    pub compute: Duration,
    /// Requests in progress over all listeners; more are answered 503 at once.
    pub requests: usize,
    /// Requests in progress of one client address (IPv6: of one /64); more are answered 503 at once. Behind a proxy
    /// all clients have the proxy's address.
    pub requests_per_peer: usize,
    /// Open connections over all listeners; more are closed as they come.
    pub connections: usize,
    /// Requests one instance serves in its life.
    pub instance_requests: usize,
    /// Requests one instance works on at a time.
    pub instance_concurrency: usize,
    /// How long an instance without work is kept.
    pub instance_idle: Duration,
    /// How many components a chained request may pass through.
    pub chain_depth: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for a request head, from its first byte.
    pub head_read: Duration,
    /// How long a connection without a request is kept.
    pub keep_alive: Duration,
    /// How long a client may be waited for in all while it sends a request's body, however little it sends.
    pub upload_grace: Duration,
    /// Bytes a second a request's body must bring beyond that time, on average over the time spent waiting for it.
    pub upload_rate: u32,
    /// How long an answer may wait for its client to take more of it, before the connection is cut.
    pub write_stall: Duration,
    /// Size of a request head, in bytes.
    pub head_size: usize,
    /// Header fields of a request.
    pub head_fields: usize,
    /// Streams of one HTTP/2 connection.
    pub h2_streams: u32,
    /// Idle connections kept per origin.
    pub idle_per_origin: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instance_memory: 128 * 1024 * 1024,
            compute: Duration::from_secs(10),
            requests: 1024,
            requests_per_peer: 256,
            connections: 10_000,
            instance_requests: 2048,
            instance_concurrency: 16,
            instance_idle: Duration::from_secs(1),
            chain_depth: 8,
            handshake: Duration::from_secs(10),
            head_read: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            upload_grace: Duration::from_secs(30),
            upload_rate: 256,
            write_stall: Duration::from_secs(30),
            head_size: 32 * 1024,
            head_fields: 100,
            h2_streams: 128,
            idle_per_origin: 32,
        }
    }
}
