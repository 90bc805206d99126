//! A key set that is read has public keys only, each with an identifier; of a published one, what is
//! kept is read again as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::policy::WebAddress;
use sekisho_core::token::keys::published::{
    KeptSet, PublishedSet, failure_from_record, jwks_address,
};
use sekisho_core::token::keys::{Algorithm, KeySet, MAX_KEYS};
use sekisho_core::token::own::OwnKeys;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    // Without HS*, whose keys are secrets.
    let algorithms = &Algorithm::ALL[..9];
    let published = PublishedSet::parse(bytes, algorithms);
    if let Ok(published) = &published {
        let kept = published.jwks.to_string();
        let again = PublishedSet::parse(kept.as_bytes(), algorithms).expect("a key set");
        assert_eq!((&again.jwks, again.refused.len()), (&published.jwks, 0));
    }
    let asked = WebAddress::parse("https://idp.example/jwks").expect("an address");
    if let Ok(address) = jwks_address(bytes, "https://idp.example", &asked) {
        assert_eq!(address.origin(), asked.origin());
    }
    // Whatever stands in the store, they answer.
    let _ = KeptSet::from_record(bytes, &asked, algorithms);
    let _ = failure_from_record(bytes, &asked);
    // What is published of own keys reads as the public ones.
    if let Ok(own) = OwnKeys::parse(bytes) {
        let public = KeySet::parse(own.published().as_bytes(), &[Algorithm::EdDSA]);
        assert_eq!(public.is_ok(), own.checking(&[Algorithm::EdDSA]).is_ok());
    }
    match KeySet::parse(bytes, algorithms) {
        Err(why) => assert!(!why.is_empty()),
        Ok(_) => {
            assert!(published.is_ok_and(|published| published.refused.is_empty()));
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
