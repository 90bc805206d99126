//! Any request gets one verdict, and a permit only what its host, its token and its address allow.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::session::Record;
use sekisho_core::{Reason, Verdict};
use sekisho_fuzz::{TOKENS, judge, request, upstream};

/// The tenant that a token of the policy's is good for.
fn tenant_of(word: &str) -> &str {
    if word == "$admin" { "acme" } else { &word[1..] }
}

fuzz_target!(|text: &[u8]| {
    let Some(request) = request(text) else { return };
    let decision = judge(request.clone(), &Record::Absent);
    let again = judge(request.clone(), &Record::Absent);
    match (&decision.verdict, &again.verdict) {
        (Verdict::Deny(first), Verdict::Deny(second)) => assert_eq!(first, second),
        (Verdict::Permit(permit), Verdict::Permit(second)) => {
            assert_eq!(permit.headers(), second.headers());
            upstream::check(&request, permit);
            if permit.route().is_public() {
                return;
            }
            let sent = |token: &str| {
                let token = token.as_bytes();
                let mut values = request.headers.iter().map(|(_, value)| value);
                values.any(|value| value.windows(token.len()).any(|window| window == token))
            };
            let mut sent = TOKENS.iter().filter(|(_, token)| sent(token));
            let good = sent.any(|(word, _)| tenant_of(word) == permit.tenant().id().as_str());
            assert!(good, "{} without a token for it", permit.tenant().id());
            let unreadable = judge(request.clone(), &Record::Unavailable).verdict;
            assert!(
                matches!(unreadable, Verdict::Deny(ref denial) if denial.reason() == Reason::StateUnavailable),
                "permitted by a state that can't be read"
            );
        }
        _ => panic!("two verdicts"),
    }
});
