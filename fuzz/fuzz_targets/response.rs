//! Whatever an origin answers: nothing internal goes out, and no other tenant's answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::response::ResponseRules;
use sekisho_core::session::Record;
use sekisho_core::{Headers, Verdict};
use sekisho_fuzz::{fields, judge, request};
use std::sync::LazyLock;

static RULES: LazyLock<ResponseRules<'static>> = LazyLock::new(|| {
    let request = request(
        b"GET /api/assistants 203.0.113.9:1\nhost: acme.example.jp\nauthorization: Bearer $acme",
    )
    .expect("a request");
    match judge(request, &Record::Absent).verdict {
        Verdict::Permit(permit) => permit.into_parts().0,
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => panic!("the request is right, but {}", denial.reason()),
    }
});

fuzz_target!(|text: &[u8]| {
    let answer = Headers::new(fields(text));
    let Ok(seen) = RULES.judge(&answer, "acme.example.jp") else { return };
    assert!(answer.values("x-tenant-id").all(|tenant| tenant == b"acme"));
    assert!(answer.values("x-tenant-id").next().is_some(), "the answer names no tenant");
    for once in ["strict-transport-security", "x-content-type-options"] {
        assert_eq!(seen.values(once).count(), 1, "{once}");
    }
    assert!(seen.values("cache-control").next().is_some());
    for (name, value) in seen.iter() {
        assert!(!name.starts_with("x-tenant-") && !name.starts_with("sekisho-"), "{name}");
        if name == "location" || name == "content-location" {
            let sent = String::from_utf8_lossy(value);
            let within = !sent.starts_with("//")
                && sent.split(['/', '?', '#']).next().is_none_or(|first| !first.contains(':'));
            assert!(within || sent.starts_with("https://acme.example.jp/"), "{sent}");
            assert!(!sent.contains(|c: char| c <= ' ' || c == '\\'), "{sent}");
        }
        if name == "set-cookie" {
            let cookie = String::from_utf8_lossy(value).to_lowercase();
            let name = cookie.trim_start_matches([' ', '\t']);
            assert!(!name.starts_with("__host-sekisho"), "{cookie}");
            assert!(!cookie.contains(|c: char| c.is_ascii_control() && c != '\t'), "{cookie:?}");
        }
    }
});
