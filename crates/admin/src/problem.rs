//! What is wrong, as RFC 9457 has it: `application/problem+json`, with the members that the gateway's own refusals have.

use axum::response::{IntoResponse, Response};
use axum::{Extension, http::StatusCode};
use sekisho_directory::edit::TooLarge;
use sekisho_directory::import::Fault;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub reason: &'static str,
    /// What the reason means, in a few words.
    pub title: &'static str,
    /// What is wrong with this request, and what to do.
    pub detail: String,
    /// Every fault of a file.
    pub faults: Vec<Fault>,
    /// For the operator alone.
    pub inside: Option<String>,
}

/// The body of an answer that says what is wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:sekisho:reason:` and the reason.
    #[serde(rename = "type")]
    kind: String,
    /// What the reason means.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// A stable word.
    reason: String,
    /// By which the request is found in the record.
    request_id: String,
    /// Every fault of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    faults: Option<Vec<FaultBody>>,
}

/// A fault of a file.
#[derive(Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct FaultBody {
    /// The line, from 1.
    line: u64,
    /// The column by its name in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// What is wrong.
    message: String,
    /// What to write in its place.
    help: String,
}

impl Problem {
    /// Of any kind.
    pub fn new(
        status: StatusCode,
        reason: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, reason, title, detail: detail.into(), faults: Vec::new(), inside: None }
    }

    /// The request can't be read (400).
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request-malformed", "The request can't be read", detail)
    }

    /// It can be read and says what can't be (422).
    pub fn invalid(detail: impl Into<String>) -> Self {
        let title = "The request asks for what can't be";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "value-invalid", title, detail)
    }

    /// There is no such thing (404).
    pub fn not_found(what: &str) -> Self {
        let detail = format!("There is no {what} of this name.");
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// It has changed since, or is not there, or is (412).
    pub fn changed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "changed-meanwhile",
            "It is not as the request expects",
            "Somebody has changed it, or the request expects what is not so. Read it again, and send the change with its new ETag.",
        )
    }

    /// The store does not answer, or what it has can't be read (503).
    pub fn unavailable(inside: impl Into<String>) -> Self {
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "state-unavailable",
            "The state can't be read or written",
            "Try again in a moment. A change of which this is the answer may have been made in part; to send it again makes it whole.",
        );
        problem.inside = Some(inside.into());
        problem
    }

    /// A file with faults (422).
    pub fn of_file(faults: Vec<Fault>) -> Self {
        let mut problem = Self::invalid("Nothing was changed. Mend the lines that are named.");
        problem.reason = "file-invalid";
        problem.faults = faults;
        problem
    }

    /// The body.
    pub fn body(&self, request_id: &str) -> Value {
        let fault = |fault: &Fault| FaultBody {
            line: fault.line,
            column: fault.column.clone(),
            message: fault.message.clone(),
            help: fault.help.to_owned(),
        };
        let body = ProblemBody {
            kind: format!("urn:sekisho:reason:{}", self.reason),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            reason: self.reason.to_owned(),
            request_id: request_id.to_owned(),
            faults: (!self.faults.is_empty()).then(|| self.faults.iter().map(fault).collect()),
        };
        serde_json::to_value(body).unwrap_or_else(|_| json!({}))
    }
}

impl From<TooLarge> for Problem {
    fn from(_: TooLarge) -> Self {
        Self::invalid("The record would have more than 64 KiB; write fewer or shorter names.")
    }
}

impl IntoResponse for Problem {
    /// Rendered where the request's identifier and the form of its errors are known.
    fn into_response(self) -> Response {
        (self.status, Extension(self)).into_response()
    }
}
