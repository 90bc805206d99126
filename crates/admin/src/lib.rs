//! The administration interface and SCIM 2.0, as a component of its own that the gateway alone can reach.
//!
//! The gateway judges its callers by the same road as any others, and says in header fields that no client can set who
//! asks. Here nothing is decided about that; what is done, is done for the one tenant that the gateway names.
//!
//! | place | what |
//! | --- | --- |
//! | [`serve`] | the whole way of a request |
//! | [`call`] | who asks |
//! | [`api`] | the administration interface |
//! | [`scim`] | users and groups as an identity provider provisions them |
//! | [`people`] | writing a user, and all that follows |
//! | [`store`] | the store, and one tenant's part of it |
//! | [`etag`], [`problem`] | conditions, and what is wrong |

pub mod api;
pub mod call;
pub mod etag;
pub mod people;
pub mod problem;
pub mod scim;
pub mod store;

#[cfg(target_family = "wasm")]
mod component;
#[cfg(test)]
mod tests;

use crate::call::{Call, Site};
use crate::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use std::sync::{Arc, OnceLock};
use tower_service::Service as _;

const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");

/// A part of what the component serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Api,
    Scim,
}

impl Part {
    fn of(path: &str) -> Option<Self> {
        let below =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
        if below(api::PREFIX) {
            Some(Self::Api)
        } else if below(scim::PREFIX) {
            Some(Self::Scim)
        } else {
            None
        }
    }
}

/// An extension of a request whose body is not all that was sent.
#[derive(Clone, Copy, Debug)]
pub struct BrokenOff;

/// Whether a body has as many bytes as its request says (RFC 9110, section 8.6).
fn is_whole(headers: &HeaderMap, body: &[u8]) -> bool {
    headers.get_all(CONTENT_LENGTH).iter().all(|length| {
        length.to_str().ok().and_then(|length| length.parse().ok()) == Some(body.len())
    })
}

/// The most bytes that a request's body may have.
pub fn body_limit(path: &str) -> usize {
    const MIB: usize = 1024 * 1024;
    if path == format!("{}/import/users", api::PREFIX) { 8 * MIB } else { MIB }
}

/// Answers a request. The answer always names the tenant that the gateway asked for.
pub async fn serve(site: &Arc<Site>, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let (mut parts, body) = request.into_parts();
    let tenant = parts.headers.get(TENANT).cloned();
    let part = Part::of(parts.uri.path());
    let role = if part == Some(Part::Scim) { scim::ROLE } else { api::ROLE };
    let called = Call::of(&parts, role, site);
    let request_id =
        called.as_ref().map_or_else(|_| String::new(), |called| called.request_id.clone());
    let answered = match (called, part) {
        (Err(problem), _) => Err(problem),
        (Ok(_), None) => Err(Problem::not_found("resource")),
        (Ok(_), _) if body.len() > body_limit(parts.uri.path()) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The body is too large",
            "A body has at most 1 MiB, and a file of users 8 MiB.",
        )),
        // Half a file of users would let the others leave.
        (Ok(_), _)
            if parts.extensions.get::<BrokenOff>().is_some()
                || !is_whole(&parts.headers, &body) =>
        {
            Err(Problem::malformed("The body broke off. Nothing was changed: send it again."))
        }
        (Ok(called), _) => {
            parts.extensions.insert(called);
            let request = Request::from_parts(parts, Body::from(body));
            match router().call(request).await {
                Ok(response) => whole(response).await,
            }
        }
    };
    let mut response = answered.unwrap_or_else(|problem| rendered(problem, part, &request_id));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(tenant) = tenant {
        headers.insert(TENANT, tenant);
    }
    response
}

fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let made = ROUTER.get_or_init(|| {
        // Bodies are bounded before they come here.
        api::router().merge(scim::router()).layer(DefaultBodyLimit::disable())
    });
    made.clone()
}

/// The response with its body in one piece; an error by what is wrong.
async fn whole(response: axum::response::Response) -> Result<Response<Vec<u8>>, Problem> {
    let (parts, body) = response.into_parts();
    if let Some(problem) = parts.extensions.get::<Problem>() {
        return Err(problem.clone());
    }
    let status = parts.status;
    if status.is_client_error() || status.is_server_error() {
        return Err(of_status(status));
    }
    let body = body.collect().await.map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
}

/// What the router itself refuses.
fn of_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found("resource"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            status,
            "method-not-allowed",
            "The method is not for this resource",
            "The interface's description says which methods are.",
        ),
        _ => Problem::malformed("The path can't be read."),
    }
}

fn rendered(mut problem: Problem, part: Option<Part>, request_id: &str) -> Response<Vec<u8>> {
    if part == Some(Part::Scim) {
        problem = scim::adapted(problem);
    }
    if let Some(inside) = &problem.inside {
        eprintln!("administration: {request_id}: {inside}");
    }
    let (kind, body) = match part {
        Some(Part::Scim) => (scim::MEDIA_TYPE, scim::error(&problem)),
        _ => ("application/problem+json", problem.body(request_id)),
    };
    let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default());
    *response.status_mut() = problem.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
