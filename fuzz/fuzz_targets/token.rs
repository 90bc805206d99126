//! A token of sound form is one token, and each of its segments has one spelling.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use sekisho_core::Headers;
use sekisho_core::token::{jws, locate};
use sekisho_fuzz::fields;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let fields = fields(text);
    let carriers = fields.iter().filter(|(name, value)| {
        let value = value.as_slice();
        name.eq_ignore_ascii_case("authorization")
            || name.eq_ignore_ascii_case("cookie")
                && value.windows(15).any(|window| window == b"__Host-sekisho=")
    });
    let carriers = carriers.count();
    let headers = Headers::new(fields);
    let Ok(token) = locate::one_token(&headers) else { return };
    assert!(carriers >= 1 && token.text().len() <= locate::MAX_TOKEN);
    let Ok(unverified) = jws::parse(token.text()) else { return };
    let segments: Vec<&str> = token.text().split('.').collect();
    assert_eq!(segments.len(), 3);
    let decoded: Vec<Vec<u8>> = segments
        .iter()
        .map(|segment| {
            let bytes = URL_SAFE_NO_PAD.decode(segment).expect("base64url");
            assert_eq!(URL_SAFE_NO_PAD.encode(&bytes), **segment, "two spellings");
            bytes
        })
        .collect();
    let header: Value = serde_json::from_slice(&decoded[0]).expect("a JSON header");
    let claims: Value = serde_json::from_slice(&decoded[1]).expect("JSON claims");
    assert!(header["alg"].is_string() && header["kid"].is_string());
    for forbidden in ["crit", "jku", "jwk", "x5c", "x5u", "b64"] {
        assert!(header.get(forbidden).is_none(), "{forbidden}");
    }
    assert_eq!(unverified.issuer(), claims["iss"].as_str());
});
