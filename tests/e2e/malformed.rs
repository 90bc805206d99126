//! Malformed HTTP, byte by byte on a raw TLS socket: it never reaches the origin.

use std::time::Duration;

use sekisho_testing::client::Protocol;

use crate::support::World;

const WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_and_never_forwarded() {
    let world = World::new().await;
    let token = world.token("acme");
    let head = format!("Host: acme.localhost\r\nAuthorization: Bearer {token}\r\n");
    let long = "x".repeat(40_000);
    let many = "X-A: b\r\n".repeat(150);
    for (name, request) in [
        ("not HTTP", "\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned()),
        ("no version", format!("GET /api/assistants\r\n{head}\r\n")),
        (
            "unknown version",
            format!("GET /api/assistants HTTP/3.7\r\n{head}\r\n"),
        ),
        (
            "no Host",
            format!("GET /api/assistants HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n"),
        ),
        (
            "two Hosts",
            format!("GET /api/assistants HTTP/1.1\r\nHost: globex.localhost\r\n{head}\r\n"),
        ),
        (
            "absolute target of another host",
            format!("GET https://globex.localhost/api/assistants HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "space before the colon",
            format!("GET /api/assistants HTTP/1.1\r\n{head}X-Tenant-Id : globex\r\n\r\n"),
        ),
        (
            "folded line",
            format!("GET /api/assistants HTTP/1.1\r\n{head}X-A: b\r\n X-Tenant-Id: globex\r\n\r\n"),
        ),
        (
            "bare carriage return",
            format!("GET /api/assistants HTTP/1.1\r\n{head}X-A: b\rX-Tenant-Id: globex\r\n\r\n"),
        ),
        (
            "NUL in a value",
            format!("GET /api/assistants HTTP/1.1\r\n{head}X-A: b\0c\r\n\r\n"),
        ),
        (
            "underscore in a name",
            format!("GET /api/assistants HTTP/1.1\r\n{head}X_Tenant_Id: globex\r\n\r\n"),
        ),
        (
            "two lengths",
            format!(
                "POST /api/files/echo HTTP/1.1\r\n{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"
            ),
        ),
        (
            "signed length",
            format!("POST /api/files/echo HTTP/1.1\r\n{head}Content-Length: +1\r\n\r\na"),
        ),
        (
            "unknown transfer coding",
            format!(
                "POST /api/files/echo HTTP/1.1\r\n{head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "target with a space",
            format!("GET /api/assist ants HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "target in absolute path form with dots",
            format!("GET /api/../admin/users HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "fragment",
            format!("GET /api/..#/assistants HTTP/1.1\r\n{head}\r\n"),
        ),
        ("asterisk", format!("OPTIONS * HTTP/1.1\r\n{head}\r\n")),
        (
            "CONNECT",
            format!("CONNECT acme.localhost:443 HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "TRACE",
            format!("TRACE /api/assistants HTTP/1.1\r\n{head}\r\n"),
        ),
        (
            "long header",
            format!("GET /api/assistants HTTP/1.1\r\n{head}X-A: {long}\r\n\r\n"),
        ),
        ("long target", format!("GET /{long} HTTP/1.1\r\n{head}\r\n")),
        (
            "many headers",
            format!("GET /api/assistants HTTP/1.1\r\n{head}{many}\r\n"),
        ),
    ] {
        let mut raw = world
            .client(Protocol::H1)
            .raw("acme.localhost")
            .await
            .unwrap();
        let answer = raw.exchange(request.as_bytes(), WITHIN).await;
        match answer.status() {
            Some(status) => assert!((400..=501).contains(&status), "{name}: {}", answer.text()),
            None => assert!(
                answer.closed,
                "{name}: neither refused nor closed: {}",
                answer.text()
            ),
        }
        assert!(
            world.origin.requests().is_empty(),
            "{name}: {:?}",
            world.origin.requests()
        );
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
        let mut raw = world
            .client(Protocol::H1)
            .raw("acme.localhost")
            .await
            .unwrap();
        raw.exchange(request.as_bytes(), Duration::from_secs(2))
            .await;
        let targets: Vec<String> = world
            .origin
            .take_requests()
            .into_iter()
            .map(|seen| seen.target)
            .collect();
        assert!(
            targets.iter().all(|target| !target.contains("hidden")),
            "{framing}: {targets:?}"
        );
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
    let mut raw = world
        .client(Protocol::H1)
        .raw("acme.localhost")
        .await
        .unwrap();
    let answer = raw
        .exchange(request.as_bytes(), Duration::from_secs(5))
        .await;
    assert_eq!(answer.status(), Some(200), "{}", answer.text());
    let seen = world.origin.take_requests();
    let [seen] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(seen.body, b"hi");
    assert!(
        seen.trailers.is_empty() && seen.header_values("trailer").is_empty(),
        "{seen:?}"
    );
    assert_eq!(seen.header("x-tenant-id"), Some("acme"));
}
