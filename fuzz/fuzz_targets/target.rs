//! An accepted target is kept byte for byte, and its path means what is written there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::request::target::Target;

/// Percent-decodes once.
fn decode(path: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let (mut decoded, mut bytes) = (Vec::new(), path.as_bytes());
    while let Some((first, rest)) = bytes.split_first() {
        match (first, digit(rest.first()), digit(rest.get(1))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                bytes = &rest[2..];
            }
            _ => {
                decoded.push(*first);
                bytes = rest;
            }
        }
    }
    decoded
}

fuzz_target!(|text: &str| {
    let Ok(target) = Target::parse(text) else { return };
    assert_eq!(target.as_str(), text);
    assert_eq!(Target::parse(target.as_str()).as_ref(), Ok(&target));
    let path = target.path();
    assert_eq!(Some(path), text.split('?').next());
    assert!(Target::parse(path).is_ok_and(|alone| alone.path() == path));
    let once = String::from_utf8(decode(path)).expect("a decoded path is UTF-8");
    assert_eq!(decode(&once), once.as_bytes(), "decoding twice gives another path");
    assert_eq!(once.matches('/').count(), path.matches('/').count(), "a hidden slash");
    assert!(!once.contains(|c: char| c == '\\' || c.is_ascii_control()), "a hidden sign");
    for segment in once.split('/') {
        let name = segment.split(';').next().unwrap_or_default();
        assert!(!matches!(name, "." | ".."), "a dot segment");
    }
});
