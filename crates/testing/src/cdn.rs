//! The proxy in front of the gateway: it ends the client's TLS and says whom it speaks for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::body::{self, Body};
use crate::client::Client;
use crate::server::{Listen, Peer, Server};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How the CDN runs.
#[derive(Debug, Clone)]
pub struct CdnOptions {
    /// Where it listens.
    pub listen: Listen,
    /// How it reaches the gateway. The name of the gateway's certificate is the request's host.
    pub gateway: Client,
    /// The client address to report instead of the real one.
    pub client_addr: Option<IpAddr>,
}

/// A running CDN; dropping it closes its port and its connections.
///
/// It appends the client's address to `X-Forwarded-For`, sets `X-Forwarded-Proto`, streams both
/// ways, and opens one connection to the gateway for each request. An unreachable gateway is 502.
pub struct Cdn {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    gateway: Client,
    client_addr: Mutex<Option<IpAddr>>,
}

impl Cdn {
    /// Starts listening.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn start(options: CdnOptions) -> io::Result<Self> {
        let client_addr = Mutex::new(options.client_addr);
        let shared = Arc::new(Shared { gateway: options.gateway, client_addr });
        let proxy = shared.clone();
        let handler = move |request, peer| {
            let proxy = proxy.clone();
            async move { Ok(forward(&proxy, request, peer).await) }
        };
        Ok(Self { server: Server::start(options.listen, handler).await?, shared })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:port` or `https://…`, without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// From now on reports this client address, or the real one.
    pub fn report_client(&self, addr: Option<IpAddr>) {
        *self.shared.client_addr.lock().unwrap_or_else(PoisonError::into_inner) = addr;
    }

    /// Closes the port and every connection.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }
}

async fn forward(shared: &Shared, request: Request<Incoming>, peer: Peer) -> Response<Body> {
    let fake = *shared.client_addr.lock().unwrap_or_else(PoisonError::into_inner);
    let client = fake.unwrap_or_else(|| peer.addr.ip());
    let answer = match outgoing(request, client, peer.tls) {
        Ok(request) => shared.gateway.send(request).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => {
            let (mut head, body) = answer.into_parts();
            remove_hop_by_hop(&mut head.headers);
            head.version = Version::HTTP_11;
            Response::from_parts(head, body.map_err(io::Error::other).boxed_unsync())
        }
        Err(error) => {
            let mut response = Response::new(body::full(format!("cdn: {error}\n")));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

fn outgoing(request: Request<Incoming>, client: IpAddr, tls: bool) -> io::Result<Request<Body>> {
    let (mut head, body) = request.into_parts();
    let host = match head.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).map_err(io::Error::other)?,
        None => head.headers.get(HOST).cloned().unwrap_or(HeaderValue::from_static("localhost")),
    };
    let authority = host.to_str().map_err(io::Error::other)?;
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let uri = format!("https://{authority}{path}").parse().map_err(io::Error::other)?;
    head.uri = uri;
    head.version = Version::HTTP_11;

    remove_hop_by_hop(&mut head.headers);
    // One name for the host: the client sets `Host` again from the URI.
    head.headers.remove(HOST);
    let before = head.headers.get_all(&X_FORWARDED_FOR).iter();
    let mut chain: Vec<_> = before.map(|line| line.as_bytes().to_vec()).collect();
    chain.push(client.to_string().into_bytes());
    let chain = HeaderValue::from_bytes(&chain.join(b", ".as_slice())).map_err(io::Error::other)?;
    head.headers.insert(X_FORWARDED_FOR, chain);
    let proto = HeaderValue::from_static(if tls { "https" } else { "http" });
    head.headers.insert(X_FORWARDED_PROTO, proto);
    Ok(Request::from_parts(head, body.map_err(io::Error::other).boxed_unsync()))
}

/// Fields that belong to one connection (RFC 9110 section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = ["keep-alive", "proxy-connection"].map(HeaderName::from_static);
    for name in named.into_iter().chain(always).chain([CONNECTION, TE, TRANSFER_ENCODING, UPGRADE])
    {
        headers.remove(name);
    }
}
