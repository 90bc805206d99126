//! The doubles over real sockets, each by way of the crate's own client.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of an integration test are tests too"
)]

mod cdn;
mod client;
mod issuer;
mod origin;

use std::io;
use std::time::Duration;

use http::Request;
use sekisho_testing::body::{self, Body};
use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pki::{H2, HTTP_1_1, Pki};
use sekisho_testing::server::Listen;
use serde_json::Value;

/// No exchange of these tests takes longer than a second; a busy machine gets more.
const PATIENCE: Duration = Duration::from_secs(20);

const NAMES: [&str; 2] = ["a.localhost", "acme.localhost"];

async fn bounded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it did not finish in time")
}

/// A TLS origin for [`NAMES`] and a client of each protocol that trusts it.
async fn tls_origin() -> (Origin, Pki, [Client; 2]) {
    let pki = Pki::new().unwrap();
    let config = pki.server_config(&NAMES, &[H2, HTTP_1_1]).unwrap();
    let origin = Origin::start(OriginOptions::from(Listen::tls(config))).await.unwrap();
    let client = Client::plain(origin.addr()).trusting(pki.ca_pem()).unwrap();
    let clients = [Protocol::H1, Protocol::H2].map(|protocol| client.clone().speaking(protocol));
    (origin, pki, clients)
}

async fn plain_origin() -> (Origin, Client) {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let client = Client::plain(origin.addr());
    (origin, client)
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(body::empty()).unwrap()
}

fn post(uri: &str, body: Body) -> Request<Body> {
    Request::post(uri).body(body).unwrap()
}

async fn json(body: hyper::body::Incoming) -> Value {
    let bytes = body::read(body, 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Waits for what another task is about to do.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}
