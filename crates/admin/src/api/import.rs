//! `/import/users`: users from a CSV file, all that it says or nothing.

use super::{Params, answer, bytes, unsupported};
use crate::call::Call;
use crate::people::{self, Person};
use crate::problem::{Problem, ProblemBody};
use axum::Extension;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use sekisho_core::directory::{State, User};
use sekisho_core::records::key;
use sekisho_directory::import::plan::{self, Move, Plan, Step};
use sekisho_directory::import::rows::{self, Row};
use sekisho_directory::import::text::{self, Encoding};
use sekisho_directory::tenant::{Read, Tenant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most users whose change an answer tells.
const TOLD: usize = 1_000;
/// How often one user is looked at again whom somebody else changes meanwhile.
const TRIES: usize = 5;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(import))
}

/// How a file is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// Change nothing, and tell what would change.
    #[serde(default)]
    dry_run: bool,
    /// Whoever is not in the file has left.
    #[serde(default)]
    complete: bool,
    /// How it is written, where that shall not be guessed.
    #[param(inline)]
    encoding: Option<Written>,
}

/// How a file is written.
#[derive(Clone, Copy, Deserialize, ToSchema)]
enum Written {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

/// What a file changes.
#[derive(Serialize, ToSchema)]
struct Outcome {
    /// Nothing was changed.
    dry_run: bool,
    /// How the file was read: UTF-8 or `Shift_JIS`.
    encoding: &'static str,
    /// Who is new or comes back.
    joins: usize,
    /// Who may do other things, or of whom other things are said.
    moves: usize,
    /// Who may not come for now.
    suspended: usize,
    /// Who may not come any more.
    leaves: usize,
    /// Who stays as he is.
    unchanged: usize,
    /// Each of them, a thousand at most.
    steps: Vec<Told>,
}

/// What becomes of one user.
#[derive(Serialize, ToSchema)]
struct Told {
    /// The user.
    subject: String,
    /// `joins`, `moves`, `suspended` or `leaves`.
    what: &'static str,
    /// What is said of him otherwise than before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Difference>,
}

/// A member, as it was and as it becomes.
#[derive(Serialize, ToSchema)]
struct Difference {
    member: &'static str,
    from: String,
    to: String,
}

/// Import users from a CSV file, whose columns have names in Japanese or English.
///
/// A file with a fault changes nothing, and every fault is told with its line.
#[utoipa::path(post, path = "/import/users", tag = "users", params(How),
    request_body(content = String, content_type = "text/csv", description = "At most 8 MiB, UTF-8 or Shift_JIS"),
    responses(
        (status = 200, body = Outcome),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn import(
    Extension(call): Extension<Call>,
    Params(how): Params<How>,
    request: Request,
) -> Result<Response, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("text/csv") {
        return Err(unsupported("text/csv"));
    }
    let file = bytes(request, &()).await?;
    let said = how.encoding.map(|written| match written {
        Written::Utf8 => Encoding::Utf8,
        Written::ShiftJis => Encoding::ShiftJis,
    });
    let (text, encoding) =
        text::decode(&file, said).map_err(|fault| Problem::of_file(vec![fault]))?;
    let rows = rows::read(&text).map_err(Problem::of_file)?;
    let tenant = people::tenant(&call.scope)?;
    let taken = plan::taken(&tenant, &rows);
    if !taken.is_empty() {
        return Err(Problem::of_file(taken));
    }
    let plan = Plan::of(&tenant, &rows, how.complete, call.now());
    if !how.dry_run {
        let rows: BTreeMap<&str, &Row> =
            rows.iter().map(|row| (row.subject.as_str(), row)).collect();
        for step in &plan.steps {
            let row = rows.get(step.subject.as_str()).copied();
            make(&call, &tenant, step, row)?;
        }
    }
    Ok(answer(&told(&plan, how.dry_run, encoding), None))
}

/// Makes the change of one user. Whom somebody else changes meanwhile is looked at again: the file says what it says
/// whatever else he is.
fn make(call: &Call, tenant: &Tenant, step: &Step, row: Option<&Row>) -> Result<(), Problem> {
    let before = tenant.roster.get(&step.subject);
    let mut person = Person {
        subject: step.subject.clone(),
        key: key::user(call.scope.tenant(), &step.subject),
        was: before.map(|entry| entry.value.clone()),
        user: before.map(|entry| entry.user.clone()),
    };
    let mut user = step.user.clone();
    let mut tries = 0;
    loop {
        match person.write_known(call, &user, (tries == 0).then_some(tenant)) {
            Err(problem) if problem.reason == "changed-meanwhile" && tries < TRIES => tries += 1,
            other => return other.map(drop),
        }
        person = Person::find(&call.scope, &step.subject)?;
        match again(call, &person, row)? {
            None => return Ok(()),
            Some(next) => user = next,
        }
    }
}

/// What the file makes of a user as he is now; nothing, where he is so already.
fn again(call: &Call, person: &Person, row: Option<&Row>) -> Result<Option<User>, Problem> {
    let Some(row) = row else {
        let there = person.user.clone().filter(|user| user.state != State::Left);
        return Ok(there.map(|user| user.becomes(State::Left, call.now())));
    };
    let users = person.was.iter().map(|value| (person.key.clone(), value.clone())).collect();
    let alone = Tenant::read(call.scope.tenant(), Read { users, ..Read::default() })
        .map_err(|_| Problem::unavailable(format!("{} can't be read", person.key)))?;
    let plan = Plan::of(&alone, std::slice::from_ref(row), false, call.now());
    Ok(plan.steps.into_iter().next().map(|step| step.user))
}

fn told(plan: &Plan, dry_run: bool, encoding: Encoding) -> Outcome {
    let [joins, moves, suspended, leaves] = plan.counts();
    let step = |step: &Step| Told {
        subject: step.subject.clone(),
        what: match step.what {
            Move::Joins => "joins",
            Move::Moves(_) => "moves",
            Move::Suspended => "suspended",
            Move::Leaves => "leaves",
        },
        changes: match &step.what {
            Move::Moves(changes) => changes
                .iter()
                .map(|(member, from, to)| Difference { member, from: from.clone(), to: to.clone() })
                .collect(),
            _ => Vec::new(),
        },
    };
    Outcome {
        dry_run,
        encoding: encoding.name(),
        joins,
        moves,
        suspended,
        leaves,
        unchanged: plan.unchanged,
        steps: plan.steps.iter().take(TOLD).map(step).collect(),
    }
}
