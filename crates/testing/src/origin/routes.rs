//! Which answer belongs to which path.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use http::header::{CONNECTION, LOCATION, SERVER, SET_COOKIE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::Semaphore;

use super::chat;
use super::seen::{Log, Pending, Seen, Upload, Watched};
use crate::body::{self, Body};
use crate::pattern::{Pattern, Sha256};
use crate::server::{self, Abort, Peer};

const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");

/// Records the request, answers it, and notices when nobody waits for the answer's end.
pub(super) async fn answer(
    log: Arc<Log>,
    turns: Arc<Semaphore>,
    request: Request<Incoming>,
    peer: Peer,
) -> Result<Response<Body>, Abort> {
    let mut pending = Pending::new(log.clone());
    let tenant = request.headers().get(TENANT).cloned();
    let to_head = request.method() == Method::HEAD;
    let (seen, upload) = log.record(request, peer);
    let turn = turns.acquire().await;
    let outcome = route(&seen, upload).await;
    drop(turn);
    if to_head || outcome.is_err() {
        pending.finish();
    }
    let Reply { mut response, echo } = outcome?;
    if let Some(tenant) = tenant.filter(|_| echo) {
        response.headers_mut().insert(TENANT, tenant);
    }
    Ok(response.map(|body| Watched::new(body, pending).boxed_unsync()))
}

struct Reply {
    response: Response<Body>,
    echo: bool,
}

impl From<Response<Body>> for Reply {
    fn from(response: Response<Body>) -> Self {
        Self { response, echo: true }
    }
}

async fn route(seen: &Seen, mut upload: Upload) -> Result<Reply, Abort> {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let mut segments = path.rsplit('/');
    let (last, parent) = (segments.next().unwrap_or(""), segments.next().unwrap_or(""));
    let number = |name| server::query(query, name).and_then(|value| value.parse::<u64>().ok());

    match (parent, last) {
        (_, "upload") => return Ok(digest(upload).await.map_err(|_| Abort)?.into()),
        (_, "reset") => return Err(Abort),
        ("status", code) if number("early") == Some(1) => return Ok(status(code).into()),
        _ => {}
    }
    // A client that breaks off its own upload is owed no answer.
    let body = upload.drain().await.map_err(|_| Abort)?;

    let response = match (parent, last) {
        ("api", "assistants") => assistants(),
        ("admin", "users") => users(),
        ("status", code) => status(code),
        (_, "chat") if seen.method != "POST" => status("405"),
        (_, "chat") if wants_events(seen) => chat::streamed(query),
        (_, "chat") => chat::whole(),
        (_, "echo") => echo(seen, &body),
        (_, "download") => download(number("bytes").unwrap_or(0), number("chunked") == Some(1)),
        (_, "slow") => {
            tokio::time::sleep(Duration::from_millis(number("ms").unwrap_or(1000))).await;
            text("slow")
        }
        (_, "broken") => broken(number("bytes").unwrap_or(1024)),
        (_, "no-echo") => {
            return Ok(Reply { response: text("no tenant"), echo: false });
        }
        (_, "wrong-tenant") => {
            let mut response = text("another tenant's data");
            response.headers_mut().insert(TENANT, HeaderValue::from_static("another-tenant"));
            return Ok(Reply { response, echo: false });
        }
        (_, "cookies") => cookies(),
        (_, "redirect") => redirect(query),
        (_, "internal-headers") => internal_headers(),
        (_, "desk") => desk(),
        (_, "healthz") => text("ok"),
        _ => status("404"),
    };
    Ok(response.into())
}

fn wants_events(seen: &Seen) -> bool {
    seen.header_values("accept").iter().any(|value| value.contains("text/event-stream"))
}

fn text(text: &'static str) -> Response<Body> {
    let mut response = Response::new(body::full(text));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}

fn desk() -> Response<Body> {
    let mut response = Response::new(body::full(include_str!("desk.html")));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, html);
    response
}

/// 400 where `code` is no final status: a 1xx can't end an exchange (RFC 9110 section 15.2).
fn status(code: &str) -> Response<Body> {
    let code = code.parse::<StatusCode>().ok().filter(|code| code.as_u16() >= 200);
    let code = code.unwrap_or(StatusCode::BAD_REQUEST);
    let bodiless = matches!(code, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = server::json(code, &json!({"status": code.as_u16()}));
    if bodiless {
        *response.body_mut() = body::empty();
    }
    response
}

fn assistants() -> Response<Body> {
    let list = json!([
        {"id": "a1", "name": {"en": "Help desk", "ja": "ヘルプデスク"}},
        {"id": "a2", "name": {"en": "Contract reviewer", "ja": "契約書レビュー"}},
        {"id": "a3", "name": {"en": "Meeting minutes", "ja": "議事録"}},
    ]);
    server::json(StatusCode::OK, &list)
}

fn users() -> Response<Body> {
    let list = json!([{"id": "u-1", "roles": ["admin"]}, {"id": "u-42", "roles": ["member"]}]);
    server::json(StatusCode::OK, &list)
}

fn echo(seen: &Seen, body: &[u8]) -> Response<Body> {
    let value = json!({
        "method": seen.method,
        "target": seen.target,
        "headers": seen.headers,
        "body": String::from_utf8_lossy(body),
    });
    server::json(StatusCode::OK, &value)
}

async fn digest(mut upload: Upload) -> io::Result<Response<Body>> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    while let Some(piece) = upload.next().await? {
        digest.update(&piece);
        bytes += piece.len() as u64;
    }
    Ok(server::json(StatusCode::OK, &json!({"bytes": bytes, "sha256": digest.finish()})))
}

fn download(bytes: u64, chunked: bool) -> Response<Body> {
    let pattern = Pattern::new(bytes);
    let body = if chunked {
        let pieces = pattern.map(|piece| Ok::<_, io::Error>(Frame::data(piece)));
        StreamBody::new(stream::iter(pieces)).boxed_unsync()
    } else {
        pattern.boxed_unsync()
    };
    let mut response = Response::new(body);
    let octets = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(http::header::CONTENT_TYPE, octets);
    response
}

/// Half of the promised bytes, then an error that ends the connection.
fn broken(bytes: u64) -> Response<Body> {
    let half = Pattern::new(bytes / 2).map(|piece| Ok(Frame::data(piece)));
    let cut = stream::once(async {
        // Time for what was written to leave: an error discards what is still buffered.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::other(Abort))
    });
    let frames = stream::iter(half).chain(cut);
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}

fn cookies() -> Response<Body> {
    let mut response = text("cookies");
    for cookie in ["host_only=1; Path=/", "wide=1; Path=/; Domain=localhost"] {
        response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    response
}

fn redirect(query: &str) -> Response<Body> {
    let to = query.strip_prefix("to=").and_then(|to| HeaderValue::from_str(to).ok());
    let Some(to) = to else { return status("400") };
    let mut response = status("302");
    response.headers_mut().insert(LOCATION, to);
    response
}

fn internal_headers() -> Response<Body> {
    let mut response = text("internal");
    for (name, value) in [
        (HeaderName::from_static("x-sekisho-debug"), "origin-7.internal"),
        (SERVER, "assistant/1.2.3"),
        (HeaderName::from_static("x-powered-by"), "assistant"),
        (CONNECTION, "x-hop"),
        (HeaderName::from_static("x-hop"), "for the next hop only"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
