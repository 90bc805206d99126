//! `/Groups` (RFC 7644, section 3): their records, and in the users' records who is in them.

use super::filter::Term;
use super::list::{self, Query};
use super::patch::{self, Op, Operation};
use super::resource::{location, moment, values};
use super::users::TRIES;
use super::{Resource, fault, json};
use crate::call::Call;
use crate::people::{self, Person};
use crate::problem::Problem;
use crate::store::Made;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use sekisho_core::records::{decode, encode, key};
use sekisho_core::token::claims::is_name;
use sekisho_directory::edit::{Edit, Was};
use sekisho_directory::groups::Group as Record;
use sekisho_directory::roster::Roster;
use serde_json::{Map, Value, json as value};
use std::collections::BTreeSet;

/// The schema of groups.
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

pub(super) fn router() -> Router {
    Router::new()
        .route("/Groups", routing::get(list_all).post(create))
        .route("/Groups/.search", routing::post(search))
        .route("/Groups/{id}", routing::get(one).put(replace).patch(change).delete(remove))
}

/// A group with its record.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) record: Record,
    key: String,
    was: Vec<u8>,
}

impl Group {
    fn of(tenant: &str, key: String, was: Vec<u8>) -> Result<Self, Problem> {
        let record = decode(&was).map_err(|why| Problem::unavailable(format!("{key} {why}")))?;
        let id = key.strip_prefix(&key::prefix(tenant, "group")).unwrap_or_default().to_owned();
        Ok(Self { id, record, key, was })
    }

    fn get(call: &Call, id: &str) -> Result<Self, Problem> {
        let tenant = call.scope.tenant();
        let key = key::group(tenant, id);
        let was = call.scope.get(&key)?.ok_or_else(|| Problem::not_found("group"))?;
        Self::of(tenant, key, was)
    }
}

/// All groups of the tenant.
pub(super) fn all(call: &Call) -> Result<Vec<Group>, Problem> {
    let entries = call.scope.all("group")?;
    entries.into_iter().map(|(key, was)| Group::of(call.scope.tenant(), key, was)).collect()
}

/// Who is in a group, by identifiers.
fn members(roster: &Roster, name: &str) -> Vec<String> {
    let of = roster.iter().filter(|(_, entry)| entry.user.groups.iter().any(|own| own == name));
    of.map(|(subject, _)| key::segment(subject).into_owned()).collect()
}

fn view(host: &str, group: &Group, members: Option<Vec<String>>) -> Value {
    let Record { display_name, external_id, created, modified } = &group.record;
    let mut resource = value!({
        "schemas": [GROUP],
        "id": group.id,
        "displayName": display_name,
        "meta": {
            "resourceType": "Group",
            "location": location(host, "Groups", &group.id),
            "created": moment(*created),
            "lastModified": moment(*modified),
        },
    });
    if let Some(object) = resource.as_object_mut() {
        if let Some(external_id) = external_id {
            object.insert("externalId".to_owned(), value!(external_id));
        }
        let member = |id: String| value!({"value": id, "type": "User", "$ref": location(host, "Users", &id)});
        let members: Vec<Value> = members.into_iter().flatten().map(member).collect();
        if !members.is_empty() {
            object.insert("members".to_owned(), value!(members));
        }
    }
    resource
}

async fn one(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref())?;
    let group = Group::get(&call, &id)?;
    let members = if query.wants("members") {
        Some(members(&people::all(&call.scope)?, &group.record.display_name))
    } else {
        None
    };
    Ok(json(StatusCode::OK, &query.project(view(call.host(), &group, members)), None))
}

async fn list_all(
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
    let by_member = terms.iter().any(|term| term.attribute.starts_with("members"));
    let roster = if by_member || query.wants("members") {
        people::all(&call.scope)?
    } else {
        Roster::default()
    };
    let mut found = Vec::new();
    for group in all(call)? {
        if holds(&terms, &group, &roster)? {
            found.push(group);
        }
    }
    let total = found.len();
    let page = query.page(found).into_iter().map(|group| {
        let members = query.wants("members").then(|| members(&roster, &group.record.display_name));
        query.project(view(call.host(), &group, members))
    });
    Ok(json(StatusCode::OK, &list::response(query, total, &page.collect::<Vec<_>>()), None))
}

