//! A client that says exactly what it is told.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use sekisho_host::{Body, Host};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) type AnyBody = BoxBody<Bytes, std::io::Error>;

pub(crate) fn empty() -> AnyBody {
    Empty::new().map_err(|never| match never {}).boxed()
}

pub(crate) async fn tls(
    addr: SocketAddr,
    ca: &Path,
    name: &str,
    alpn: &str,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(addr).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

pub(crate) async fn h1(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
) -> http1::SendRequest<AnyBody> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) async fn h2(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
) -> http2::SendRequest<AnyBody> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// A GET over a fresh plain connection.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut sender = h1(TcpStream::connect(addr).await.unwrap()).await;
    let request = Request::get(path).header("host", "acme.localhost").body(empty()).unwrap();
    collect(sender.send_request(request).await.unwrap()).await
}

pub(crate) async fn collect(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A GET without a socket.
pub(crate) async fn call(host: &Host, path: &str) -> Response<Body> {
    let request =
        Request::get(path).header("host", "acme.localhost").body(Empty::<Bytes>::new()).unwrap();
    host.call(request, "203.0.113.9:50211".parse().unwrap(), true).await
}

/// Status and body of a GET without a socket.
pub(crate) async fn call_text(host: &Host, path: &str) -> (u16, String) {
    let response = call(host, path).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
