//! A small real HTTP client whose every choice a test can make: protocol, trust, address, source.

mod events;
mod raw;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub use events::{Event, Events};
pub use raw::{Answer, RawClient};

use crate::body::Body;
use crate::pki;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The version a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    H1,
    /// HTTP/2; without TLS, by prior knowledge.
    H2,
}

/// How to reach one server, whatever name the request calls it by.
///
/// ```no_run
/// # async fn example(ca_pem: &str) -> std::io::Result<()> {
/// use sekisho_testing::{body, client::{Client, Protocol}};
/// let client = Client::plain(([127, 0, 0, 1], 3443).into()).trusting(ca_pem)?.speaking(Protocol::H2);
/// let request = http::Request::get("https://acme.localhost/api/assistants");
/// let answer = client.send(request.body(body::empty()).map_err(std::io::Error::other)?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    to: SocketAddr,
    from: Option<IpAddr>,
    protocol: Protocol,
    ca_pem: Option<Arc<str>>,
}

impl Client {
    /// HTTP/1.1 without TLS to `to`.
    pub fn plain(to: SocketAddr) -> Self {
        Self { to, from: None, protocol: Protocol::H1, ca_pem: None }
    }

    /// The same over TLS, trusting the certificates of `ca_pem` alone.
    ///
    /// # Errors
    /// The PEM holds no usable certificate.
    pub fn trusting(mut self, ca_pem: &str) -> io::Result<Self> {
        pki::client_config(ca_pem, &[])?;
        self.ca_pem = Some(ca_pem.into());
        Ok(self)
    }

    /// The same in another version of HTTP; over TLS it is the only one offered by ALPN.
    #[must_use]
    pub fn speaking(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// The same from a local address, such as `127.0.0.2`.
    #[must_use]
    pub fn binding(mut self, source: IpAddr) -> Self {
        self.from = Some(source);
        self
    }

    /// Sends one request on its own connection and returns the answer's head with its body still
    /// to be read. The request's URI names the host: it is the TLS server name, and in HTTP/1.1
    /// `Host` is set from it unless the request sets its own.
    ///
    /// # Errors
    /// No connection, no trust, or no well-formed answer.
    pub async fn send(&self, request: Request<Body>) -> io::Result<Response<Incoming>> {
        let host = request.uri().host().unwrap_or("localhost").to_owned();
        self.connect(&host).await?.send(request).await
    }

    /// Opens a connection to be used for several requests.
    pub async fn connect(&self, host: &str) -> io::Result<Connection> {
        let open = async {
            let tcp = self.tcp().await?;
            match self.tls_config()? {
                None => handshake(tcp, self.protocol).await,
                Some(config) => handshake(tls(tcp, config, host).await?, self.protocol).await,
            }
        };
        // A TLS session is kilobytes of state, which callers' futures should not have to carry.
        Box::pin(open).await
    }

    /// Opens a socket for exact bytes, with the same address, source, trust and ALPN.
    pub async fn raw(&self, host: &str) -> io::Result<RawClient> {
        let tcp = self.tcp().await?;
        Ok(match self.tls_config()? {
            None => RawClient::new(tcp),
            Some(config) => RawClient::new(tls(tcp, config, host).await?),
        })
    }

    async fn tcp(&self) -> io::Result<TcpStream> {
        let socket = if self.to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(source) = self.from {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let named =
            |e: io::Error| io::Error::new(e.kind(), format!("cannot reach {}: {e}", self.to));
        let stream = bounded(socket.connect(self.to)).await.map_err(named)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn tls_config(&self) -> io::Result<Option<Arc<ClientConfig>>> {
        let alpn = match self.protocol {
            Protocol::H1 => pki::HTTP_1_1,
            Protocol::H2 => pki::H2,
        };
        self.ca_pem.as_deref().map(|pem| pki::client_config(pem, &[alpn])).transpose()
    }
}

async fn bounded<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(CONNECT_TIMEOUT, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn tls(
    tcp: TcpStream,
    config: Arc<ClientConfig>,
    host: &str,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    bounded(TlsConnector::from(config).connect(name, tcp)).await
}

async fn handshake<S>(stream: S, protocol: Protocol) -> io::Result<Connection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let tasks = Tasks::default();
    let (sender, driver) = match protocol {
        Protocol::H1 => {
            let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
            (Sender::H1(sender), drive(connection))
        }
        Protocol::H2 => {
            let (sender, connection) =
                http2::handshake(tasks.clone(), io).await.map_err(io::Error::other)?;
            (Sender::H2(sender), drive(connection))
        }
    };
    Ok(Connection { sender, driver, tasks })
}

/// The connection's own failure reaches the test through the exchange it interrupts.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        let _ = connection.await;
    })
}

/// Remembers the tasks of an HTTP/2 connection: one of them, not the driver, owns the socket.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(task).abort_handle());
    }
}

impl Tasks {
    fn abort(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(AbortHandle::abort);
    }
}

enum Sender {
    H1(http1::SendRequest<Body>),
    H2(http2::SendRequest<Body>),
}

/// An open connection. It lives on after it is dropped as long as an answer's body is being read.
pub struct Connection {
    sender: Sender,
    driver: JoinHandle<()>,
    tasks: Tasks,
}

impl Connection {
    /// Sends a request when the connection is ready for one; see [`Client::send`].
    pub async fn send(&mut self, mut request: Request<Body>) -> io::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::H1(sender) => {
                to_origin_form(&mut request)?;
                sender.ready().await.map_err(io::Error::other)?;
                sender.send_request(request).await.map_err(io::Error::other)
            }
            Sender::H2(sender) => {
                sender.ready().await.map_err(io::Error::other)?;
                sender.send_request(request).await.map_err(io::Error::other)
            }
        }
    }

    /// Whether the server closed the connection.
    pub fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Closes the socket at once, in the middle of whatever it carries.
    pub fn abort(self) {
        self.driver.abort();
        self.tasks.abort();
    }
}

/// A server is sent the path alone, with `Host` (RFC 9112 section 3.2.1).
fn to_origin_form(request: &mut Request<Body>) -> io::Result<()> {
    let Some(authority) = request.uri().authority() else {
        return Ok(());
    };
    let host = http::HeaderValue::from_str(authority.as_str()).map_err(io::Error::other)?;
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let origin_form = path.parse().map_err(io::Error::other)?;
    request.headers_mut().entry(http::header::HOST).or_insert(host);
    *request.uri_mut() = origin_form;
    Ok(())
}
