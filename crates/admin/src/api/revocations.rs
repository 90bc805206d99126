//! `/revocations`: tokens that are taken back before they expire.
//!
//! The store can remove a record only unconditionally, and a revocation must not get lost between a look and a removal.
//! So one that is lifted stays as one that concerns no token: those issued in 1970 or before.
//!
//! What an operator took back is his to lift. What the directory took back of a user who was shut out nobody lifts: when
//! he returns his new tokens are good, and the old ones stay what they are.

use super::{Body, answer, created, no_content};
use crate::call::Call;
use crate::etag::{self, Target};
use crate::problem::{Problem, ProblemBody};
use crate::store::Made;
use axum::Extension;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use sekisho_core::directory::{State, User};
use sekisho_core::records::{decode, encode, key};
use sekisho_core::session::{Revocation, RevokedBy};
use sekisho_core::token::claims::MAX_SESSION;
use sekisho_directory::form;
use sekisho_directory::revocations::Revoked;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(of_tenant, put_tenant, delete_tenant))
        .routes(routes!(of_subject, put_subject, delete_subject))
        .routes(routes!(of_session, put_session, delete_session))
}

/// A revocation.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Revocation)]
struct Taken {
    /// Tokens that were issued at or before this moment, in seconds since 1970; all, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 253_402_300_799_i64)]
    before: Option<i64>,
}

/// A record as others may have written it, with members that are for people.
#[derive(Deserialize)]
struct Stored {
    before: Option<i64>,
    by: Option<RevokedBy>,
}

/// A subject in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OfSubject {
    /// The subject of tokens, or the `id` of a user.
    #[param(min_length = 1, max_length = 255, pattern = r"^[!-.0-\[\]-~]+$")]
    subject: String,
}

/// A session in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OfSession {
    /// The token's `sid`, or where it has none its `jti`.
    #[param(min_length = 1, max_length = 128, pattern = r"^[!-.0-\[\]-~]+$")]
    session: String,
}

/// What is revoked, and its record.
struct Found {
    key: String,
    target: String,
    was: Option<Vec<u8>>,
    taken: Option<Taken>,
    by: Option<RevokedBy>,
}

impl Found {
    fn of(call: &Call, revoked: &Revoked<'_>) -> Result<Self, Problem> {
        let tenant = call.scope.tenant();
        let key = match revoked {
            // What stands for a user in a path may be the digest already.
            Revoked::Subject(subject) if key::is_digest(subject) => {
                sekisho_directory::tenant::revoked_prefix(tenant) + subject
            }
            Revoked::Subject(subject) if !form::is_subject(subject) => {
                return Err(Problem::not_found("subject"));
            }
            Revoked::Session(session)
                if session.len() > MAX_SESSION
                    || !session.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                return Err(Problem::not_found("session"));
            }
            _ => revoked.key(tenant),
        };
        let was = call.scope.get(&key)?;
        let stored: Option<Stored> = was
            .as_deref()
            .map(decode)
            .transpose()
            .map_err(|why| Problem::unavailable(format!("{key} {why}")))?;
        let by = stored.as_ref().and_then(|stored| stored.by);
        let taken = stored
            .map(|stored| Taken { before: stored.before })
            .filter(|taken| taken.before.is_none_or(|before| before > 0));
        let target = key.get(tenant.len() + 3..).unwrap_or_default().to_owned();
        Ok(Self { key, target, was, taken, by })
    }

    fn tag(&self) -> String {
        etag::of(&self.key, self.taken.and(self.was.as_deref()))
    }

    fn get(&self) -> Result<Response, Problem> {
        let taken = self.taken.ok_or_else(|| Problem::not_found("revocation"))?;
        Ok(answer(&taken, Some(&self.tag())))
    }

    fn put(&self, call: &Call, headers: &HeaderMap, taken: Taken) -> Result<Response, Problem> {
        let exists = self.taken.is_some();
        Target { tag: &self.tag(), exists }.may_be_replaced(headers)?;
        if taken.before.is_some_and(|before| !(1..=253_402_300_799).contains(&before)) {
            return Err(Problem::invalid("before is a moment in seconds since 1970."));
        }
        self.may_be_changed(call, taken.before)?;
        let value = self.write(call, taken.before, "revoked")?;
        let tag = etag::of(&self.key, Some(&value));
        Ok(if exists { answer(&taken, Some(&tag)) } else { created(&taken, &tag) })
    }

    fn delete(&self, call: &Call, headers: &HeaderMap) -> Result<Response, Problem> {
        let exists = self.taken.is_some();
        Target { tag: &self.tag(), exists }.matches(headers)?;
        if exists {
            self.may_be_changed(call, Some(0))?;
            self.write(call, Some(0), "restored")?;
        }
        Ok(no_content())
    }

    /// Whether what is revoked is an administrator's to change, and lets nobody in who is shut out.
    fn may_be_changed(&self, call: &Call, before: Option<i64>) -> Result<(), Problem> {
        if self.taken.is_none() {
            return Ok(());
        }
        if self.by.is_none() {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "operators-revocation",
                "An operator has revoked these tokens",
                "Who operates the gateway has taken them back, and can alone lift that.",
            ));
        }
        let of_directory = self.by == Some(RevokedBy::Directory) && self.is_lifted_by(before);
        if of_directory || before.is_some() && self.is_shut_out(call)? {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "user-shut-out",
                "The user is or was suspended, or has left",
                "Return him (POST to his return): his new tokens are good then, and the old ones never.",
            ));
        }
        Ok(())
    }

    /// Whether tokens would be good again with this.
    fn is_lifted_by(&self, before: Option<i64>) -> bool {
        let Some(taken) = self.taken else { return false };
        before.is_some_and(|new| taken.before.is_none_or(|old| new < old))
    }

    /// Whether it is of a user who is suspended or has left.
    fn is_shut_out(&self, call: &Call) -> Result<bool, Problem> {
        let tenant = call.scope.tenant();
        let subjects = sekisho_directory::tenant::revoked_prefix(tenant);
        let Some(segment) = self.key.strip_prefix(&subjects) else { return Ok(false) };
        let key = key::prefix(tenant, "user") + segment;
        let Some(value) = call.scope.get(&key)? else { return Ok(false) };
        let user: User =
            decode(&value).map_err(|why| Problem::unavailable(format!("{key} {why}")))?;
        Ok(user.state != State::Active)
    }

    fn write(&self, call: &Call, before: Option<i64>, action: &str) -> Result<Vec<u8>, Problem> {
        // What was the directory's stays so, or a word more would make it an administrator's to lift.
        let of_directory = self.by.filter(|by| *by == RevokedBy::Directory && self.taken.is_some());
        let by = of_directory.or(Some(RevokedBy::Administrator));
        let value = encode(&Revocation { before, by }).unwrap_or_default();
        if self.was.as_deref() == Some(&*value) {
            return Ok(value);
        }
        match call.scope.swap(&self.key, self.was.as_deref(), &value)? {
            Made::Conflict => Err(Problem::changed()),
            Made::Done => {
                call.changed(action, &self.target, &["before"]);
                Ok(value)
            }
        }
    }
}

