//! What a component printed, as the beginning of a record.
//!
//! A line that is a JSON object stays as it is, byte for byte. Any other is kept as text. So is an object that says
//! what only the trail says: a member of a link's name, or an event of the trail's own.

use crate::event::{OWN, TEXT};
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::json;
use std::fmt;

/// The longest text that is kept of a line that is no object, in bytes.
const LONGEST_TEXT: usize = 4096;

/// Members that the trail adds.
const RESERVED: [&str; 4] = ["chain", "seq", "prev", "component"];

/// A JSON object without its last brace. `component` is who printed the line, if it is not the gateway itself: what others print
/// must not pass for the gateway's word.
pub(crate) fn object(line: &[u8], component: Option<&str>, now: Timestamp) -> Vec<u8> {
    let line = line.trim_ascii();
    // A line feed between members would be an end of a line that is none.
    let is_line = line.starts_with(b"{") && memchr::memchr(b'\n', line).is_none();
    let is_record = is_line
        && std::str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<Shape>(text).is_ok());
    let mut object = if is_record {
        line.to_vec()
    } else {
        let text = bounded(&String::from_utf8_lossy(line));
        // The order of members is the one in which they stand here.
        format!(r#"{{"v":1,"event":"{TEXT}","time":"{now:.6}","text":{}}}"#, json!(text))
            .into_bytes()
    };
    object.pop();
    if let Some(component) = component {
        let comma = if object.last() == Some(&b'{') { "" } else { "," };
        object.extend(format!(r#"{comma}"component":{}"#, json!(bounded(component))).into_bytes());
    }
    object
}

/// Printable ASCII of at most [`LONGEST_TEXT`] characters; everything else becomes `?`, so that a record can't move a
/// terminal's cursor in a viewer that unescapes JSON.
fn bounded(text: &str) -> String {
    let mut kept: String = text
        .chars()
        .take(LONGEST_TEXT)
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect();
    if text.chars().nth(LONGEST_TEXT).is_some() {
        kept.push_str("...");
    }
    kept
}

/// An object without anything that is the trail's own.
struct Shape;

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Reserved => return Err(A::Error::custom("a name of the trail's")),
                        Key::Event => {
                            let event: serde_json::Value = map.next_value()?;
                            if OWN.iter().any(|own| event == *own) {
                                return Err(A::Error::custom("an event of the trail's"));
                            }
                        }
                        Key::Other => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Shape)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A member's name, without a copy of it.
enum Key {
    Reserved,
    Event,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    "event" => Key::Event,
                    name if RESERVED.contains(&name) => Key::Reserved,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn whole(line: &[u8], component: Option<&str>) -> (String, Value) {
        let mut text = object(line, component, "2026-11-28T09:00:00Z".parse().unwrap());
        text.push(b'}');
        let text = String::from_utf8(text).unwrap();
        let json = serde_json::from_str(&text).unwrap();
        (text, json)
    }

    #[test]
    fn an_object_stays_as_it_is() {
        for line in
            [r#"{"v":1,"a":[{"seq":1}]}"#, "{}", r#"{"event":"stream-end"}"#, r#"{ "b" : 2 }"#]
        {
            assert_eq!(whole(line.as_bytes(), None).0, line);
        }
        assert_eq!(whole(b" {\"a\":1}\r", None).0, r#"{"a":1}"#);
        assert_eq!(whole(b"{\"a\":1}", Some("admin")).0, r#"{"a":1,"component":"admin"}"#);
        assert_eq!(whole(b"{}", Some("admin")).0, r#"{"component":"admin"}"#);
    }

    #[test]
    fn anything_else_is_text() {
        for line in [
            &b"hello"[..],
            b"",
            b"[1]",
            b"{\"a\":1} {\"b\":2}",
            b"{\"a\":1,}",
            b"{\n\"a\":1}",
            b"{\"a\":\"\xff\"}",
            b"\xff\x1b[2J",
            br#"{"seq":1}"#,
            br#"{"pr\u0065v":1}"#,
            br#"{"component":"gateway"}"#,
            br#"{"event":"checkpoint"}"#,
            br#"{"event":"tor\u006e"}"#,
        ] {
            let (text, json) = whole(line, None);
            assert_eq!(json["event"], "text", "{text}");
            assert_eq!(json["time"], "2026-11-28T09:00:00.000000Z");
            assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
        }
        let (_, json) = whole(&vec![b'x'; 2 * LONGEST_TEXT], Some("c\u{1b}"));
        assert_eq!(json["text"].as_str().unwrap().len(), LONGEST_TEXT + 3);
        assert_eq!(json["component"], "c?");
    }

    proptest! {
        #[test]
        fn whatever_is_printed_becomes_one_line_of_json(line in any::<Vec<u8>>()) {
            let (text, json) = whole(&line, None);
            prop_assert!(json.is_object() && !text.contains('\n'));
        }
    }
}
