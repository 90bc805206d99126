//! What arrives, and the first two steps of its road.

pub mod authority;
pub mod canonical;
pub mod headers;
pub mod target;
pub mod transport;

pub use canonical::Canonical;
pub use headers::Headers;

use std::net::SocketAddr;

/// How the request reached the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Over TLS.
    Https,
    /// In the clear.
    Http,
}

impl Scheme {
    /// `https` or `http`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// A request as the host hands it over: nothing in it has been judged.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// How it arrived.
    pub scheme: Scheme,
    /// The host's word for `:authority` or the `Host` field, where it keeps them apart from the
    /// header fields.
    pub authority: Option<String>,
    /// The request target: origin form (`/path?query`) or absolute form.
    pub target: String,
    /// The header fields in the order in which they arrived.
    pub headers: Headers,
    /// The address of the other end of the connection, where the host knows it.
    pub peer: Option<SocketAddr>,
    /// How many requests for the same host are in flight, this one among them, where the host of the gateway
    /// counts them.
    pub in_flight: Option<u32>,
    /// An unguessable identifier that the adapter made for this request. A trusted proxy's
    /// `X-Request-Id` takes its place.
    pub request_id: String,
    /// How many of all new traces are sampled, from 0 to 1, where the gateway records traces.
    pub trace_ratio: Option<f64>,
}