fn holds(terms: &[Term], group: &Group, roster: &Roster) -> Result<bool, Problem> {
    for term in terms {
        let asked = term.text().unwrap_or_default();
        let holds = match term.attribute.as_str() {
            "id" => group.id == asked,
            "displayname" => group.record.display_name.to_lowercase() == asked.to_lowercase(),
            "externalid" => group.record.external_id.as_deref() == Some(asked),
            "members" | "members.value" => {
                members(roster, &group.record.display_name).iter().any(|id| id == asked)
            }
            other => {
                return Err(fault("invalidFilter", format!("Groups are not found by {other}.")));
            }
        };
        if !holds || term.text().is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a request says of a group.
#[derive(Clone, Debug, Default)]
struct Said {
    display_name: Option<String>,
    external_id: Option<String>,
    members: Option<Vec<String>>,
}

impl Said {
    fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        let mut said = Self::default();
        for (attribute, value) in body {
            match super::filter::plain(attribute).as_str() {
                "displayname" => said.display_name = Some(display_name(value)?),
                "externalid" => said.external_id = external_id(value)?,
                "members" => said.members = Some(values("members", value)?),
                _ => {}
            }
        }
        Ok(said)
    }
}

fn display_name(value: &Value) -> Result<String, Problem> {
    let name = value.as_str().filter(|name| is_name(name));
    name.map(str::to_owned).ok_or_else(|| {
        fault("invalidValue", "displayName is a string of one line, of 1 to 256 bytes.")
    })
}

fn external_id(value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if super::is_text(text) => {
            Ok(Some(text.clone()).filter(|id| !id.is_empty()))
        }
        _ => Err(fault("invalidValue", "externalId is a string of one line.")),
    }
}

/// That no other group has the name: by it users' records tell them apart.
fn is_free(call: &Call, name: &str, id: &str) -> Result<(), Problem> {
    let name = name.to_lowercase();
    let taken = |group: &Group| group.id != id && group.record.display_name.to_lowercase() == name;
    if all(call)?.iter().any(taken) {
        return Err(fault("uniqueness", "There is a group of this name."));
    }
    Ok(())
}

/// That all of these are users.
fn are_users(call: &Call, ids: &BTreeSet<String>) -> Result<(), Problem> {
    for id in ids {
        Person::get(&call.scope, id).map_err(|problem| match problem.reason {
            "not-found" => fault("invalidValue", "A member is no user."),
            _ => problem,
        })?;
    }
    Ok(())
}

/// Changes the groups of one user, whatever else others do to him meanwhile.
fn regroup(call: &Call, id: &str, change: impl Fn(&mut Vec<String>)) -> Result<(), Problem> {
    let mut tries = 0;
    loop {
        let person = Person::find(&call.scope, id)?;
        let Some(before) = &person.user else { return Ok(()) };
        let mut user = before.clone();
        change(&mut user.groups);
        if user == *before {
            return Ok(());
        }
        match person.write(call, &user) {
            Err(problem) if problem.reason == "changed-meanwhile" && tries < TRIES => tries += 1,
            other => return other.map(drop),
        }
    }
}

fn join(call: &Call, id: &str, name: &str) -> Result<(), Problem> {
    regroup(call, id, |groups| {
        if !groups.iter().any(|own| own == name) {
            groups.push(name.to_owned());
        }
    })
}

fn leave(call: &Call, id: &str, name: &str) -> Result<(), Problem> {
    regroup(call, id, |groups| groups.retain(|own| own != name))
}

