//! Whatever fields a request has: what the origin sees of them is clean.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::Verdict;
use sekisho_core::session::Record;
use sekisho_fuzz::{fields, judge, public_request, upstream};

fuzz_target!(|text: &[u8]| {
    let mut fields = fields(text);
    fields.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    fields.push(("host".into(), b"acme.example.jp".to_vec()));
    let request = public_request("203.0.113.9:1", fields);
    if let Verdict::Permit(permit) = judge(request.clone(), &Record::Unavailable).verdict {
        upstream::check(&request, &permit);
        let lengths = request.headers.values("content-length").count();
        let chunked = request.headers.values("transfer-encoding").count();
        assert!(lengths <= 1 && (lengths == 0 || chunked == 0), "two framings");
        assert_eq!(permit.content_length().is_some(), lengths == 1);
        let sizes = request.headers.iter().map(|(name, value)| name.len() + value.len());
        let sizes: Vec<usize> = sizes.collect();
        assert!(sizes.len() <= 100 && sizes.iter().sum::<usize>() <= 32 * 1024, "too large");
    }
});
