//! `/sessions`: who is signed in by the gateway's own sessions.

use super::users::Id;
use super::{Params, answer, no_content};
use crate::call::Call;
use crate::people::Person;
use crate::problem::{Problem, ProblemBody};
use axum::Extension;
use axum::extract::Path;
use axum::response::Response;
use sekisho_core::records::key;
use sekisho_directory::sessions::{Session, Sessions, end, prefixes};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(delete))
        .routes(routes!(list_of_user, delete_of_user))
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView {
    /// What stands for it in a path: the digest of its identifier, which nobody but its holder knows.
    id: String,
    /// The subject that is signed in.
    subject: String,
    /// When it began, in seconds since 1970.
    created: i64,
    /// When it was last seen, likewise.
    seen: i64,
    /// From which address it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// With which program.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
}

/// Sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
struct SessionsView {
    /// The last seen one first, a thousand at most.
    sessions: Vec<SessionView>,
    /// How many there are.
    total: usize,
}

/// Whose sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Those of this subject.
    subject: Option<String>,
}

/// A session by what stands for it in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Digest {
    /// The `id` that lists have.
    #[param(pattern = "^~[0-9a-f]{64}$")]
    session: String,
}

fn read(call: &Call) -> Result<Sessions, Problem> {
    let tenant = call.scope.tenant();
    let [of_sessions, of_seen] = prefixes(tenant);
    let [sessions, seen] = call.scope.all_below([of_sessions.as_str(), of_seen.as_str()])?;
    Ok(Sessions::read(tenant, sessions, seen).0)
}

fn shown<'s>(sessions: impl Iterator<Item = &'s Session>) -> SessionsView {
    let mut all: Vec<&Session> = sessions.collect();
    all.sort_by_key(|session| std::cmp::Reverse(session.seen));
    let view = |session: &&Session| SessionView {
        id: session.digest.clone(),
        subject: session.record.subject.clone(),
        created: session.record.created,
        seen: session.seen,
        client: session.record.client.clone(),
        agent: session.record.agent.clone(),
    };
    SessionsView { total: all.len(), sessions: all.iter().take(1_000).map(view).collect() }
}

/// List sessions.
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(Whose), responses(
    (status = 200, body = SessionsView),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    Extension(call): Extension<Call>,
    Params(whose): Params<Whose>,
) -> Result<Response, Problem> {
    let sessions = read(&call)?;
    let of = |session: &&Session| {
        whose.subject.as_ref().is_none_or(|subject| session.record.subject == *subject)
    };
    Ok(answer(&shown(sessions.iter().filter(of)), None))
}

/// End a session: its next request is refused, and its open streams break off.
#[utoipa::path(delete, path = "/sessions/{session}", tag = "sessions", params(Digest), responses(
    (status = 204, description = "There is no such session any more, or never was"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No session can have this name"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(
    Extension(call): Extension<Call>,
    Path(Digest { session }): Path<Digest>,
) -> Result<Response, Problem> {
    if !key::is_digest(&session) {
        return Err(Problem::not_found("session"));
    }
    let there = call.scope.get(&key::session(call.scope.tenant(), &session))?.is_some();
    call.scope.make(&end(call.scope.tenant(), &session))?;
    if there {
        call.changed("session-ended", &format!("session/{session}"), &[]);
    }
    Ok(no_content())
}

/// List the sessions of a user.
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "sessions", params(Id), responses(
    (status = 200, body = SessionsView),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No user can have this name"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list_of_user(
    Extension(call): Extension<Call>,
    Path(Id { id }): Path<Id>,
) -> Result<Response, Problem> {
    let person = Person::find(&call.scope, &id)?;
    Ok(answer(&shown(read(&call)?.of(&person.subject)), None))
}

/// End all sessions of a user. He may sign in again.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "sessions", params(Id), responses(
    (status = 204, description = "He has no session any more"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No user can have this name"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete_of_user(
    Extension(call): Extension<Call>,
    Path(Id { id }): Path<Id>,
) -> Result<Response, Problem> {
    let person = Person::find(&call.scope, &id)?;
    let sessions = read(&call)?;
    let ended = sessions.end(sessions.of(&person.subject));
    call.scope.make(&ended)?;
    if !ended.is_empty() {
        call.changed("sessions-ended", &format!("user/{}", person.id()), &[]);
    }
    Ok(no_content())
}
