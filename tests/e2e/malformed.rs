//! Malformed HTTP, byte by byte on a raw TLS socket: it never reaches the origin.

use std::time::Duration;

use sekisho_testing::client::Protocol;

use crate::support::World;

const WITHIN: Duration = Duration::from_secs(15);

/// Requests that no well-behaved client writes.
fn malformed(token: &str) -> Vec<(&'static str, String)> {
    let head = format!("Host: acme.localhost\r\nAuthorization: Bearer {token}\r\n");
    let get = |fields: &str| format!("GET /api/assistants HTTP/1.1\r\n{head}{fields}\r\n");
    let post = |rest: &str| format!("POST /api/files/echo HTTP/1.1\r\n{head}{rest}");
    let line = |line: &str| format!("{line}\r\n{head}\r\n");
    let long = "x".repeat(40_000);
    vec![
        ("not HTTP", "\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned()),
        ("no version", line("GET /api/assistants")),
        ("unknown version", line("GET /api/assistants HTTP/3.7")),
        ("no Host", "GET /api/assistants HTTP/1.1\r\n\r\n".to_owned()),
        ("two Hosts", get("Host: globex.localhost\r\n")),
        (
            "absolute target of another host",
            line("GET https://globex.localhost/api/assistants HTTP/1.1"),
        ),
        ("space before the colon", get("X-Tenant-Id : globex\r\n")),
        ("folded line", get("X-A: b\r\n X-Tenant-Id: globex\r\n")),
        ("bare carriage return", get("X-A: b\rX-Tenant-Id: globex\r\n")),
        ("NUL in a value", get("X-A: b\0c\r\n")),
        ("underscore in a name", get("X_Tenant_Id: globex\r\n")),
        ("two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
        ("signed length", post("Content-Length: +1\r\n\r\na")),
        ("unknown coding", post("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")),
        ("target with a space", line("GET /api/assist ants HTTP/1.1")),
        ("dot segments", line("GET /api/../admin/users HTTP/1.1")),
        ("path parameters", line("GET /api/files/..;/..;/admin/users HTTP/1.1")),
        ("fragment behind dot segments", line("GET /api/..#/assistants HTTP/1.1")),
        ("asterisk", line("OPTIONS * HTTP/1.1")),
        ("CONNECT", line("CONNECT acme.localhost:443 HTTP/1.1")),
        ("TRACE", line("TRACE /api/assistants HTTP/1.1")),
        ("long header", get(&format!("X-A: {long}\r\n"))),
        ("long target", line(&format!("GET /{long} HTTP/1.1"))),
        ("many headers", get(&"X-A: b\r\n".repeat(150))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_and_never_forwarded() {
    let world = World::new().await;
    for (name, request) in malformed(&world.token("acme")) {
        let mut raw = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
        let answer = raw.exchange(request.as_bytes(), WITHIN).await;
        match answer.status() {
            Some(status) => assert!((400..=501).contains(&status), "{name}: {}", answer.text()),
            None => assert!(answer.closed, "{name}: neither refused nor closed: {}", answer.text()),
        }
        assert!(world.origin.requests().is_empty(), "{name}: {:?}", world.origin.requests());
    }
    assert_eq!(world.get("/api/assistants").await.status(), 200);
}

/// Both a length and chunks: RFC 9112, section 6.1 lets a server refuse, or take the chunks and close
/// the connection. Whichever: no second request may come out of the first one's body.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_not_be_smuggled_in_another_ones_body() {
    let world = World::new().await;
    let token = world.token("acme");
    let hidden = "GET /api/files/echo?hidden HTTP/1.1\r\nHost: acme.localhost\r\n\r\n";
    for framing in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding:\tchunked\r\nContent-Length: 6\r\n",
    ] {
        let request = format!(
            "POST /api/files/echo HTTP/1.1\r\nHost: acme.localhost\r\nAuthorization: Bearer {token}\r\n{framing}\r\n0\r\n\r\n{hidden}"
        );
        let mut raw = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
        raw.exchange(request.as_bytes(), Duration::from_secs(2)).await;
        let targets: Vec<String> =
            world.origin.take_requests().into_iter().map(|seen| seen.target).collect();
        assert!(targets.iter().all(|target| !target.contains("hidden")), "{framing}: {targets:?}");
    }
}

/// Trailers are headers that come too late to be judged.
#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_a_request_do_not_reach_the_origin() {
    let world = World::new().await;
    let token = world.token("acme");
    let request = format!(
        "POST /api/files/echo HTTP/1.1\r\nHost: acme.localhost\r\nAuthorization: Bearer {token}\r\n\
         Transfer-Encoding: chunked\r\nTrailer: X-Tenant-Id\r\n\r\n2\r\nhi\r\n0\r\nX-Tenant-Id: globex\r\n\r\n"
    );
    let mut raw = world.client(Protocol::H1).raw("acme.localhost").await.unwrap();
    let answer = raw.exchange(request.as_bytes(), Duration::from_secs(5)).await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    let seen = world.origin.take_requests();
    let [seen] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(seen.body, b"hi");
    assert!(seen.trailers.is_empty() && seen.header_values("trailer").is_empty(), "{seen:?}");
    assert_eq!(seen.header("x-tenant-id"), Some("acme"));
}
