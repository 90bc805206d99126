//! Every refusal as a client sees it, and nothing internal in any of them.

use http::{Method, Request};
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, SigningKey};
use serde_json::Value;

use crate::support::{Answer, World, request, text};

/// Names that must never leave: origins, files, keys, addresses.
fn internal(world: &World) -> Vec<String> {
    let port = world.origin.addr().port().to_string();
    ["assistant\"", "/policy", "es-1", "t/acme", "demo.jwks", "wasm"]
        .map(str::to_owned)
        .into_iter()
        .chain([port])
        .collect()
}

async fn check(world: &World, answer: Answer, status: u16, reason: &str) -> Value {
    assert_eq!(answer.status().as_u16(), status, "{reason}");
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(
        headers.contains_key("www-authenticate"),
        status == 401 || reason == "role-missing",
        "{reason}"
    );
    let text = text(answer).await;
    for secret in internal(world) {
        assert!(!text.contains(&secret), "{reason} shows {secret}: {text}");
        assert!(!format!("{headers:?}").contains(&secret), "{reason} shows {secret}: {headers:?}");
    }
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["reason"], reason);
    let id = headers["x-request-id"].to_str().unwrap();
    assert_eq!(problem["request_id"], id);
    let record = world.audit.of(id).await;
    assert_eq!(record["reason"], reason);
    assert_eq!(record["status"], status);
    problem
}

/// What is asked of acme unless the row says otherwise, and what must come back.
struct Row {
    host: &'static str,
    method: Method,
    target: &'static str,
    token: Option<String>,
    refusal: (u16, &'static str),
}

fn rows(world: &World) -> Vec<Row> {
    const LIST: &str = "/api/assistants";
    let now = unix_seconds();
    let good = world.token("acme");
    let stranger = SigningKey::generate(Algorithm::ES256, "es-1").unwrap();
    let forged = world.issuer.token("acme").issued_at(now).signed_by(&stranger).sign().unwrap();
    let expired = world.issuer.token("acme").issued_at(now - 7200).expires_in(3600).sign().unwrap();
    let row = |target, token: &str, refusal| Row {
        host: "acme.localhost",
        method: Method::GET,
        target,
        token: Some(token.to_owned()),
        refusal,
    };
    vec![
        Row { host: "unknown.localhost", ..row(LIST, &good, (404, "tenant-unknown")) },
        Row { token: None, ..row(LIST, "", (401, "token-missing")) },
        row(LIST, &forged, (401, "token-signature-invalid")),
        row(LIST, &expired, (401, "token-expired")),
        row(LIST, &world.token("globex"), (403, "token-tenant-mismatch")),
        row("/admin/users", &good, (403, "role-missing")),
        Row {
            host: "globex.localhost",
            ..row(LIST, &world.token("globex"), (403, "network-not-allowed"))
        },
        row("/nothing", &good, (404, "route-not-found")),
        Row { method: Method::PATCH, ..row(LIST, &good, (405, "method-not-allowed")) },
        row("/api/%2E%2E/admin", &good, (400, "target-not-canonical")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_its_status_reason_and_record() {
    let world = World::new().await;
    let client = world.client(Protocol::H1);
    for row in rows(&world) {
        let uri = format!("https://{}{}", row.host, row.target);
        let mut request = Request::builder().method(row.method).uri(uri);
        if let Some(token) = row.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = client.send(request.body(body::empty()).unwrap()).await.unwrap();
        let (status, reason) = row.refusal;
        if status == 405 {
            assert_eq!(answer.headers()["allow"], "GET");
        }
        check(&world, answer, status, reason).await;
    }
    assert!(world.origin.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_413_with_and_without_a_length() {
    let world = World::new().await;
    let chat = "/api/assistants/a1/chat";
    let eleven_mib = vec![b'x'; 11 * 1024 * 1024];
    for protocol in [Protocol::H1, Protocol::H2] {
        let answer = world.ask(protocol, Method::POST, chat, body::full(eleven_mib.clone())).await;
        check(&world, answer, 413, "body-too-large").await;
    }
    assert!(
        world.origin.requests().is_empty(),
        "a declared length is refused before the origin hears of it"
    );

    // The upload route of the double reads to the end, so that it can't answer before the limit is met.
    let (mut sender, body) = body::channel(4);
    let chunk = bytes::Bytes::from(eleven_mib);
    let feed = tokio::spawn(async move {
        // The gateway stops reading at the limit; what is not taken then is no fault.
        let _ = sender.send_data(chunk).await;
    });
    let answer = world.ask(Protocol::H2, Method::POST, chat, body).await;
    check(&world, answer, 413, "body-too-large").await;
    feed.await.unwrap();
    assert!(
        world.origin.requests().iter().all(|seen| !seen.complete),
        "the origin must not take the part for the whole"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_redirected_or_refused() {
    let world = World::new().await;
    let client = world.plain_client();
    let ask = async |method: Method, target: &str, proto: Option<&str>| {
        let mut request =
            Request::builder().method(method).uri(format!("http://acme.localhost{target}"));
        if let Some(proto) = proto {
            request = request.header("x-forwarded-proto", proto);
        }
        let request = request.header("authorization", format!("Bearer {}", world.token("acme")));
        client.send(request.body(body::empty()).unwrap()).await.unwrap()
    };
    let answer = ask(Method::GET, "/api/assistants?a=b", None).await;
    assert_eq!(answer.status(), 308);
    assert_eq!(answer.headers()["location"], "https://acme.localhost/api/assistants?a=b");
    assert_eq!(ask(Method::GET, "/api/assistants", Some("https")).await.status(), 308);
    check(&world, ask(Method::POST, "/api/assistants/a1/chat", None).await, 403, "https-required")
        .await;
    assert!(world.origin.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_page_in_its_language() {
    let world = World::new().await;
    for (language, lang, words) in
        [("ja,en;q=0.5", "ja", "サインインが必要です"), ("en-GB,en", "en", "Sign-in required")]
    {
        let request = request(Method::GET, "/api/assistants")
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("accept-language", language);
        let answer =
            world.client(Protocol::H2).send(request.body(body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(answer.headers()["content-language"], lang);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let page = text(answer).await;
        assert!(
            page.contains(&format!("<html lang=\"{lang}\">"))
                && page.contains(words)
                && page.contains(&id)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_does_not_act_for_another_site() {
    let world = World::new().await;
    let cookie = format!("__Host-sekisho={}", world.token("acme"));
    let ask = async |fields: &[(&str, &str)]| {
        let mut request =
            request(Method::POST, "/api/assistants/a1/chat").header("cookie", cookie.as_str());
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        world.client(Protocol::H2).send(request.body(body::full("{}")).unwrap()).await.unwrap()
    };
    assert_eq!(ask(&[("sec-fetch-site", "same-origin")]).await.status(), 200);
    assert_eq!(world.origin.take_requests().len(), 1);
    for fields in [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://globex.localhost")],
        &[("origin", "null")],
    ] {
        check(&world, ask(fields).await, 403, "cross-site-request").await;
    }
    assert!(world.origin.requests().is_empty());
}
