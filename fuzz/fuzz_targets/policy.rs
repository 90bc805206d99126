//! A policy of any text loads, or every fault has a code, a place in its file and a remedy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::policy::load;
use sekisho_fuzz::FILES;

fuzz_target!(|text: &str| {
    // `=== name` begins a file; the keys are the cases'.
    let mut files = FILES.clone();
    files.retain(|name, _| name.starts_with("keys/"));
    for part in text.split("=== ").skip(1) {
        let (name, text) = part.split_once('\n').unwrap_or((part, ""));
        files.insert(name.to_owned(), text.into());
    }
    match load(&files) {
        Ok(policy) => {
            assert_eq!(policy.digest().len(), 64);
            assert_eq!(
                load(&files).map(|again| again.digest().to_owned()).as_deref(),
                Ok(policy.digest())
            );
            for tenant in policy.tenants() {
                for host in tenant.hosts() {
                    let owner = policy.tenant_of_host(host).map(|owner| owner.id());
                    assert_eq!(owner, Some(tenant.id()), "{host} is two tenants'");
                }
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "no policy, and no fault");
            for fault in faults {
                assert!(fault.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
                assert!(!fault.message.is_empty() && !fault.help.is_empty());
                if let Some(span) = fault.span {
                    let text = files.get(&fault.file).expect("a place in a file that is there");
                    let text = std::str::from_utf8(text).expect("a place in a text");
                    assert!(text.get(span).is_some(), "no place in {}", fault.file);
                }
            }
        }
    }
});
