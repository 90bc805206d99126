//! The JSON Schema of the policy's files, from the types that read them, for editors.
//!
//! Draft 7, which every editor of TOML knows. It says what keys there are and what they may hold; what
//! must hold between them is `check`'s to say.

use super::{
    BlocksSource, ClaimSource, Gateway, NetworkSource, Spanned, TenantSource, WordOrBlocks,
};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;

/// The schema of `gateway.toml`.
pub fn gateway() -> Value {
    of::<Gateway>("Sekisho: gateway.toml")
}

/// The schema of `tenants/<id>.toml`.
pub fn tenant() -> Value {
    of::<TenantSource>("Sekisho: tenants/<id>.toml")
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema.to_value()
}

/// TOML has no null: what is optional is left out. A description's line breaks are the source's.
fn plain(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    let null = |value: &Value| {
        value == "null" || value.get("type").is_some_and(|kind| kind == "null") || value.is_null()
    };
    for key in ["type", "anyOf", "enum"] {
        let Some(Value::Array(choices)) = schema.get_mut(key) else { continue };
        choices.retain(|choice| !null(choice));
        if choices.len() == 1
            && let Some(only) = choices.pop()
        {
            schema.remove(key);
            match only {
                Value::Object(members) => schema.ensure_object().extend(members),
                word => drop(schema.insert(key.into(), word)),
            }
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl JsonSchema for WordOrBlocks {
    fn schema_name() -> Cow<'static, str> {
        "WordOrBlocks".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A word, or a list of CIDR blocks",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}

impl JsonSchema for ClaimSource {
    fn schema_name() -> Cow<'static, str> {
        "ClaimSource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a claim, or a list of names from the outside in",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}

impl JsonSchema for NetworkSource {
    fn schema_name() -> Cow<'static, str> {
        "NetworkSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "\"any\", a list of CIDR blocks to allow, or the blocks to allow and those to deny",
            "anyOf": [
                { "const": "any" },
                { "type": "array", "items": { "type": "string" } },
                generator.subschema_for::<BlocksSource>(),
            ],
        })
    }
}
