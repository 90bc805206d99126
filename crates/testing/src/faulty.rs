//! An origin that fails as it is told. It speaks TCP and TLS by itself, because no HTTP library would write what it
//! writes.
//!
//! A request whose path ends in [`FAULT`] meets the fault. Every other one is answered soundly on the same
//! connection: with the `X-Tenant-Id` that it was asked with, and a body that names tenant and target, so that whoever
//! asked can see whether an answer is his.

mod connection;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};

use crate::server::Listen;

/// The end of a path that meets the fault.
pub const FAULT: &str = "/fault";

/// How an origin fails.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nobody listens.
    Refuse,
    /// From a connection's first moment on, before TLS and before a request.
    Connection(Vec<Step>),
    /// In place of an answer. Over HTTP/2 every request meets it, because the path is not looked for.
    Answer(Vec<Step>),
}

/// What it does, one after the other. After the last step the connection goes on as if nothing had been.
#[derive(Debug, Clone)]
pub enum Step {
    /// Writes bytes.
    Send(Vec<u8>),
    /// Writes the same bytes so many times.
    Repeat(Vec<u8>, u64),
    /// Writes one byte at a time, each after this time.
    Trickle(Vec<u8>, Duration),
    /// Lets time pass.
    Wait(Duration),
    /// Says nothing more, and keeps the connection until the other side ends it.
    Silence,
    /// Closes the connection.
    Close,
    /// Closes the connection below TLS, without TLS's own word that it ends.
    Cut,
    /// Resets the connection.
    Reset,
}

impl Step {
    /// Writes text.
    pub fn send(text: impl Into<String>) -> Self {
        Self::Send(text.into().into_bytes())
    }
}

/// A running origin; dropping it closes its port and its connections.
pub struct Faulty {
    addr: SocketAddr,
    scheme: &'static str,
    accept: Option<JoinHandle<()>>,
    open: Arc<AtomicUsize>,
    /// Bound and not listened on: connections are refused, and nobody else gets the port.
    _bound: Option<TcpSocket>,
}

impl Faulty {
    /// Starts listening, or for [`Fault::Refuse`] does not.
    ///
    /// # Errors
    /// The address can't be had.
    pub async fn start(listen: Listen, fault: Fault) -> io::Result<Self> {
        let scheme = if listen.tls.is_some() { "https" } else { "http" };
        if matches!(fault, Fault::Refuse) {
            let socket = TcpSocket::new_v4()?;
            socket.bind(listen.addr)?;
            let addr = socket.local_addr()?;
            let open = Arc::default();
            return Ok(Self { addr, scheme, accept: None, open, _bound: Some(socket) });
        }
        let listener = TcpListener::bind(listen.addr).await?;
        let addr = listener.local_addr()?;
        let open = Arc::new(AtomicUsize::new(0));
        let count = open.clone();
        let accept = tokio::spawn(async move {
            // Dropping the set ends every connection with the loop.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = connections.join_next() => {}
                    Ok((stream, _)) = listener.accept() => {
                        let serving = connection::serve(stream, listen.tls.clone(), fault.clone());
                        connections.spawn(serving);
                    }
                }
                count.store(connections.len(), Ordering::Relaxed);
            }
        });
        Ok(Self { addr, scheme, accept: Some(accept), open, _bound: None })
    }

    /// `http://127.0.0.1:port` or `https://localhost:port`, without a slash at the end.
    pub fn url(&self) -> String {
        match self.scheme {
            "https" => format!("https://localhost:{}", self.addr.port()),
            scheme => format!("{scheme}://{}", self.addr),
        }
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Some(accept) = &self.accept {
            accept.abort();
        }
    }
}
