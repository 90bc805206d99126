//! Strict JSON: an object with a member twice is refused at any depth (RFC 8725, section 2.6 and
//! RFC 7519, section 4 leave the choice; two readers choose differently).

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Parses one JSON object and nothing after it.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::from_slice::<Strict>(bytes)?.0 {
        Value::Object(object) => Ok(object),
        _ => Err(serde_json::Error::custom("not an object")),
    }
}

/// Parses one JSON value and nothing after it.
pub fn value(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn strictness() {
        for (name, text, accepted) in [
            ("plain", r#"{"a":1,"b":[true,null,-2,1.5,"x"],"c":{"a":1}}"#, true),
            ("the same name at two depths", r#"{"a":{"a":{"a":1}}}"#, true),
            ("twice", r#"{"a":1,"a":1}"#, false),
            ("twice by escape", r#"{"a":1,"\u0061":2}"#, false),
            ("twice inside", r#"{"b":[{"a":1,"a":2}]}"#, false),
            ("something after it", r#"{"a":1} x"#, false),
            ("two values", r#"{"a":1}{"a":1}"#, false),
            ("array", "[]", false),
            ("NaN", r#"{"a":NaN}"#, false),
            ("huge number", r#"{"a":1e999}"#, false),
            ("trailing comma", r#"{"a":1,}"#, false),
            ("comment", r#"{"a":1/**/}"#, false),
            ("byte order mark", "\u{feff}{}", false),
            ("lone surrogate", r#"{"a":"\ud800"}"#, false),
            ("nothing", "", false),
        ] {
            assert_eq!(object(text.as_bytes()).is_ok(), accepted, "{name}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
        assert!(object(deep.as_bytes()).is_err());
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }
}
