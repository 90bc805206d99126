//! A user as SCIM has him (RFC 7643, section 4.1), and as his record has him.
//!
//! | SCIM | record |
//! | --- | --- |
//! | `id` | the last part of the key |
//! | `userName`, `externalId`, `name.givenName`, `name.familyName` | `scim`; a user who was not provisioned has his subject for a name |
//! | `displayName` | `name` |
//! | `emails`, one | `email` |
//! | `roles` | those of `roles` that the operator lets SCIM give |
//! | `groups`, read only | `groups`, as far as there are resources of them |
//! | `active` | `state`: `false` is `suspended`, and only who was suspended by SCIM comes back by it |

use super::{PREFIX, Settings, fault};
use crate::problem::Problem;
use sekisho_core::directory::{Scim, State, User};
use sekisho_core::records::key;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The schema of users.
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The most values of one attribute that are looked at.
pub(super) const MAX_VALUES: usize = 256;

/// The most members of a group that one request names.
const MAX_MEMBERS: usize = 10_000;

/// Roles that no identity provider gives: who has them may change rights, and who holds its token would have given them to
/// himself.
pub(super) fn is_reserved(role: &str) -> bool {
    role == crate::api::ROLE || role == super::ROLE
}

/// What SCIM can say of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) user_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) formatted: Option<String>,
    pub(super) email: Option<String>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) active: Option<bool>,
}

impl Said {
    /// What a record says.
    pub(super) fn of(settings: &Settings, subject: &str, user: &User) -> Self {
        let scim = user.scim.as_ref();
        Self {
            user_name: Some(name(subject, user).to_owned()),
            external_id: scim.and_then(|scim| scim.external_id.clone()),
            given_name: scim.and_then(|scim| scim.given_name.clone()),
            family_name: scim.and_then(|scim| scim.family_name.clone()),
            display_name: user.name.clone(),
            formatted: None,
            email: user.email.clone(),
            roles: Some(user.roles.iter().filter(|role| settings.gives(role)).cloned().collect()),
            active: Some(user.state == State::Active),
        }
    }

    /// Reads a whole resource. Attributes that are not kept are passed over: directories send all that they know.
    pub(super) fn read(resource: &Map<String, Value>) -> Result<Self, Problem> {
        let mut said = Self::default();
        for (attribute, value) in resource {
            said.set(&super::filter::plain(attribute), value)?;
        }
        Ok(said)
    }

    /// Gives an attribute a value; `null` and an empty list take it away (RFC 7643, section 2.5).
    pub(super) fn set(&mut self, attribute: &str, value: &Value) -> Result<(), Problem> {
        match attribute {
            "username" => self.user_name = text("userName", value)?,
            "externalid" => self.external_id = text("externalId", value)?,
            "displayname" => self.display_name = text("displayName", value)?,
            "active" => self.active = Some(boolean(value)?),
            "name.givenname" => self.given_name = text("name.givenName", value)?,
            "name.familyname" => self.family_name = text("name.familyName", value)?,
            "name.formatted" => self.formatted = text("name.formatted", value)?,
            "name" => self.name(value)?,
            "emails" => self.email = email(value)?,
            "emails.value" => self.email = text("emails.value", value)?,
            "roles" => self.roles = Some(values("roles", value)?),
            "roles.value" => self.roles = Some(text("roles.value", value)?.into_iter().collect()),
            _ => {}
        }
        Ok(())
    }

    fn name(&mut self, value: &Value) -> Result<(), Problem> {
        let parts = match value {
            Value::Null => {
                (self.given_name, self.family_name, self.formatted) = (None, None, None);
                return Ok(());
            }
            Value::Object(parts) => parts,
            _ => return Err(fault("invalidValue", "name is an object.")),
        };
        for (part, value) in parts {
            self.set(&format!("name.{}", part.to_ascii_lowercase()), value)?;
        }
        Ok(())
    }

    /// The record that says so. What SCIM does not know of stays.
    pub(super) fn user(
        &self,
        before: Option<&User>,
        settings: &Settings,
        now: i64,
    ) -> Result<User, Problem> {
        let user_name = self.user_name.clone().filter(|name| !name.is_empty());
        let user_name = user_name.ok_or_else(|| fault("invalidValue", "userName is required."))?;
        let own = before.and_then(|user| user.scim.as_ref());
        let was = before.map_or(State::Active, |user| user.state);
        let is_own = own.is_some_and(|scim| scim.suspended) && was == State::Suspended;
        let (state, suspended) = match (self.active.unwrap_or(true), was) {
            (true, State::Suspended) if is_own => (State::Active, false),
            (false, State::Active) => (State::Suspended, true),
            (_, was) => (was, is_own),
        };
        let kept = before.map(|user| &user.roles).into_iter().flatten();
        let mut roles: Vec<String> = kept.filter(|role| !settings.gives(role)).cloned().collect();
        roles.extend(self.roles.clone().unwrap_or_else(|| settings.default_roles.clone()));
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let full = [&self.given_name, &self.family_name];
        let full: Vec<&str> = full.into_iter().flatten().map(String::as_str).collect();
        let name = said(&self.display_name).or_else(|| said(&self.formatted));
        let same = before.filter(|user| user.state == state);
        let created = own.map_or(now, |scim| scim.created);
        Ok(User {
            state,
            roles,
            groups: before.map(|user| user.groups.clone()).unwrap_or_default(),
            since: same.and_then(|user| user.since).or(Some(now)),
            subject: before.and_then(|user| user.subject.clone()),
            email: said(&self.email),
            // Whoever is new is called by what is known of him; what is taken away later stays away.
            name: name.or_else(|| {
                before.is_none().then(|| full.join(" ")).filter(|name| !name.is_empty())
            }),
            scim: Some(Scim {
                user_name,
                external_id: said(&self.external_id),
                given_name: said(&self.given_name),
                family_name: said(&self.family_name),
                created,
                modified: now,
                suspended,
            }),
        })
    }
}

