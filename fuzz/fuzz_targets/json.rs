//! Strict JSON is JSON, with the same meaning; what is JSON and not strict has a member twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::token::json;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let lax: Result<Value, _> = serde_json::from_slice(bytes);
    match (json::value(bytes), lax) {
        (Ok(strict), lax) => {
            assert_eq!(lax.ok().as_ref(), Some(&strict));
            assert_eq!(json::object(bytes).is_ok(), strict.is_object());
        }
        (Err(_), Ok(lax)) => {
            let written = lax.to_string();
            assert!(
                json::value(written.as_bytes()).is_ok(),
                "refused, though nothing stands twice"
            );
        }
        (Err(_), Err(_)) => {}
    }
});
