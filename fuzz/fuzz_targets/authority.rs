//! An accepted authority has one spelling, and reading that gives it again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::request::canonical::{Authority, host_name};

fuzz_target!(|text: &str| {
    let name = host_name(text);
    if let Ok(name) = &name {
        assert_eq!(host_name(name).as_ref(), Ok(name));
    }
    let Ok(authority) = Authority::parse(text) else { return };
    let host = authority.host();
    assert!(host.is_ascii() && !host.contains(|c: char| "@/\\?#% _".contains(c)));
    assert_eq!(host, host.to_lowercase());
    assert!(!host.is_empty() && !host.ends_with('.'));
    for other in [authority.to_text(), text.to_uppercase()] {
        let other = Authority::parse(&other).expect("another spelling of what was read");
        assert_eq!((other.host(), other.https_port()), (host, authority.https_port()));
    }
    if !host.starts_with('[') {
        assert_eq!(host_name(host).as_deref(), Ok(host));
    }
});