/// Whether all tokens of the tenant are taken back.
#[utoipa::path(get, path = "/revocations/tenant", tag = "revocations", responses(
    (status = 200, body = Taken, headers(("ETag" = String))),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn of_tenant(Extension(call): Extension<Call>) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Tenant)?.get()
}

/// Take back all tokens of the tenant: the caller's own with them.
#[utoipa::path(put, path = "/revocations/tenant", tag = "revocations", params(super::Conditions), request_body = Taken, responses(
    (status = 200, body = Taken, headers(("ETag" = String))),
    (status = 201, body = Taken, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "An operator has revoked them"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put_tenant(
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    Body(taken): Body<Taken>,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Tenant)?.put(&call, &headers, taken)
}

/// Let the tenant's tokens be good again.
#[utoipa::path(delete, path = "/revocations/tenant", tag = "revocations", params(super::Conditions), responses(
    (status = 204, description = "They are not revoked"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "An operator has revoked them"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete_tenant(
    Extension(call): Extension<Call>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Tenant)?.delete(&call, &headers)
}

/// Whether the tokens of a subject are taken back.
#[utoipa::path(get, path = "/revocations/subjects/{subject}", tag = "revocations", params(OfSubject), responses(
    (status = 200, body = Taken, headers(("ETag" = String))),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn of_subject(
    Extension(call): Extension<Call>,
    Path(of): Path<OfSubject>,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Subject(&of.subject))?.get()
}

/// Take back the tokens of a subject, who need not be a user.
#[utoipa::path(put, path = "/revocations/subjects/{subject}", tag = "revocations", params(OfSubject, super::Conditions), request_body = Taken, responses(
    (status = 200, body = Taken, headers(("ETag" = String))),
    (status = 201, body = Taken, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "An operator has revoked them"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No subject has this form"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "The user is suspended or has left"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put_subject(
    Extension(call): Extension<Call>,
    Path(of): Path<OfSubject>,
    headers: HeaderMap,
    Body(taken): Body<Taken>,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Subject(&of.subject))?.put(&call, &headers, taken)
}

/// Let the tokens of a subject be good again.
#[utoipa::path(delete, path = "/revocations/subjects/{subject}", tag = "revocations", params(OfSubject, super::Conditions), responses(
    (status = 204, description = "They are not revoked"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "An operator has revoked them"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No subject has this form"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "The user is suspended or has left"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete_subject(
    Extension(call): Extension<Call>,
    Path(of): Path<OfSubject>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Subject(&of.subject))?.delete(&call, &headers)
}

/// Whether the tokens of a session are taken back.
#[utoipa::path(get, path = "/revocations/sessions/{session}", tag = "revocations", params(OfSession), responses(
    (status = 200, body = Taken, headers(("ETag" = String))),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn of_session(
    Extension(call): Extension<Call>,
    Path(of): Path<OfSession>,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Session(&of.session))?.get()
}

/// Take back the tokens of a session, also of one that an issuer of its own keeps.
#[utoipa::path(put, path = "/revocations/sessions/{session}", tag = "revocations", params(OfSession, super::Conditions), request_body = Taken, responses(
    (status = 200, body = Taken, headers(("ETag" = String))),
    (status = 201, body = Taken, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "An operator has revoked them"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No session has this form"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put_session(
    Extension(call): Extension<Call>,
    Path(of): Path<OfSession>,
    headers: HeaderMap,
    Body(taken): Body<Taken>,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Session(&of.session))?.put(&call, &headers, taken)
}

/// Let the tokens of a session be good again.
#[utoipa::path(delete, path = "/revocations/sessions/{session}", tag = "revocations", params(OfSession, super::Conditions), responses(
    (status = 204, description = "They are not revoked"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "An operator has revoked them"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No session has this form"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete_session(
    Extension(call): Extension<Call>,
    Path(of): Path<OfSession>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Found::of(&call, &Revoked::Session(&of.session))?.delete(&call, &headers)
}
