//! PATCH (RFC 7644, section 3.5.2), as Entra ID and Okta write it: operations with or without a path, their names in
//! whatever case, values as strings where they are booleans.

use super::fault;
use super::filter::{self, Term};
use crate::problem::Problem;
use serde_json::{Map, Value};

/// The most operations of one request.
const MAX_OPERATIONS: usize = 1_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

/// To what an operation is done: `emails[type eq "work"].value` is `emails.value` of those that the filter holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) attribute: String,
    pub(super) chosen: Vec<Term>,
}

/// One change of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) op: Op,
    pub(super) place: Place,
    pub(super) value: Value,
}

/// Reads the operations; one without a path is one for each attribute of its value.
pub(super) fn read(body: &Map<String, Value>) -> Result<Vec<Operation>, Problem> {
    let operations = member(body, "operations").and_then(Value::as_array);
    let operations = operations
        .filter(|operations| !operations.is_empty())
        .ok_or_else(|| fault("invalidSyntax", "Operations is a list of at least one operation."))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(fault("tooMany", "One request has at most 1,000 operations."));
    }
    let mut all = Vec::new();
    for operation in operations {
        one(operation, &mut all)?;
    }
    Ok(all)
}

fn one(operation: &Value, all: &mut Vec<Operation>) -> Result<(), Problem> {
    let object = operation
        .as_object()
        .ok_or_else(|| fault("invalidSyntax", "An operation is an object."))?;
    let op = member(object, "op").and_then(Value::as_str).unwrap_or_default();
    let op = match op.to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "replace" => Op::Replace,
        "remove" => Op::Remove,
        _ => return Err(fault("invalidSyntax", "op is add, replace or remove.")),
    };
    let value = member(object, "value").cloned().unwrap_or(Value::Null);
    match member(object, "path") {
        Some(Value::String(path)) if !path.is_empty() => {
            let place = place(path)?;
            if op != Op::Remove && member(object, "value").is_none() {
                return Err(fault("invalidValue", "The operation has no value."));
            }
            all.push(Operation { op, place, value });
            Ok(())
        }
        None | Some(Value::Null) if op != Op::Remove => {
            let Value::Object(attributes) = value else {
                return Err(fault("invalidValue", "Without a path the value is an object."));
            };
            for (path, value) in attributes {
                // What stands there is a path as well: name.givenName, or with the name of its schema.
                let place = place(&path)?;
                all.push(Operation { op, place, value });
            }
            Ok(())
        }
        None | Some(Value::Null) => Err(fault("noTarget", "What is removed needs a path.")),
        Some(_) => Err(fault("invalidPath", "path is a string.")),
    }
}

/// A member in whatever case.
fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn place(path: &str) -> Result<Place, Problem> {
    let unreadable = || fault("invalidPath", "The path can't be read.");
    if path.len() > 1_024 {
        return Err(unreadable());
    }
    let Some((attribute, rest)) = path.split_once('[') else {
        return Ok(Place { attribute: filter::plain(path), chosen: Vec::new() });
    };
    let (inner, after) = rest.rsplit_once(']').ok_or_else(unreadable)?;
    if !(after.is_empty() || after.starts_with('.')) {
        return Err(unreadable());
    }
    let attribute = filter::plain(attribute) + &after.to_ascii_lowercase();
    let chosen = filter::parse(inner).map_err(|_| unreadable())?;
    Ok(Place { attribute, chosen })
}
