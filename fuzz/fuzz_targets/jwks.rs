//! A key set that is read has public keys only, each with an identifier.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::token::keys::{Algorithm, KeySet, MAX_KEYS};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    // Without HS*, whose keys are secrets.
    match KeySet::parse(bytes, &Algorithm::ALL[..9]) {
        Err(why) => assert!(!why.is_empty()),
        Ok(_) => {
            let set: Value = serde_json::from_slice(bytes).expect("JSON");
            let keys = set["keys"].as_array().expect("a list of keys");
            assert!((1..=MAX_KEYS).contains(&keys.len()));
            for key in keys {
                assert!(key["kid"].as_str().is_some_and(|id| !id.is_empty()));
                assert!(["d", "k", "p", "q"].iter().all(|secret| key.get(secret).is_none()));
            }
        }
    }
});
