//! `/Users` (RFC 7644, section 3).

use super::filter::Term;
use super::list::{self, Query};
use super::patch::{self, Op, Operation};
use super::resource::{self, MAX_VALUES, Said, values, view};
use super::{Resource, SubjectBy, fault, groups, json};
use crate::call::Call;
use crate::etag::{self, Target};
use crate::people::{self, Person};
use crate::problem::Problem;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use sekisho_core::directory::{State, User};
use sekisho_directory::form;
use serde_json::Value;
use std::collections::BTreeMap;

/// How often a change is tried that names no state, while others change the same user.
pub(super) const TRIES: usize = 5;

pub(super) fn router() -> Router {
    Router::new()
        .route("/Users", routing::get(all).post(create))
        .route("/Users/.search", routing::post(search))
        .route("/Users/{id}", routing::get(one).put(replace).patch(change).delete(remove))
}

/// The resource of a user, with his tag.
fn shown(call: &Call, person: &Person, user: &User, tag: &str) -> Result<Value, Problem> {
    Ok(view(call.scim()?, call.host(), &person.subject, user, &names(call)?, tag))
}

/// The identifiers of groups by their names.
fn names(call: &Call) -> Result<BTreeMap<String, String>, Problem> {
    let all = groups::all(call)?;
    Ok(all.into_iter().map(|group| (group.record.display_name, group.id)).collect())
}

async fn one(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref())?;
    let (person, user) = Person::get(&call.scope, &id)?;
    let tag = person.tag();
    let resource = query.project(shown(&call, &person, &user, &tag)?);
    Ok(json(StatusCode::OK, &resource, Some(&tag)))
}

async fn all(
    Extension(call): Extension<Call>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    listed(&call, &Query::read(query.as_deref())?)
}

async fn search(
    Extension(call): Extension<Call>,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    listed(&call, &Query::of(&body)?)
}

fn listed(call: &Call, query: &Query) -> Result<Response, Problem> {
    let terms = query.terms()?;
    let roster = people::all(&call.scope)?;
    let mut found = Vec::new();
    for (subject, entry) in roster.iter() {
        if !people::is_removed(&entry.user) && holds(&terms, subject, &entry.user)? {
            found.push((subject, entry));
        }
    }
    let total = found.len();
    let (names, settings) = (names(call)?, call.scim()?);
    let page = query.page(found).into_iter().map(|(subject, entry)| {
        let key = sekisho_core::records::key::user(call.scope.tenant(), subject);
        let tag = etag::of(&key, Some(&entry.value));
        query.project(view(settings, call.host(), subject, &entry.user, &names, &tag))
    });
    Ok(json(StatusCode::OK, &list::response(query, total, &page.collect::<Vec<_>>()), None))
}

