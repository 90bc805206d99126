//! `/users`: who there is, and what becomes of him.

use super::model::{Group, Role, UserBody, UserState, UserView};
use super::{Body, Params, answer, created, no_content};
use crate::call::Call;
use crate::etag::Target;
use crate::people::{self, Person};
use crate::problem::{Problem, ProblemBody};
use axum::Extension;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use sekisho_core::directory::{State, User};
use sekisho_core::token::claims::{is_name, is_role};
use sekisho_directory::export::{self, Unwritable};
use sekisho_directory::roster::Roster;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
        .routes(routes!(suspend))
        .routes(routes!(leave))
        .routes(routes!(come_back))
        .routes(routes!(export_users))
}

/// Which users, and how many at a time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// The most users of one answer.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u16,
    /// Where the answer before ended: its `next`.
    cursor: Option<String>,
    /// Those in this state.
    #[param(inline)]
    state: Option<UserState>,
    /// Those of this group.
    #[param(inline)]
    group: Option<Group>,
    /// Those with this role.
    #[param(inline)]
    role: Option<Role>,
    /// Those whose subject, name or address has this text, in whatever case.
    q: Option<String>,
}

fn hundred() -> u16 {
    100
}

impl Filter {
    fn holds(&self, subject: &str, user: &User) -> bool {
        let text = self.q.as_ref().map(|text| text.to_lowercase());
        let has = |text: &String| {
            let of = |field: &str| field.to_lowercase().contains(text);
            let [email, name] =
                [&user.email, &user.name].map(|field| field.as_deref().is_some_and(of));
            of(subject) || email || name
        };
        self.state.is_none_or(|state| user.state == state.into())
            && self.group.as_ref().is_none_or(|group| user.groups.contains(&group.0))
            && self.role.as_ref().is_none_or(|role| user.roles.contains(&role.0))
            && text.as_ref().is_none_or(has)
    }
}

/// Some of the users.
#[derive(Serialize, ToSchema)]
#[schema(as = Users)]
struct Page {
    /// In the order of their subjects.
    users: Vec<UserView>,
    /// How many the filter holds, over all pages.
    total: usize,
    /// The `cursor` of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// List users.
#[utoipa::path(get, path = "/users", tag = "users", params(Filter), responses(
    (status = 200, body = Page),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(
    Extension(call): Extension<Call>,
    Params(filter): Params<Filter>,
) -> Result<Response, Problem> {
    if !(1..=1000).contains(&filter.limit) {
        return Err(Problem::malformed("limit is 1 to 1000."));
    }
    if filter.role.as_ref().is_some_and(|role| !is_role(&role.0))
        || filter.group.as_ref().is_some_and(|group| !is_name(&group.0))
    {
        return Err(Problem::malformed("No role, or no group, has such a name."));
    }
    let roster = people::all(&call.scope)?;
    Ok(answer(&page(&roster, &filter), None))
}

fn page(roster: &Roster, filter: &Filter) -> Page {
    let found: Vec<(&str, &User)> = roster
        .iter()
        .map(|(subject, entry)| (subject, &entry.user))
        .filter(|(subject, user)| !people::is_removed(user) && filter.holds(subject, user))
        .collect();
    let after = filter.cursor.as_deref().unwrap_or_default();
    let mut rest = found.iter().filter(|(subject, _)| *subject > after);
    let limit = usize::from(filter.limit);
    let users: Vec<UserView> =
        rest.by_ref().take(limit).map(|(subject, user)| UserView::of(subject, user)).collect();
    let last = users.last().map(|user| user.subject.clone());
    Page { total: found.len(), next: last.filter(|_| rest.next().is_some()), users }
}

/// Read a user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(Id), responses(
    (status = 200, body = UserView, headers(("ETag" = String))),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get(
    Extension(call): Extension<Call>,
    Path(Id { id }): Path<Id>,
) -> Result<Response, Problem> {
    let (person, user) = Person::get(&call.scope, &id)?;
    Ok(answer(&UserView::of(&person.subject, &user), Some(&person.tag())))
}

/// A user by what stands for him in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Id {
    /// The subject of his tokens, percent-encoded, or the `id` that lists have.
    #[param(min_length = 1, max_length = 255, pattern = r"^[!-.0-\[\]-~]+$")]
    pub(super) id: String,
}

