//! Connections to origins: name, TCP, TLS.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use http::Uri;
use http::uri::Authority;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::bare_host;
use crate::observe::{Destination, Event, Observed};
use crate::{HostError, OriginTls, tls};

/// How long one address is tried before the next is tried beside it (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the name does not resolve")]
    Name(#[source] io::Error),
    #[error("no connection")]
    Tcp(#[source] io::Error),
    #[error("the host is no server name")]
    ServerName,
    #[error("TLS failed")]
    Tls(#[source] io::Error),
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
    /// Where to, whatever the request is addressed to.
    to: Option<Authority>,
    observed: Observed,
}

impl Connector {
    /// Trusts the system's roots and those given.
    pub(super) fn new(trust: &OriginTls, observed: &Observed) -> Result<Self, HostError> {
        let mut roots = RootCertStore::empty();
        // A system without roots is no error: only requests over TLS then fail, each with its own message.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &trust.ca {
            for certificate in tls::read_certificates(path)? {
                roots.add(certificate).map_err(|error| {
                    HostError::new(format!(
                        "{} is no certificate authority: {error}",
                        path.display()
                    ))
                })?;
            }
        }
        let config = ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(tls::VERSIONS)
            .map_err(|error| HostError::new(format!("cannot set up TLS: {error}")))?
            .with_root_certificates(roots);
        let mut config = match &trust.identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => config
                .with_client_auth_cert(tls::read_certificates(certificate)?, tls::read_key(key)?)
                .map_err(|error| {
                    HostError::new(format!(
                        "the certificate {} and the key {} cannot be used together: {error}",
                        certificate.display(),
                        key.display()
                    ))
                })?,
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), to: None, observed: observed.clone() })
    }

    /// One that connects to this place alone.
    pub(super) fn to(&self, to: Authority) -> Self {
        Self { to: Some(to), ..self.clone() }
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Transport;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Transport, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { tls, to, observed } = self.clone();
        Box::pin(async move {
            let https = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
            let authority = to.as_ref().or(uri.authority()).ok_or(ConnectError::ServerName)?;
            let host = bare_host(authority);
            let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
            let began = Instant::now();
            let connected = connect(tls, https, host, port).await;
            let (to, took) = (Destination { https, host, port }, began.elapsed());
            observed.tell(&Event::Connected { to, ok: connected.is_ok(), took });
            connected
        })
    }
}

async fn connect(
    tls: TlsConnector,
    https: bool,
    host: &str,
    port: u16,
) -> Result<Transport, ConnectError> {
    let addresses = resolve(host, port).await.map_err(ConnectError::Name)?;
    let stream = race(addresses).await.map_err(ConnectError::Tcp)?;
    stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
    if !https {
        return Ok(Transport { io: TokioIo::new(Box::new(stream)), h2: false });
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::ServerName)?;
    let stream = tls.connect(name, stream).await.map_err(ConnectError::Tls)?;
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Transport { io: TokioIo::new(Box::new(stream)), h2 })
}

/// The addresses of a name. Names below `localhost` are the loopback interface, whatever a resolver says (RFC 6761,
/// section 6.3).
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.to_ascii_lowercase();
    if host == "localhost" || host.ends_with(".localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// The first address that answers, each started a moment after the one before or as soon as that fails.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::other("the name has no address");
    loop {
        match addresses.next() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        let patience = async {
            if addresses.len() == 0 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(NEXT_ADDRESS).await;
        };
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = patience => {}
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, with or without TLS.
pub(super) struct Transport {
    io: TokioIo<Box<dyn Stream>>,
    h2: bool,
}

impl Connection for Transport {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.h2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
