//! What this provider can do (RFC 7643, sections 5 to 7): the same for everybody.

use super::groups::GROUP;
use super::list::{self, Query};
use super::resource::USER;
use super::{PREFIX, SubjectBy, json};
use crate::call::Call;
use crate::problem::Problem;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Router, routing};
use serde_json::{Value, json as value};

pub(super) fn router() -> Router {
    Router::new()
        .route("/ServiceProviderConfig", routing::get(config))
        .route("/ResourceTypes", routing::get(types))
        .route("/ResourceTypes/{name}", routing::get(one_type))
        .route("/Schemas", routing::get(schemas))
        .route("/Schemas/{name}", routing::get(one_schema))
}

fn at(call: &Call, path: &str) -> String {
    format!("https://{}{PREFIX}/{path}", call.host())
}

async fn config(Extension(call): Extension<Call>) -> Response {
    let no = value!({"supported": false});
    let config = value!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": list::MAX_PAGE},
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token with the role provisioner, which the operator issues",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": at(&call, "ServiceProviderConfig"),
        },
    });
    json(StatusCode::OK, &config, None)
}

fn resource_types(call: &Call) -> [Value; 2] {
    [("User", "Users", USER), ("Group", "Groups", GROUP)].map(|(name, endpoint, schema)| {
        value!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": format!("/{endpoint}"),
            "schema": schema,
            "meta": {
                "resourceType": "ResourceType",
                "location": at(call, &format!("ResourceTypes/{name}")),
            },
        })
    })
}

fn listed(all: impl Into<Vec<Value>>) -> Result<Response, Problem> {
    let all = all.into();
    Ok(json(StatusCode::OK, &list::response(&Query::read(None)?, all.len(), &all), None))
}

fn named(all: impl IntoIterator<Item = Value>, id: &str) -> Result<Response, Problem> {
    let found = all.into_iter().find(|one| one["id"] == id);
    let found = found.ok_or_else(|| Problem::not_found("resource"))?;
    Ok(json(StatusCode::OK, &found, None))
}

async fn types(Extension(call): Extension<Call>) -> Result<Response, Problem> {
    listed(resource_types(&call))
}

async fn one_type(
    Extension(call): Extension<Call>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    named(resource_types(&call), &name)
}

async fn schemas(Extension(call): Extension<Call>) -> Result<Response, Problem> {
    listed(all_schemas(&call))
}

async fn one_schema(
    Extension(call): Extension<Call>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    named(all_schemas(&call), &name)
}

/// An attribute as most are: one string that may be written, and is no key.
fn attribute(name: &str, description: &str, differs: &Value) -> Value {
    let mut attribute = value!({
        "name": name,
        "type": "string",
        "multiValued": false,
        "description": description,
        "required": false,
        "caseExact": false,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    });
    if let (Some(attribute), Some(differs)) = (attribute.as_object_mut(), differs.as_object()) {
        attribute.extend(differs.clone());
    }
    attribute
}

fn all_schemas(call: &Call) -> [Value; 2] {
    // The subject of tokens stays.
    let by_name = call.scim().is_ok_and(|settings| settings.subject == SubjectBy::UserName);
    let mutability = if by_name { "immutable" } else { "readWrite" };
    let plain = value!({});
    let read_only = value!({"mutability": "readOnly"});
    let user = value!([
        attribute(
            "userName",
            "By which the user signs in",
            &value!({"required": true, "uniqueness": "server", "mutability": mutability})
        ),
        attribute("displayName", "The user's name, as people write it", &plain),
        attribute(
            "name",
            "The parts of the name",
            &value!({"type": "complex", "subAttributes": [
                attribute("givenName", "The given name", &plain),
                attribute("familyName", "The family name", &plain),
            ]})
        ),
        attribute(
            "active",
            "Whether the user may come",
            &value!({"type": "boolean", "required": true})
        ),
        attribute(
            "emails",
            "Where mail reaches the user; one is kept",
            &value!({"type": "complex", "multiValued": true, "subAttributes": [
                attribute("value", "The address", &plain),
                attribute("type", "work", &value!({"canonicalValues": ["work"]})),
            ]})
        ),
        attribute(
            "roles",
            "The user's roles",
            &value!({"type": "complex", "multiValued": true, "subAttributes": [
                attribute("value", "The role", &value!({"caseExact": true})),
            ]})
        ),
        attribute(
            "groups",
            "The user's groups",
            &value!({"type": "complex", "multiValued": true, "mutability": "readOnly", "subAttributes": [
                attribute("value", "The group's id", &read_only),
                attribute("display", "The group's name", &read_only),
                attribute("$ref", "Where the group is", &value!({"type": "reference", "mutability": "readOnly", "referenceTypes": ["Group"]})),
            ]})
        ),
    ]);
    let immutable = value!({"mutability": "immutable"});
    let group = value!([
        attribute(
            "displayName",
            "The group's name",
            &value!({"required": true, "uniqueness": "server"})
        ),
        attribute(
            "members",
            "Who is in the group",
            &value!({"type": "complex", "multiValued": true, "subAttributes": [
                attribute("value", "The user's id", &immutable),
                attribute("$ref", "Where the user is", &value!({"type": "reference", "mutability": "immutable", "referenceTypes": ["User"]})),
                attribute("type", "User", &value!({"mutability": "immutable", "canonicalValues": ["User"]})),
            ]})
        ),
    ]);
    [(USER, "User", user), (GROUP, "Group", group)].map(|(id, name, attributes)| {
        value!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id,
            "name": name,
            "description": name,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": at(call, &format!("Schemas/{id}"))},
        })
    })
}