/// Whether a user is one whom the filter names.
fn holds(terms: &[Term], subject: &str, user: &User) -> Result<bool, Problem> {
    let same = |own: Option<&str>, term: &Term, exact: bool| match (own, term.text()) {
        (Some(own), Some(asked)) if exact => own == asked,
        (Some(own), Some(asked)) => own.to_lowercase() == asked.to_lowercase(),
        _ => false,
    };
    for term in terms {
        let scim = user.scim.as_ref();
        let holds = match term.attribute.as_str() {
            "id" => {
                let id = sekisho_core::records::key::segment(subject);
                same(Some(&id), term, true)
            }
            // RFC 7643, section 4.1.1: it is compared without regard to case.
            "username" => same(Some(resource::name(subject, user)), term, false),
            "externalid" => same(scim.and_then(|scim| scim.external_id.as_deref()), term, true),
            "emails" | "emails.value" => same(user.email.as_deref(), term, false),
            "displayname" => same(user.name.as_deref(), term, false),
            "active" => term.value == Value::Bool(user.state == State::Active),
            other => {
                return Err(fault("invalidFilter", format!("Users are not found by {other}.")));
            }
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn create(
    Extension(call): Extension<Call>,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    let mut said = Said::read(&body)?;
    said.roles = said.roles.filter(|roles| !roles.is_empty());
    let subject = subject(&call, &said)?.to_owned();
    let person = Person::find(&call.scope, &subject)?;
    let user_name = said.user_name.clone().unwrap_or_default().to_lowercase();
    let roster = people::all(&call.scope)?;
    let is_taken = person.user.is_some()
        || roster.iter().any(|(subject, entry)| {
            !people::is_removed(&entry.user)
                && resource::name(subject, &entry.user).to_lowercase() == user_name
        });
    if is_taken {
        return Err(fault("uniqueness", "There is a user of this name."));
    }
    let user = to_be(&call, &person, &said)?;
    let tag = person.write(&call, &user).map_err(|problem| match problem.reason {
        "changed-meanwhile" => fault("uniqueness", "There is a user of this name."),
        _ => problem,
    })?;
    let resource = shown(&call, &person, &user, &tag)?;
    let mut response = json(StatusCode::CREATED, &resource, Some(&tag));
    list::located(&mut response, &resource);
    Ok(response)
}

/// The subject of the tokens of a user of whom this is said.
fn subject<'s>(call: &Call, said: &'s Said) -> Result<&'s str, Problem> {
    let (member, subject) = match call.scim()?.subject {
        SubjectBy::UserName => ("userName", &said.user_name),
        SubjectBy::ExternalId => ("externalId", &said.external_id),
    };
    let subject = subject.as_deref().filter(|subject| form::is_subject(subject));
    subject.ok_or_else(|| {
        let detail = format!(
            "{member} is the subject of the user's tokens: 1 to 255 printable ASCII characters, no spaces."
        );
        fault("invalidValue", detail)
    })
}

/// The record that says so.
fn to_be(call: &Call, person: &Person, said: &Said) -> Result<User, Problem> {
    let settings = call.scim()?;
    if !said.roles.iter().flatten().all(|role| settings.gives(role)) {
        let detail = "The identity provider may give only the roles that the operator has named in the variable scim_roles.";
        return Err(fault("invalidValue", detail));
    }
    let before = person.user.as_ref();
    if before.is_some() && !is_same_subject(call, person, said)? {
        let detail = "The subject of a user's tokens stays: delete him, and create him anew.";
        return Err(fault("mutability", detail));
    }
    let mut user = said.user(before, settings, call.now())?;
    user.subject = Some(person.subject.clone());
    if let (Some(before), Some(scim)) = (before, &mut user.scim) {
        let own = before.scim.as_ref().map_or(0, |scim| scim.modified);
        let modified = std::mem::replace(&mut scim.modified, own);
        if user != *before
            && let Some(scim) = &mut user.scim
        {
            scim.modified = modified;
        }
    }
    people::has_own_address(&call.scope, before, &user, &person.subject)?;
    Ok(user)
}

fn is_same_subject(call: &Call, person: &Person, said: &Said) -> Result<bool, Problem> {
    Ok(match call.scim()?.subject {
        SubjectBy::UserName => said.user_name.as_ref() == Some(&person.subject),
        SubjectBy::ExternalId => said.external_id.as_ref() == Some(&person.subject),
    })
}

async fn replace(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    let said = Said::read(&body)?;
    let settings = call.scim()?;
    write(&call, &id, &headers, |subject, before| {
        let was = Said::of(settings, subject, before);
        let mut said = said.clone();
        // What directories do not send with each change: RFC 7644, section 3.5.1 leaves it to the server.
        said.roles = said.roles.or(was.roles);
        said.external_id = said.external_id.or(was.external_id);
        said.active = said.active.or(was.active);
        Ok(said)
    })
}

async fn change(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    let operations = patch::read(&body)?;
    let settings = call.scim()?;
    write(&call, &id, &headers, |subject, before| {
        let mut said = Said::of(settings, subject, before);
        operations.iter().try_for_each(|operation| apply(&mut said, operation))?;
        Ok(said)
    })
}

/// Changes a user to what the function makes of him; again, where the request names no state and others were faster.
fn write(
    call: &Call,
    id: &str,
    headers: &HeaderMap,
    make: impl Fn(&str, &User) -> Result<Said, Problem>,
) -> Result<Response, Problem> {
    let mut tries = 0;
    loop {
        let (person, before) = Person::get(&call.scope, id)?;
        Target { tag: &person.tag(), exists: true }.matches(headers)?;
        let user = to_be(call, &person, &make(&person.subject, &before)?)?;
        match person.write(call, &user) {
            Err(problem) if problem.reason == "changed-meanwhile" && tries < TRIES => tries += 1,
            Err(problem) => return Err(problem),
            Ok(tag) => {
                return Ok(json(StatusCode::OK, &shown(call, &person, &user, &tag)?, Some(&tag)));
            }
        }
    }
}

/// Attributes of the core schema that no record keeps: directories send them all the same.
const PASSED_OVER: [&str; 17] = [
    "id",
    "schemas",
    "meta",
    "nickname",
    "profileurl",
    "title",
    "usertype",
    "preferredlanguage",
    "locale",
    "timezone",
    "password",
    "phonenumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "x509certificates",
];

fn apply(said: &mut Said, Operation { op, place, value }: &Operation) -> Result<(), Problem> {
    let attribute = place.attribute.as_str();
    let whole = attribute.split('.').next().unwrap_or_default();
    if PASSED_OVER.contains(&whole) || attribute.starts_with("urn:") {
        return Ok(());
    }
    match whole {
        "groups" => return Err(fault("mutability", "A user's groups are changed by the groups.")),
        "username" | "externalid" | "displayname" | "active" | "name" | "emails" | "roles" => {}
        _ => return Err(fault("invalidPath", "No user has this attribute.")),
    }
    if whole == "roles" {
        return roles(said, *op, place, value);
    }
    if whole == "emails" && !is_of_work(&place.chosen) {
        return Ok(());
    }
    match op {
        Op::Remove => said.set(attribute, &Value::Null),
        Op::Add | Op::Replace => said.set(attribute, value),
    }
}

/// Of addresses the one of work is kept.
fn is_of_work(chosen: &[Term]) -> bool {
    chosen.iter().all(|term| match term.attribute.as_str() {
        "type" => term.text().is_some_and(|kind| kind.eq_ignore_ascii_case("work")),
        _ => true,
    })
}

fn roles(said: &mut Said, op: Op, place: &patch::Place, value: &Value) -> Result<(), Problem> {
    let mut now = said.roles.take().unwrap_or_default();
    let named = values("roles", value)?;
    let by_filter: Vec<&str> = place
        .chosen
        .iter()
        .filter(|term| term.attribute == "value")
        .filter_map(Term::text)
        .collect();
    if op == Op::Remove && by_filter.len() != place.chosen.len() {
        return Err(fault("invalidPath", "Roles that are removed are chosen by their value."));
    }
    match op {
        Op::Add => now.extend(named),
        Op::Replace => now = named,
        Op::Remove if !by_filter.is_empty() => now.retain(|role| !by_filter.contains(&&**role)),
        Op::Remove if !named.is_empty() => now.retain(|role| !named.contains(role)),
        Op::Remove => now.clear(),
    }
    let mut once: Vec<String> = Vec::new();
    for role in now {
        if !once.contains(&role) {
            once.push(role);
        }
    }
    if once.len() > MAX_VALUES {
        return Err(fault("tooMany", format!("A user has at most {MAX_VALUES} roles.")));
    }
    said.roles = Some(once);
    Ok(())
}

async fn remove(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tries = 0;
    loop {
        let (person, _) = Person::get(&call.scope, &id)?;
        Target { tag: &person.tag(), exists: true }.matches(&headers)?;
        match person.remove(&call) {
            Err(problem) if problem.reason == "changed-meanwhile" && tries < TRIES => tries += 1,
            Err(problem) => return Err(problem),
            Ok(()) => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
}