/// Makes a group what it shall be. Members first: a change that is cut off is made whole by the same request.
fn write(
    call: &Call,
    group: &Group,
    record: Record,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Result<Group, Problem> {
    let (old, new) = (&group.record.display_name, &record.display_name);
    if old != new {
        is_free(call, new, &group.id)?;
    }
    are_users(call, &(after - before))?;
    for id in before - after {
        leave(call, &id, old)?;
    }
    for id in after {
        if old == new {
            if !before.contains(id) {
                join(call, id, new)?;
            }
            continue;
        }
        regroup(call, id, |groups| {
            groups.retain(|own| own != old && own != new);
            groups.push(new.clone());
        })?;
    }
    if before == after && record == (Record { modified: record.modified, ..group.record.clone() }) {
        return Ok(group.clone());
    }
    let value = encode(&record).ok_or_else(|| fault("invalidValue", "The group is too large."))?;
    match call.scope.swap(&group.key, Some(&group.was), &value)? {
        Made::Conflict => return Err(Problem::changed()),
        Made::Done
            if record.display_name != group.record.display_name
                || record.external_id != group.record.external_id =>
        {
            call.changed(
                "group-changed",
                &format!("group/{}", group.id),
                &["displayName", "externalId"],
            );
        }
        Made::Done => {}
    }
    Ok(Group { record, was: value, ..group.clone() })
}

fn current(call: &Call, group: &Group) -> Result<BTreeSet<String>, Problem> {
    let members = members(&people::all(&call.scope)?, &group.record.display_name);
    Ok(members.into_iter().collect())
}

async fn create(
    Extension(call): Extension<Call>,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    let said = Said::read(&body)?;
    let display_name =
        said.display_name.ok_or_else(|| fault("invalidValue", "displayName is required."))?;
    is_free(&call, &display_name, "")?;
    let members: BTreeSet<String> = said.members.into_iter().flatten().collect();
    are_users(&call, &members)?;
    let now = call.now();
    let record =
        Record { display_name, external_id: said.external_id, created: now, modified: now };
    let id = call.fresh().to_owned();
    let key = key::group(call.scope.tenant(), &id);
    let was = encode(&record).ok_or_else(|| fault("invalidValue", "The group is too large."))?;
    if call.scope.swap(&key, None, &was)? == Made::Conflict {
        return Err(fault("uniqueness", "There is such a group."));
    }
    call.changed(
        "group-created",
        &format!("group/{id}"),
        &["displayName", "externalId", "members"],
    );
    for id in &members {
        join(&call, id, &record.display_name)?;
    }
    let group = Group { id, record, key, was };
    let roster = if members.is_empty() { Roster::default() } else { people::all(&call.scope)? };
    let shown = self::members(&roster, &group.record.display_name);
    let resource = view(call.host(), &group, Some(shown));
    let mut response = json(StatusCode::CREATED, &resource, None);
    list::located(&mut response, &resource);
    Ok(response)
}

async fn replace(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    let said = Said::read(&body)?;
    let group = Group::get(&call, &id)?;
    let display_name =
        said.display_name.ok_or_else(|| fault("invalidValue", "displayName is required."))?;
    let before = current(&call, &group)?;
    let after = said.members.into_iter().flatten().collect();
    let external_id = said.external_id.or_else(|| group.record.external_id.clone());
    let record = Record { display_name, external_id, modified: call.now(), ..group.record.clone() };
    let group = write(&call, &group, record, &before, &after)?;
    let shown = members(&people::all(&call.scope)?, &group.record.display_name);
    Ok(json(StatusCode::OK, &view(call.host(), &group, Some(shown)), None))
}

async fn change(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
    Resource(body): Resource,
) -> Result<Response, Problem> {
    let operations = patch::read(&body)?;
    let group = Group::get(&call, &id)?;
    let mut record = Record { modified: call.now(), ..group.record.clone() };
    let before = current(&call, &group)?;
    let mut after = before.clone();
    for operation in &operations {
        apply(&mut record, &mut after, operation)?;
    }
    write(&call, &group, record, &before, &after)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn apply(
    record: &mut Record,
    members: &mut BTreeSet<String>,
    Operation { op, place, value }: &Operation,
) -> Result<(), Problem> {
    match (place.attribute.as_str(), op) {
        ("displayname", Op::Add | Op::Replace) => record.display_name = display_name(value)?,
        ("displayname", Op::Remove) => {
            return Err(fault("invalidValue", "displayName is required."));
        }
        ("externalid", Op::Remove) => record.external_id = None,
        ("externalid", _) => record.external_id = external_id(value)?,
        ("members", op) => {
            let chosen = place.chosen.iter().filter(|term| term.attribute == "value");
            let chosen: Vec<String> = chosen.filter_map(Term::text).map(str::to_owned).collect();
            if chosen.len() != place.chosen.len() {
                return Err(fault("invalidPath", "Members are chosen by their value."));
            }
            let named: BTreeSet<String> = values("members", value)?.into_iter().collect();
            match op {
                Op::Add => members.extend(named),
                Op::Replace => *members = named,
                Op::Remove if !chosen.is_empty() => {
                    members.retain(|member| !chosen.contains(member));
                }
                Op::Remove if !named.is_empty() => members.retain(|member| !named.contains(member)),
                Op::Remove => members.clear(),
            }
        }
        ("id" | "schemas" | "meta", _) => {}
        (other, _) if other.starts_with("urn:") => {}
        _ => return Err(fault("invalidPath", "No group has this attribute.")),
    }
    Ok(())
}

/// A group goes out of its members' records, and then itself: whoever changes it meanwhile changes what goes.
async fn remove(
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let group = Group::get(&call, &id)?;
    for id in current(&call, &group)? {
        leave(&call, &id, &group.record.display_name)?;
    }
    call.scope.make(&[Edit::remove(group.key.clone(), Was::Unknown)])?;
    call.changed("group-removed", &format!("group/{}", group.id), &[]);
    Ok(StatusCode::NO_CONTENT.into_response())
}
