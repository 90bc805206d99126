//! The administration interface, below `/api/admin/v1`: JSON over HTTP, described by a document of `OpenAPI` 3.1.
//!
//! | place | what |
//! | --- | --- |
//! | `users` | who there is, and what becomes of him |
//! | `import` | all of them, from a file |
//! | `sessions` | who is signed in |
//! | `revocations` | tokens that are taken back |
//! | `assistants` | who may see which assistant |
//! | `networks` | from where one may come |
//! | `audit` | what was asked, and what was decided |
//! | `model` | values that stand in bodies |
#![allow(unused_qualifications, reason = "the attributes that describe handlers name types twice")]
#![allow(
    clippy::unused_async,
    reason = "the router takes asynchronous functions; the store's calls wait"
)]

mod assistants;
mod audit;
mod import;
mod model;
mod networks;
mod revocations;
mod sessions;
mod users;

use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::OnceLock;
use utoipa::openapi::OpenApi;
use utoipa::{IntoParams, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

/// Where the interface is.
pub const PREFIX: &str = "/api/admin/v1";

/// The role that it asks for.
pub const ROLE: &str = "admin";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sekisho administration",
        description = "What a tenant's administrators manage: users, sessions, revocations, assistants' labels and \
                       networks; and the record of what was asked. Reached through the gateway alone, at the tenant's host, from its administration \
                       network, with a token that has the role admin.",
    ),
    tags(
        (name = "users", description = "Who there is, and what becomes of him."),
        (name = "sessions", description = "Who is signed in by the gateway's own sessions."),
        (name = "revocations", description = "Tokens that are taken back before they expire."),
        (name = "assistants", description = "Who may see which assistant."),
        (name = "networks", description = "From where one may come, within what the operator allows."),
        (name = "audit", description = "What was asked, and what was decided."),
    ),
    security(("token" = [])),
    modifiers(&Token),
)]
struct Described;

struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, openapi: &mut OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// Routes and their description, made once.
fn described() -> &'static (Router, OpenApi) {
    static MADE: OnceLock<(Router, OpenApi)> = OnceLock::new();
    MADE.get_or_init(|| {
        let parts = OpenApiRouter::new()
            .merge(import::router())
            .merge(users::router())
            .merge(sessions::router())
            .merge(revocations::router())
            .merge(assistants::router())
            .merge(networks::router())
            .merge(audit::router());
        let all = OpenApiRouter::with_openapi(Described::openapi()).nest(PREFIX, parts);
        all.split_for_parts()
    })
}

/// The interface's routes.
pub(crate) fn router() -> Router {
    let (router, _) = described();
    router.clone().route(&format!("{PREFIX}/openapi.json"), routing::get(document))
}

/// The `OpenAPI` document, as it is served and committed.
pub fn openapi() -> String {
    let (_, openapi) = described();
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    for operation in items.filter_map(|(_, item)| item.as_object_mut()).flatten() {
        completed(operation.1);
    }
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// What the gateway may say before this component is asked, and parameters that are left out but never `null`.
fn completed(operation: &mut Value) {
    const GATEWAYS: [(&str, &str); 9] = [
        ("400", "The request can't be read"),
        ("401", "There is no sound token"),
        ("403", "The token has not the role, or comes from elsewhere"),
        ("404", "There is no such thing"),
        ("413", "The body is too large"),
        ("415", "The body is of another kind"),
        ("429", "Too many requests"),
        ("431", "The head is too large"),
        ("503", "The state can't be read"),
    ];
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        for (status, description) in GATEWAYS {
            let schema = serde_json::json!({"$ref": "#/components/schemas/Problem"});
            let content = serde_json::json!({"application/problem+json": {"schema": schema}});
            let response = serde_json::json!({"description": description, "content": content});
            responses.entry(status).or_insert(response);
        }
    }
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let Some(schema) = parameter.get_mut("schema") else { continue };
        let choices = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(only) = choices.into_iter().find(|choice| choice["type"] != "null") {
            *schema = only;
        }
        if let Some(kind) = schema.get("type").and_then(|kind| kind.get(0)).cloned() {
            schema["type"] = kind;
        }
    }
}

async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi()).into_response()
}

/// The conditions that a change may come with (RFC 9110, section 13.1).
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "described here, read by the module of entity tags")]
struct Conditions {
    /// The `ETag` of the state that is meant, or `*` for whatever is there.
    #[param(rename = "If-Match", pattern = r#"^(\*|"[!#-~]*"(, ?"[!#-~]*")*)$"#)]
    if_match: Option<String>,
    /// `*`: only if there is nothing yet.
    #[param(rename = "If-None-Match", pattern = r#"^(\*|"[!#-~]*"(, ?"[!#-~]*")*)$"#)]
    if_none_match: Option<String>,
}

/// A JSON body of this form and no other.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(unsupported("application/json"));
        }
        let bytes = bytes(request, state).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            Problem::malformed(format!("The body is not what it should be: {error}."))
        })?;
        Ok(Self(value))
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|_| Problem::malformed("The body broke off."))
}

fn unsupported(kind: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type-unsupported",
        "The body is of another kind",
        format!("Send it as {kind}."),
    )
}

/// The parameters of a query.
struct Params<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::malformed(format!(
                "The query is not what it should be: {}.",
                query(&rejection)
            ))),
        }
    }
}

fn query(rejection: &QueryRejection) -> String {
    let text = rejection.body_text();
    text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text).to_owned()
}

fn tagged(mut response: Response, tag: Option<&str>) -> Response {
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Problem::unavailable(error.to_string()).into_response(),
    }
}

fn answer(value: &impl Serialize, tag: Option<&str>) -> Response {
    tagged(json(StatusCode::OK, value), tag)
}

fn created(value: &impl Serialize, tag: &str) -> Response {
    tagged(json(StatusCode::CREATED, value), Some(tag))
}

fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn file(kind: &'static str, name: &str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], text).into_response()
}
