//! Components that call each other.

use http_body_util::BodyExt;

use crate::support::App;
use crate::support::client::{call, call_text};

#[tokio::test(flavor = "multi_thread")]
async fn a_component_reaches_a_private_one() {
    let app = App::new(&["http://inner.spin.internal"]);
    let host = app.start().await;
    let (status, seen) = call_text(&host, "/proxy/http://inner.spin.internal/seen?x").await;
    assert_eq!(status, 200);
    assert!(seen.contains("authority inner.spin.internal\npath /seen?x\n"), "{seen}");
    assert!(seen.contains("spin-client-addr: 203.0.113.9:50211\n"), "{seen}");
    // The private component has its own grants.
    let (_, text) = call_text(&host, "/proxy/http://inner.spin.internal/kv/default/keys").await;
    assert!(text.contains("AccessDenied"), "{text}");
    let (_, text) = call_text(&host, "/status/http://other.spin.internal/").await;
    assert!(text.contains("HttpRequestDenied"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_has_an_end() {
    let app = App::new(&["http://inner.spin.internal"]);
    let host = app.start().await;
    let path = format!("{}/seen", "/proxy/http://inner.spin.internal".repeat(7));
    assert_eq!(call_text(&host, &path).await.0, 200);
    let path = format!("{}/seen", "/proxy/http://inner.spin.internal".repeat(20));
    assert_eq!(call_text(&host, &path).await.0, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_behind_a_chain_is_not_a_clean_end() {
    let app = App::new(&["http://inner.spin.internal"]);
    let host = app.start().await;
    let response = call(&host, "/proxy/http://inner.spin.internal/trap-mid").await;
    assert!(response.into_body().collect().await.is_err());
}
