//! A strict JSON object is that object; an object that is refused is nested too deep, has too many
//! values, or has a member twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::token::json::{MAX_DEPTH, MAX_VALUES, object};
use serde_json::Value;

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let lax: Result<Value, _> = serde_json::from_slice(bytes);
    match (object(bytes), lax) {
        (Ok(strict), lax) => {
            let strict = Value::Object(strict);
            assert!(depth(&strict) <= usize::from(MAX_DEPTH) + 1, "too deep");
            assert_eq!(lax.ok(), Some(strict));
        }
        (Err(_), Ok(lax)) if lax.is_object() && depth(&lax) <= usize::from(MAX_DEPTH) => {
            let many = u32::try_from(bytes.len()).is_ok_and(|bytes| bytes > MAX_VALUES);
            // What serde_json drops of a member that stands twice is all that was wrong.
            assert!(many || object(lax.to_string().as_bytes()).is_ok(), "refused for nothing");
        }
        (Err(_), _) => {}
    }
});
