//! Lists (RFC 7644, section 3.4.2), and which attributes an answer has (section 3.9).

use super::fault;
use super::filter::{self, Term};
use crate::problem::Problem;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use serde_json::{Map, Value, json};

/// The most resources of one answer.
pub(super) const MAX_PAGE: usize = 200;
const PAGE: usize = 100;

/// What a query asks for.
#[derive(Debug, Default)]
pub(super) struct Query {
    filter: Option<String>,
    start: usize,
    count: usize,
    attributes: Vec<String>,
    excluded: Vec<String>,
}

impl Query {
    /// Reads it; parameters that mean nothing here are passed over.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Problem> {
        let mut query = Self { start: 1, count: PAGE, ..Self::default() };
        let pairs: Vec<(String, String)> =
            axum::extract::Query::try_from_uri(&uri(text.unwrap_or_default())?)
                .map(|pairs| pairs.0)
                .map_err(|_| fault("invalidValue", "The query can't be read."))?;
        for (name, value) in pairs {
            query.set(&name, value)?;
        }
        Ok(query)
    }

    /// The same of the body of a search (RFC 7644, section 3.4.3).
    pub(super) fn of(body: &Map<String, Value>) -> Result<Self, Problem> {
        let mut query = Self { start: 1, count: PAGE, ..Self::default() };
        for (name, value) in body {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Array(items) => {
                    let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                    names.join(",")
                }
                other => other.to_string(),
            };
            query.set(name, text)?;
        }
        Ok(query)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let list = || value.split(',').map(top).collect();
        match name.to_ascii_lowercase().as_str() {
            "startindex" => self.start = number(&value)?.max(1),
            "count" => self.count = number(&value)?.min(MAX_PAGE),
            "attributes" => self.attributes = list(),
            "excludedattributes" => self.excluded = list(),
            "filter" => self.filter = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// The comparisons of its filter.
    pub(super) fn terms(&self) -> Result<Vec<Term>, Problem> {
        self.filter.as_deref().map_or_else(|| Ok(Vec::new()), filter::parse)
    }

    /// The part of a list that is asked for.
    pub(super) fn page<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.start - 1).take(self.count).collect()
    }

    /// Whether an answer has an attribute, which may be dear to find out.
    pub(super) fn wants(&self, attribute: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == attribute);
        (self.attributes.is_empty() || named(&self.attributes)) && !named(&self.excluded)
    }

    /// The resource with the attributes that are asked for.
    pub(super) fn project(&self, resource: Value) -> Value {
        let Value::Object(object) = resource else { return resource };
        let kept = object.into_iter().filter(|(name, _)| {
            matches!(name.as_str(), "schemas" | "id") || self.wants(&name.to_ascii_lowercase())
        });
        Value::Object(kept.collect::<Map<_, _>>())
    }
}

fn uri(query: &str) -> Result<Uri, Problem> {
    format!("/?{query}").parse().map_err(|_| fault("invalidValue", "The query can't be read."))
}

/// The attribute that a path of one begins with, in lower case.
fn top(path: &str) -> String {
    let plain = filter::plain(path.trim());
    plain.split('.').next().unwrap_or_default().to_owned()
}

/// A number of a query; less than nothing is nothing (RFC 7644, section 3.4.2.4).
fn number(text: &str) -> Result<usize, Problem> {
    let number: i64 = text.parse().map_err(|_| fault("invalidValue", "That is no number."))?;
    Ok(usize::try_from(number.max(0)).unwrap_or(usize::MAX))
}

/// The body of a list.
pub(super) fn response(query: &Query, total: usize, resources: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": query.start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// Says where a new resource is.
pub(super) fn located(response: &mut Response, resource: &Value) {
    let place = resource.pointer("/meta/location").and_then(Value::as_str).unwrap_or_default();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
}
