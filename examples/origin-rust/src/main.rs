//! An origin behind the gateway, in Rust: it serves nobody who comes without the gateway's signed word.
//!
//! ```sh
//! ORIGIN_ID=assistant GATEWAY=https://gateway.example.jp \
//! GATEWAY_KEYS=https://gateway.example.jp/.well-known/sekisho/jwks.json cargo run
//! ```
//!
//! `ORIGIN_ID` is the origin's name in the policy, `GATEWAY` the policy's `[assertion]` issuer. Where the
//! gateway has a certificate of a private authority, `SSL_CERT_FILE` names the authority's file.

use anyhow::{Context as _, ensure};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};
use std::env::var;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::tls::{RootCerts, TlsConfig};

/// After how long the gateway's keys are fetched again: it may withdraw one.
const KEPT: Duration = Duration::from_secs(600);

/// How long nobody asks again after the gateway was asked, whatever it said.
const PAUSE: Duration = Duration::from_secs(30);

/// What the gateway says of whoever makes the request.
#[derive(Serialize, Deserialize)]
struct Principal {
    sub: String,
    tenant: String,
    roles: Vec<String>,
}

struct Origin {
    validation: Validation,
    keys_url: String,
    keys: Mutex<Keys>,
}

/// The gateway's keys, when they were fetched, and when the gateway was asked last.
#[derive(Default)]
struct Keys {
    set: Option<(JwkSet, Instant)>,
    asked: Option<Instant>,
}

impl Origin {
    fn new(id: &str, gateway: &str, keys_url: String) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[id]);
        validation.set_issuer(&[gateway]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 5;
        Self { validation, keys_url, keys: Mutex::default() }
    }

    fn principal(&self, headers: &HeaderMap) -> anyhow::Result<Principal> {
        let assertion = headers.get("sekisho-assertion").context("no assertion")?.to_str()?;
        let header = decode_header(assertion)?;
        ensure!(header.typ.as_deref() == Some("sekisho-assertion+jwt"), "no assertion by its typ");
        let key = self.key(&header.kid.context("no kid")?)?;
        Ok(decode::<Principal>(assertion, &key, &self.validation)?.claims)
    }

    /// The key of this name. Keys are fetched when one is needed that is not there, and when they are old; if the
    /// gateway gives none, the old ones serve.
    fn key(&self, id: &str) -> anyhow::Result<DecodingKey> {
        if self.is_time_to_ask(id) {
            match fetch(&self.keys_url) {
                Ok(set) => self.keys().set = Some((set, Instant::now())),
                Err(error) => eprintln!("the gateway's keys: {error:#}"),
            }
        }
        let keys = self.keys();
        let (set, _) = keys.set.as_ref().context("the gateway's keys are not known")?;
        Ok(DecodingKey::from_jwk(set.find(id).context("no such key")?)?)
    }

    /// Whether this request asks. Nobody waits for its answer but itself.
    fn is_time_to_ask(&self, id: &str) -> bool {
        let mut keys = self.keys();
        let known = keys
            .set
            .as_ref()
            .is_some_and(|(set, fetched)| set.find(id).is_some() && fetched.elapsed() < KEPT);
        if known || keys.asked.is_some_and(|asked| asked.elapsed() < PAUSE) {
            return false;
        }
        keys.asked = Some(Instant::now());
        true
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fetch(url: &str) -> anyhow::Result<JwkSet> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = ureq::Agent::config_builder().tls_config(tls);
    let agent = config.timeout_global(Some(Duration::from_secs(5))).build().new_agent();
    let text = agent.get(url).call()?.body_mut().read_to_string()?;
    Ok(serde_json::from_str(&text)?)
}

async fn answer(State(origin): State<Arc<Origin>>, headers: HeaderMap) -> Response {
    let judged = tokio::task::spawn_blocking(move || origin.principal(&headers)).await;
    match judged.map_err(anyhow::Error::from).and_then(|judged| judged) {
        // The gateway takes the answer for this tenant's only if it says so.
        Ok(principal) => {
            ([("x-tenant-id", principal.tenant.clone())], Json(principal)).into_response()
        }
        Err(error) => {
            eprintln!("refused: {error:#}");
            StatusCode::UNAUTHORIZED.into_response()
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given = |name| var(name).with_context(|| format!("{name} is not set"));
    let origin = Origin::new(&given("ORIGIN_ID")?, &given("GATEWAY")?, given("GATEWAY_KEYS")?);
    let port = var("PORT").unwrap_or_else(|_| "0".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(answer).with_state(Arc::new(origin))).await?;
    Ok(())
}
