//! A trusted proxy's word on the client: the address is the right-most that is not a trusted
//! proxy's, or the request is refused; so is a longer way than there can be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::client::MAX_HOPS;
use sekisho_core::session::Record;
use sekisho_core::{Reason, Verdict};
use sekisho_fuzz::{judge, public_request};
use std::net::{IpAddr, SocketAddr};

fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim_matches([' ', '\t']);
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']'));
    let address = match (entry.parse::<IpAddr>(), entry.parse::<SocketAddr>(), bare) {
        (Ok(address), _, _) => address,
        (_, Ok(address), _) => address.ip(),
        (_, _, Some(bare)) => IpAddr::V6(bare.parse().ok()?),
        _ => return None,
    };
    (!entry.contains('%')).then(|| address.to_canonical())
}

fn trusted(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.octets()[0] == 10)
}

fn client(lines: &[&str]) -> Option<IpAddr> {
    let list = lines.join(",");
    let mut entries = list.rsplit(',').enumerate().peekable();
    while let Some((passed, entry)) = entries.next() {
        let address = address(entry).filter(|_| passed < MAX_HOPS)?;
        if !trusted(address) || entries.peek().is_none() {
            return Some(address);
        }
    }
    None
}

fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut fields = vec![("host".to_owned(), b"acme.example.jp".to_vec())];
    fields.extend(lines.iter().map(|line| ("x-forwarded-for".into(), line.as_bytes().to_vec())));
    let decision = judge(public_request("10.0.0.1:1", fields), &Record::Unavailable);
    match &decision.verdict {
        Verdict::Deny(denial)
            if matches!(denial.reason(), Reason::HeaderInvalid | Reason::HeadTooLarge) => {}
        Verdict::Deny(denial) if denial.reason() == Reason::ClientAddressInvalid => {
            assert_eq!(client(&lines), None);
        }
        _ => assert_eq!(decision.facts.client, Some(client(&lines).expect("a client"))),
    }
});
