//! SCIM 2.0 (RFC 7643, RFC 7644), below `/scim/v2`: users and groups as an identity provider provisions them, enough for
//! Entra ID and Okta. On the same records as everything else.
//!
//! | place | what |
//! | --- | --- |
//! | `users`, `groups` | the resources |
//! | `resource` | a user as SCIM has him, and as his record has him |
//! | `patch`, `filter`, `list` | changes, comparisons, pages |
//! | `discovery` | what this provider can do |
#![allow(
    clippy::unused_async,
    reason = "the router takes asynchronous functions; the store's calls wait"
)]

mod discovery;
mod filter;
mod groups;
mod list;
mod patch;
mod resource;
mod users;

use crate::problem::Problem;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sekisho_core::token::claims::{MAX_ROLES, is_role};
use serde_json::{Map, Value};

/// Where it is.
pub const PREFIX: &str = "/scim/v2";

/// The role that it asks for.
pub const ROLE: &str = "provisioner";

/// The media type of its bodies (RFC 7644, section 8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Which member of a SCIM user is the subject of his tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectBy {
    /// `userName`.
    #[default]
    UserName,
    /// `externalId`.
    ExternalId,
}

/// What the operator says of SCIM.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which member is the subject of tokens.
    pub subject: SubjectBy,
    /// The roles that the identity provider sees, gives and takes. Of others it knows nothing.
    pub roles: Vec<String>,
    /// The roles of a user to whom the identity provider gives none.
    pub default_roles: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            subject: SubjectBy::default(),
            roles: vec!["member".to_owned()],
            default_roles: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads them from the component's variables.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(subject: &str, roles: &str, default_roles: &str) -> Result<Self, String> {
        let subject = match subject {
            "userName" => SubjectBy::UserName,
            "externalId" => SubjectBy::ExternalId,
            _ => return Err("the variable scim_subject is userName or externalId".to_owned()),
        };
        let names = |list: &str| -> Vec<String> {
            let names = list.split(',').map(str::trim).filter(|role| !role.is_empty());
            names.map(str::to_owned).collect()
        };
        let (roles, default_roles) = (names(roles), names(default_roles));
        let sound = |role: &String| is_role(role) && !resource::is_reserved(role);
        if roles.len() > MAX_ROLES || !roles.iter().all(sound) {
            return Err("the variable scim_roles is names of roles, separated by commas, and neither admin nor provisioner".to_owned());
        }
        if !default_roles.iter().all(|role| roles.contains(role)) {
            return Err(
                "the variable scim_default_roles is names of roles that scim_roles has, separated by commas"
                    .to_owned(),
            );
        }
        Ok(Self { subject, roles, default_roles })
    }

    /// Whether the identity provider may give this role.
    fn gives(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

pub(crate) fn router() -> Router {
    let all = users::router().merge(groups::router()).merge(discovery::router());
    Router::new().nest(PREFIX, all)
}

/// What is wrong, with a word of RFC 7644, table 9; `uniqueness` is a conflict (section 3.3).
fn fault(kind: &'static str, detail: impl Into<String>) -> Problem {
    let status = if kind == "uniqueness" { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
    Problem::new(status, kind, "The request can't be done", detail)
}

/// The words of RFC 7644, table 9.
const KINDS: [&str; 9] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "sensitive",
];

/// A problem of what both interfaces share, as SCIM has it.
pub(crate) fn adapted(mut problem: Problem) -> Problem {
    (problem.reason, problem.status) = match problem.reason {
        "value-invalid" => ("invalidValue", StatusCode::BAD_REQUEST),
        "email-taken" => ("uniqueness", StatusCode::CONFLICT),
        other => (other, problem.status),
    };
    problem
}

/// The body of an error (RFC 7644, section 3.12).
pub(crate) fn error(problem: &Problem) -> Value {
    let mut body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": problem.status.as_u16().to_string(),
        "detail": problem.detail,
    });
    if let (true, Some(body)) = (KINDS.contains(&problem.reason), body.as_object_mut()) {
        body.insert("scimType".to_owned(), problem.reason.into());
    }
    body
}

/// A text that a record can keep.
fn is_text(text: &str) -> bool {
    sekisho_directory::form::is_line(text)
}

fn json(status: StatusCode, value: &Value, tag: Option<&str>) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// A body that is one JSON object.
struct Resource(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Resource {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !(kind.eq_ignore_ascii_case(MEDIA_TYPE) || kind.eq_ignore_ascii_case("application/json"))
        {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type-unsupported",
                "The body is of another kind",
                "Send it as application/scim+json.",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| fault("invalidSyntax", "The body broke off."))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(fault("invalidSyntax", "The body is an object.")),
            Err(error) => Err(fault("invalidSyntax", format!("The body is no JSON: {error}."))),
        }
    }
}
