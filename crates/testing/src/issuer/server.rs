//! The issuer's discovery document and key set over HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::json;

use super::{Issuer, SigningKey};
use crate::body::{self, Body};
use crate::server::{self, Listen, Server};

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    #[default]
    Up,
    /// 503 to everything.
    Down,
    /// 200 with bytes that are no JSON.
    Garbage,
    /// 200 with the right document, and blanks up to 200 KiB.
    Large,
    /// 302 to the right document at another path.
    Redirect,
    /// The right document after a second.
    Slow,
    /// No answer.
    Silent,
}

/// A running issuer; dropping it closes its port and its connections.
///
/// It serves `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 section 4) and
/// `/jwks.json`.
pub struct IssuerServer {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// `None` until the port, and so the issuer's name, is known.
    issuer: Mutex<Option<Issuer>>,
    mode: Mutex<Mode>,
    discovery_requests: AtomicU64,
    jwks_requests: AtomicU64,
    redirected_requests: AtomicU64,
}

impl IssuerServer {
    /// Starts listening; the issuer's name is the server's URL.
    ///
    /// # Errors
    /// The address can't be listened on.
    pub async fn start(listen: Listen, keys: Vec<SigningKey>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let answering = shared.clone();
        let handler = move |request: http::Request<hyper::body::Incoming>, _| {
            let answering = answering.clone();
            async move {
                let response = answering.answer(request.uri().path());
                match answering.mode() {
                    Mode::Slow => tokio::time::sleep(Duration::from_secs(1)).await,
                    Mode::Silent => std::future::pending().await,
                    _ => {}
                }
                Ok(response)
            }
        };
        let server = Server::start(listen, handler).await?;
        let issuer = Issuer::new(server.url(), keys);
        *shared.issuer.lock().unwrap_or_else(PoisonError::into_inner) = Some(issuer);
        Ok(Self { server, shared })
    }

    /// The issuer as it is now: its URL and its keys.
    pub fn issuer(&self) -> Issuer {
        self.shared.issuer().unwrap_or_else(|| Issuer::new(self.url(), Vec::new()))
    }

    /// The issuer's name, `http://127.0.0.1:port` or `https://…`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Serves these keys from now on.
    pub fn rotate(&self, keys: Vec<SigningKey>) {
        let issuer = Issuer::new(self.url(), keys);
        *self.shared.issuer.lock().unwrap_or_else(PoisonError::into_inner) = Some(issuer);
    }

    /// Behaves like this from now on.
    pub fn set_mode(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// Requests for the discovery document since the start, in any mode.
    pub fn discovery_requests(&self) -> u64 {
        self.shared.discovery_requests.load(Ordering::Relaxed)
    }

    /// Requests for the key set since the start, in any mode.
    pub fn jwks_requests(&self) -> u64 {
        self.shared.jwks_requests.load(Ordering::Relaxed)
    }

    /// Requests that followed a redirect since the start.
    pub fn redirected_requests(&self) -> u64 {
        self.shared.redirected_requests.load(Ordering::Relaxed)
    }

    /// Closes the port and every connection.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }
}

impl Shared {
    fn issuer(&self) -> Option<Issuer> {
        self.issuer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str) -> Response<Body> {
        let (path, redirected) = match path.strip_prefix("/elsewhere") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let counter = match path {
            _ if redirected => &self.redirected_requests,
            "/.well-known/openid-configuration" => &self.discovery_requests,
            "/jwks.json" => &self.jwks_requests,
            _ => return server::json(StatusCode::NOT_FOUND, &json!({"error": "not_found"})),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let Some(issuer) = self.issuer() else {
            return server::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": "starting"}));
        };
        let document =
            if path == "/jwks.json" { issuer.jwks() } else { discovery(&issuer) }.to_string();
        match self.mode() {
            Mode::Up | Mode::Slow => server::json(StatusCode::OK, &document),
            Mode::Redirect if redirected => server::json(StatusCode::OK, &document),
            Mode::Large => server::json(StatusCode::OK, &(document + &" ".repeat(200 * 1024))),
            Mode::Garbage => Response::new(body::full("<!doctype html>{\"keys\":")),
            Mode::Redirect => {
                let mut response = server::json(StatusCode::FOUND, &json!({}));
                let location = format!("{}/elsewhere{path}", issuer.url);
                if let Ok(location) = http::HeaderValue::try_from(location) {
                    response.headers_mut().insert(http::header::LOCATION, location);
                }
                response
            }
            Mode::Down | Mode::Silent => {
                server::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": "down"}))
            }
        }
    }
}

fn discovery(issuer: &Issuer) -> serde_json::Value {
    let algorithms: Vec<&str> = issuer.keys.iter().map(|key| key.algorithm().name()).collect();
    json!({
        "issuer": issuer.url,
        "jwks_uri": format!("{}/jwks.json", issuer.url),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    })
}
