//! A WASI request as core's request: copied, not judged.

use sekisho_core::{Headers, Request, Scheme};
use std::fmt::Write as _;
use std::net::SocketAddr;
use wasip3::http::types::{self, Method};
use wasip3::random::random::get_random_bytes;

/// Reads the head of a request.
pub(crate) fn read(incoming: &types::Request) -> Request {
    let headers = Headers::new(incoming.get_headers().copy_all());
    Request {
        method: method_name(incoming.get_method()),
        // What the host does not call HTTPS is not HTTPS.
        scheme: match incoming.get_scheme() {
            Some(types::Scheme::Https) => Scheme::Https,
            _ => Scheme::Http,
        },
        authority: incoming.get_authority(),
        target: incoming.get_path_with_query().unwrap_or_else(|| "/".to_owned()),
        peer: peer(&headers),
        in_flight: in_flight(&headers),
        request_id: request_id(),
        trace_ratio: trace_ratio(),
        headers,
    }
}

/// The peer's address, from the header that the host sets itself. Spin replaces whatever a client
/// wrote in `spin-client-addr`. A host without such a promise gives no peer address, unless its
/// operator names the header in `SEKISHO_PEER_ADDRESS_HEADER`.
fn peer(headers: &Headers) -> Option<SocketAddr> {
    #[cfg(feature = "spin")]
    let name = "spin-client-addr";
    #[cfg(not(feature = "spin"))]
    let name = &std::env::var("SEKISHO_PEER_ADDRESS_HEADER").ok()?.to_ascii_lowercase();

    let mut values = headers.values(name);
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// How many requests for the same host are in flight, from a header that the host may set. Where it does not, it
/// is the client's own word, which can refuse nobody but himself.
fn in_flight(headers: &Headers) -> Option<u32> {
    headers.text("sekisho-in-flight")?.parse().ok()
}

/// The share of new traces that are sampled, by whoever runs the gateway and records its spans. What is no such number
/// samples none.
fn trace_ratio() -> Option<f64> {
    let ratio = std::env::var("SEKISHO_TRACE_RATIO").ok()?;
    Some(ratio.parse().unwrap_or(0.0))
}

/// 128 random bits.
fn request_id() -> String {
    get_random_bytes(16).into_iter().fold(String::with_capacity(32), |mut id, byte| {
        // Writing to a String can't fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

fn method_name(method: Method) -> String {
    match method {
        Method::Get => "GET".into(),
        Method::Head => "HEAD".into(),
        Method::Post => "POST".into(),
        Method::Put => "PUT".into(),
        Method::Delete => "DELETE".into(),
        Method::Connect => "CONNECT".into(),
        Method::Options => "OPTIONS".into(),
        Method::Trace => "TRACE".into(),
        Method::Patch => "PATCH".into(),
        Method::Other(name) => name,
    }
}