/// Create a user, or replace what is said of him.
///
/// Of one who exists, `If-Match` must say which state is replaced. A user whose state closes is signed out, and his
/// tokens are refused from the next request on.
#[utoipa::path(put, path = "/users/{id}", tag = "users", params(Id, super::Conditions), request_body = UserBody, responses(
    (status = 200, body = UserView, headers(("ETag" = String))),
    (status = 201, body = UserView, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No user can have this name"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put(
    Extension(call): Extension<Call>,
    Path(Id { id }): Path<Id>,
    headers: HeaderMap,
    Body(body): Body<UserBody>,
) -> Result<Response, Problem> {
    let person = Person::find(&call.scope, &id)?;
    let (tag, exists) = (person.tag(), person.user.is_some());
    Target { tag: &tag, exists }.may_be_replaced(&headers)?;
    let user = replaced(&person, body, call.now());
    if people::is_removed(&user) {
        return Err(Problem::invalid(
            "This would be a user of whom nothing is known but that he left: send DELETE, or keep his name.",
        ));
    }
    people::has_own_address(&call.scope, person.user.as_ref(), &user, &person.subject)?;
    let tag = person.write(&call, &user)?;
    let view = UserView::of(&person.subject, &user);
    Ok(if exists { answer(&view, Some(&tag)) } else { created(&view, &tag) })
}

fn replaced(person: &Person, body: UserBody, now: i64) -> User {
    let before = person.user.as_ref();
    let state = State::from(body.state);
    let user = User {
        state: before.map_or(state, |user| user.state),
        roles: body.roles.into_iter().map(|role| role.0).collect(),
        groups: body.groups.into_iter().map(|group| group.0).collect(),
        since: before.map_or(Some(now), |user| user.since.or(Some(now))),
        subject: Some(person.subject.clone()),
        email: body.email.map(|email| email.0),
        name: body.name.map(|name| name.0),
        scim: before.and_then(|user| user.scim.clone()),
    };
    user.becomes(state, now)
}

/// Delete a user: what is known of him goes, his sessions end, his tokens stay refused.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", params(Id, super::Conditions), responses(
    (status = 204, description = "He is not there any more, or never was"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No user can have this name"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(
    Extension(call): Extension<Call>,
    Path(Id { id }): Path<Id>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let person = Person::find(&call.scope, &id)?;
    Target { tag: &person.tag(), exists: person.user.is_some() }.matches(&headers)?;
    person.remove(&call)?;
    Ok(no_content())
}

/// Let a user not come for a while.
#[utoipa::path(post, path = "/users/{id}/suspend", tag = "users", params(Id, super::Conditions), responses(
    (status = 200, body = UserView, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn suspend(
    call: Extension<Call>,
    id: Path<Id>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    becomes(&call.0, &id.0.id, &headers, State::Suspended)
}

/// Let a user not come any more. What is known of him stays.
#[utoipa::path(post, path = "/users/{id}/leave", tag = "users", params(Id, super::Conditions), responses(
    (status = 200, body = UserView, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn leave(
    call: Extension<Call>,
    id: Path<Id>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    becomes(&call.0, &id.0.id, &headers, State::Left)
}

/// Let a user come again: with a new token, those of before stay refused.
#[utoipa::path(post, path = "/users/{id}/return", tag = "users", params(Id, super::Conditions), responses(
    (status = 200, body = UserView, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn come_back(
    call: Extension<Call>,
    id: Path<Id>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    becomes(&call.0, &id.0.id, &headers, State::Active)
}

/// Gives a user a state. Without a condition it is tried again when somebody else changes him meanwhile: it says one
/// thing, whatever else he is.
fn becomes(call: &Call, id: &str, headers: &HeaderMap, state: State) -> Result<Response, Problem> {
    let mut tries = 0;
    loop {
        let (person, before) = Person::get(&call.scope, id)?;
        Target { tag: &person.tag(), exists: true }.matches(headers)?;
        let user = before.becomes(state, call.now());
        if people::is_removed(&user) {
            return Err(Problem::new(
                axum::http::StatusCode::CONFLICT,
                "nothing-known",
                "Nothing is known of him",
                "Of this user there would remain that he left, and nothing else: send DELETE.",
            ));
        }
        match person.write(call, &user) {
            Err(problem) if problem.reason == "changed-meanwhile" && tries < 5 => tries += 1,
            Err(problem) => return Err(problem),
            Ok(tag) => return Ok(answer(&UserView::of(&person.subject, &user), Some(&tag))),
        }
    }
}

/// All users as a CSV file, which `/import/users` reads, and a spreadsheet.
#[utoipa::path(get, path = "/export/users", tag = "users", responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "A group has a semicolon in its name"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn export_users(Extension(call): Extension<Call>) -> Result<Response, Problem> {
    let roster = people::all(&call.scope)?;
    let there = roster.iter().filter(|(_, entry)| !people::is_removed(&entry.user));
    let text = export::csv(there).map_err(|error| match error {
        Unwritable::Group(_) => Problem::new(
            axum::http::StatusCode::CONFLICT,
            "group-unwritable",
            "A group's name can't stand in a file",
            "A semicolon stands between groups: rename the group that has one in its name.",
        ),
        Unwritable::Csv(error) => Problem::unavailable(error.to_string()),
    })?;
    // By the mark a spreadsheet knows that it is UTF-8.
    Ok(super::file("text/csv; charset=utf-8", "users.csv", format!("\u{feff}{text}")))
}
