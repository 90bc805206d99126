//! A revocation record of any bytes: the request passes only if the record says that it may.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::session::Record;
use sekisho_core::{Reason, Verdict};
use sekisho_fuzz::{judge, request};
use serde_json::Value;

/// When the cases' tokens were issued.
const ISSUED: i64 = 1_795_337_940;

fuzz_target!(|record: &[u8]| {
    let request = request(
        b"GET /api/assistants 203.0.113.9:1\nhost: acme.example.jp\nauthorization: Bearer $acme",
    )
    .expect("a request");
    let said: Value = serde_json::from_slice(record).unwrap_or_default();
    let before = said["before"].as_i64();
    match judge(request, &Record::Found(record.to_vec())).verdict {
        Verdict::Permit(_) => {
            assert_eq!(said["v"], 1);
            assert!(before.is_some_and(|before| before < ISSUED), "revoked: {said}");
        }
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => match denial.reason() {
            Reason::SessionRevoked => assert!(before.is_none_or(|before| before >= ISSUED)),
            Reason::StateUnavailable => {}
            other => panic!("{other} by a record"),
        },
    }
});
