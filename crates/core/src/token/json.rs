//! Strict JSON, of which two readers can't make two things:
//!
//! 1. RFC 8259 to the letter: nothing after the value, UTF-8 alone, finite numbers, no lone surrogate.
//! 2. An object with a member twice is refused at any depth (RFC 7519, section 4 leaves the choice).
//! 3. Objects and lists are nested at most [`MAX_DEPTH`] deep, and have a bounded number of values
//!    in all, so that few bytes can't ask for much work.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The deepest nesting of objects and lists.
pub const MAX_DEPTH: u8 = 16;

/// The most values, counted at every depth, in what is not a token: a key set, a record.
pub const MAX_VALUES: u32 = 65_536;

/// Parses one JSON object and nothing after it.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    object_of(bytes, MAX_VALUES)
}

/// Parses one JSON object of at most so many values.
pub(super) fn object_of(
    bytes: &[u8],
    max_values: u32,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut left = max_values;
    let value = Strict { depth: MAX_DEPTH, left: &mut left }.deserialize(&mut reader)?;
    reader.end()?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(serde_json::Error::custom("not an object")),
    }
}

/// What may still come.
struct Strict<'b> {
    depth: u8,
    left: &'b mut u32,
}

impl Strict<'_> {
    fn deeper<E: Error>(&mut self) -> Result<Strict<'_>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Strict { depth, left: self.left })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.deeper()?)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, object, object_of};

    #[test]
    fn strictness() {
        for (name, text, accepted) in [
            ("plain", r#"{"a":1,"b":[true,null,-2,1.5,"x"],"c":{"a":1}}"#, true),
            ("the same name at two depths", r#"{"a":{"a":{"a":1}}}"#, true),
            ("white space", "\t{\r\n\"a\" : 1 } \n", true),
            ("twice", r#"{"a":1,"a":1}"#, false),
            ("twice by escape", r#"{"a":1,"\u0061":2}"#, false),
            ("twice inside", r#"{"b":[{"a":1,"a":2}]}"#, false),
            ("something after it", r#"{"a":1} x"#, false),
            ("two values", r#"{"a":1}{"a":1}"#, false),
            ("array", "[]", false),
            ("NaN", r#"{"a":NaN}"#, false),
            ("huge number", r#"{"a":1e999}"#, false),
            ("leading zero", r#"{"a":01}"#, false),
            ("plus sign", r#"{"a":+1}"#, false),
            ("trailing comma", r#"{"a":1,}"#, false),
            ("comment", r#"{"a":1/**/}"#, false),
            ("single quotes", "{'a':1}", false),
            ("byte order mark", "\u{feff}{}", false),
            ("lone surrogate", r#"{"a":"\ud800"}"#, false),
            ("raw control character", "{\"a\":\"\n\"}", false),
            ("nothing", "", false),
        ] {
            assert_eq!(object(text.as_bytes()).is_ok(), accepted, "{name}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn bounds() {
        let nested = |depth: usize| {
            let lists = depth - 1;
            format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists))
        };
        let deepest = usize::from(MAX_DEPTH);
        assert!(object(nested(deepest).as_bytes()).is_ok());
        assert!(object(nested(deepest + 2).as_bytes()).is_err());
        assert!(object(nested(100_000).as_bytes()).is_err());
        let list = |length: usize| format!(r#"{{"a":[{}]}}"#, vec!["1"; length].join(","));
        assert!(object_of(list(8).as_bytes(), 10).is_ok());
        assert!(object_of(list(9).as_bytes(), 10).is_err());
        assert!(object(list(70_000).as_bytes()).is_err());
    }
}