/// By which name SCIM knows a user.
pub(super) fn name<'u>(subject: &'u str, user: &'u User) -> &'u str {
    user.scim.as_ref().map_or(subject, |scim| &scim.user_name)
}

fn text(attribute: &str, value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if super::is_text(text) => {
            Ok(Some(text.clone()).filter(|text| !text.is_empty()))
        }
        _ => Err(fault(
            "invalidValue",
            format!("{attribute} is a string of one line, of at most 256 characters."),
        )),
    }
}

/// Entra ID writes `"False"` for `false`.
fn boolean(value: &Value) -> Result<bool, Problem> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(fault("invalidValue", "active is true or false.")),
    }
}

/// The values of an attribute that has several: objects with a `value`, or the values themselves.
pub(super) fn values(attribute: &str, value: &Value) -> Result<Vec<String>, Problem> {
    let one = |item: &Value| match item {
        Value::String(text) => Ok(text.clone()),
        Value::Object(object) => match object.get("value") {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(fault("invalidValue", format!("{attribute} has an item without a value."))),
        },
        _ => Err(fault("invalidValue", format!("{attribute} has an item that is no object."))),
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => {
            let most = if attribute == "members" { MAX_MEMBERS } else { MAX_VALUES };
            if items.len() > most {
                return Err(fault("tooMany", format!("{attribute} has more than {most} items.")));
            }
            let found = items.iter().map(one).collect::<Result<Vec<String>, Problem>>()?;
            let mut seen = BTreeSet::new();
            Ok(found.into_iter().filter(|item| seen.insert(item.clone())).collect())
        }
        single => one(single).map(|value| vec![value]),
    }
}

/// The address that is marked as primary, or the one of work, or the first.
fn email(value: &Value) -> Result<Option<String>, Problem> {
    let Value::Array(items) = value else {
        return Ok(values("emails", value)?.into_iter().next());
    };
    let is_primary = |item: &&Value| {
        item.get("primary").is_some_and(|primary| boolean(primary).is_ok_and(|primary| primary))
    };
    let is_work = |item: &&Value| item.get("type").is_some_and(|kind| kind == "work");
    let chosen = items.iter().find(is_primary).or_else(|| items.iter().find(is_work));
    match chosen.or_else(|| items.first()) {
        None => Ok(None),
        Some(item) => {
            let value = values("emails", item)?;
            text("emails.value", &value.into_iter().next().map_or(Value::Null, Value::String))
        }
    }
}

/// A moment as SCIM writes it (RFC 7643, section 2.3.5).
pub(super) fn moment(seconds: i64) -> String {
    sekisho_core::Timestamp::from_second(seconds)
        .map_or_else(|_| String::new(), |moment| moment.to_string())
}

/// Where a resource is.
pub(super) fn location(host: &str, kind: &str, id: &str) -> String {
    format!("https://{host}{PREFIX}/{kind}/{id}")
}

/// The resource of a user. `groups` are those of the tenant, by their names.
pub(super) fn view(
    settings: &Settings,
    host: &str,
    subject: &str,
    user: &User,
    groups: &BTreeMap<String, String>,
    tag: &str,
) -> Value {
    let id = key::segment(subject);
    let said = Said::of(settings, subject, user);
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| drop(resource.insert(name.to_owned(), value));
    put("schemas", json!([USER]));
    put("id", json!(id));
    put("userName", json!(said.user_name));
    put("active", json!(said.active));
    for (name, value) in [("externalId", said.external_id), ("displayName", said.display_name)] {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    let names = [("givenName", said.given_name), ("familyName", said.family_name)];
    let names: Map<String, Value> = names
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect();
    if !names.is_empty() {
        put("name", Value::Object(names));
    }
    if let Some(email) = said.email {
        put("emails", json!([{"value": email, "type": "work"}]));
    }
    let roles: Vec<Value> =
        said.roles.into_iter().flatten().map(|role| json!({"value": role})).collect();
    if !roles.is_empty() {
        put("roles", json!(roles));
    }
    let member = |name: &String| {
        let id = groups.get(name)?;
        Some(json!({"value": id, "display": name, "$ref": location(host, "Groups", id)}))
    };
    let of: Vec<Value> = user.groups.iter().filter_map(member).collect();
    if !of.is_empty() {
        put("groups", json!(of));
    }
    let mut meta =
        json!({"resourceType": "User", "location": location(host, "Users", &id), "version": tag});
    if let (Some(scim), Some(meta)) = (&user.scim, meta.as_object_mut()) {
        meta.insert("created".to_owned(), json!(moment(scim.created)));
        meta.insert("lastModified".to_owned(), json!(moment(scim.modified)));
    }
    put("meta", meta);
    Value::Object(resource)
}
