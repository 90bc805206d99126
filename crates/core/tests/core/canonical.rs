//! One resource has one verdict, and what is judged is what is forwarded.

use super::support::{POLICY, ask};
use proptest::prelude::*;
use sekisho_core::policy::Route;
use sekisho_core::request::target::Target;
use sekisho_core::{Headers, Reason, Request, Scheme, Timestamp, Verdict};

/// Accepted paths: near the policy's routes, and of every character that a path can hold.
fn path() -> impl Strategy<Value = String> {
    let start = prop_oneof![
        Just("/api/files/"),
        Just("/api/assistants/"),
        Just("/healthz"),
        Just("/api/me"),
        Just("/"),
    ];
    let rest = "([a-zA-Z0-9._~!$&'()*+,=:@-]|%20|%25|%26|%3A|%40|%3B|%22|%5B|%E9%96%A2){0,12}(/[a-z0-9.]{1,6}){0,3}/?";
    (start, rest)
        .prop_map(|(start, rest)| format!("{start}{rest}"))
        .prop_filter("refused", |path| Target::parse(path.as_str()).is_ok())
}

/// The path as a server sees it that decodes once.
fn decoded(path: &str) -> Vec<u8> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let hex: Option<String> = (byte == b'%')
            .then(|| bytes.clone().take(2).map(char::from).collect())
            .filter(|hex: &String| hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|hex| u8::from_str_radix(&hex, 16).ok()) {
            Some(hidden) => {
                bytes.nth(1);
                decoded.push(hidden);
            }
            None => decoded.push(byte),
        }
    }
    decoded
}

/// Other spellings of a path: of the character at `place`, or of the slash nearest to it.
fn respelt(path: &str, place: usize) -> Vec<(&'static str, String)> {
    let (before, at) = path.split_at(place % path.len());
    let (byte, after) = (at.as_bytes()[0], at.get(1..).unwrap());
    let mut spellings = vec![
        ("a dot segment", format!("{before}/./{at}")),
        ("a dot segment in front", format!("/.{path}")),
        ("a way down and up", format!("/x/..{path}")),
        ("an empty segment", path.replacen('/', "//", 1)),
        ("a path parameter", format!("{path};x=1")),
        ("a backslash", path.replacen('/', "\\", 1)),
        ("a lower-case encoding", path.replacen("%E9", "%e9", 1)),
    ];
    let inside_an_encoding = before.bytes().rev().take(2).any(|byte| byte == b'%');
    if byte != b'%' && !inside_an_encoding {
        spellings.push(("an encoding", format!("{before}%{byte:02X}{after}")));
        if format!("{byte:02x}") != format!("{byte:02X}") {
            spellings.push(("an encoding in lower case", format!("{before}%{byte:02x}{after}")));
        }
        spellings.push(("an encoding of an encoding", format!("{before}%25{byte:02X}{after}")));
    }
    spellings.retain(|(_, spelling)| spelling != path);
    spellings
}

fn routes(path: &str) -> Vec<&'static str> {
    POLICY.routes_of_path(path).map(Route::id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_spelling_is_refused_or_takes_the_same_route(path in path(), place in any::<usize>()) {
        for (how, spelling) in respelt(&path, place) {
            // A reserved character's encoding is another path (RFC 3986, section 2.2), which an
            // origin may yet take for the same.
            let reserved = path.as_bytes().get(place % path.len()).is_some_and(|byte| b"!$&'()*+,=:@".contains(byte));
            if how == "an encoding" && reserved {
                prop_assert_eq!(routes(&path), routes(&spelling), "{} and {}", path, spelling);
            } else {
                prop_assert!(Target::parse(spelling.as_str()).is_err(), "{how}: {path} and {spelling}");
            }
        }
    }

    #[test]
    fn two_accepted_paths_are_two_resources_or_take_one_route(one in path(), other in path()) {
        if decoded(&one) == decoded(&other) {
            prop_assert_eq!(routes(&one), routes(&other));
        } else {
            prop_assert_ne!(one, other);
        }
    }

    #[test]
    fn decoding_once_more_changes_no_route(path in path()) {
        let decoded = String::from_utf8(decoded(&path)).unwrap();
        prop_assert_eq!(routes(&path), routes(&decoded), "{} and {}", path, decoded);
        let again = String::from_utf8(self::decoded(&decoded)).unwrap();
        prop_assert_eq!(&decoded, &again, "decoding twice reads another path");
    }

    #[test]
    fn what_is_forwarded_was_judged(path in path(), query in "(\\?[a-z=&%2F]{0,12})?") {
        let target = format!("{path}{query}");
        let decision = ask().with(|a| a.get(&target)).judge(&POLICY);
        if decision.facts.path.is_some() {
            prop_assert_eq!(decision.facts.path.as_deref(), Some(path.as_str()));
        }
        if let Verdict::Permit(permit) = decision.verdict {
            prop_assert_eq!(permit.path_and_query(), &target);
        }
    }
}

/// The reason for a request to `/healthz` that names its authority in these places.
fn authority(target: &str, authority: Option<&str>, hosts: &[&str]) -> Option<Reason> {
    let host = |host: &&str| ("Host".to_owned(), host.as_bytes().to_vec());
    let request = Request {
        method: "GET".into(),
        scheme: Scheme::Https,
        authority: authority.map(Into::into),
        target: target.into(),
        headers: Headers::new(hosts.iter().map(host).collect()),
        in_flight: None,
        peer: Some("203.0.113.9:1".parse().unwrap()),
        request_id: "r".into(),
        trace_ratio: None,
    };
    let now = Timestamp::from_second(ask().now).unwrap();
    let sekisho_core::Progress::Decided(decision) = sekisho_core::decide(&POLICY, request, now)
    else {
        panic!("a public route asked for records")
    };
    match decision.verdict {
        Verdict::Permit(permit) => {
            assert_eq!(permit.path_and_query(), "/healthz");
            assert_eq!(permit.headers().text("x-forwarded-host"), Some("globex.example.jp"));
            None
        }
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => Some(denial.reason()),
    }
}

#[test]
fn one_authority_wherever_it_is_named() {
    let host = "globex.example.jp";
    let mismatch = Some(Reason::AuthorityMismatch);
    for (name, target, pseudo, hosts, want) in [
        ("Host", "/healthz", None, &[host][..], None),
        (":authority", "/healthz", Some(host), &[], None),
        ("case and root label", "/healthz", Some("GLOBEX.example.jp."), &[host], None),
        ("443 in Host", "/healthz", Some(host), &["globex.example.jp:443"], None),
        ("443 in :authority", "/healthz", Some("globex.example.jp:443"), &[host], None),
        ("another port in one", "/healthz", Some("globex.example.jp:8443"), &[host], mismatch),
        ("another tenant", "/healthz", Some("acme.example.jp"), &[host], mismatch),
        ("Host twice", "/healthz", None, &[host, host], mismatch),
        ("absolute", "https://globex.example.jp/healthz", None, &[host], None),
        ("absolute, case", "HTTPS://GLOBEX.example.jp:443/healthz", None, &[host], None),
        ("absolute, another", "https://acme.example.jp/healthz", None, &[host], mismatch),
        (
            "absolute in the clear",
            "http://globex.example.jp/healthz",
            None,
            &[host],
            Some(Reason::TargetNotCanonical),
        ),
        (
            "absolute of another scheme",
            "ftp://globex.example.jp/healthz",
            None,
            &[host],
            Some(Reason::TargetNotCanonical),
        ),
        (
            "absolute with userinfo",
            "https://globex.example.jp@globex.example.jp/healthz",
            None,
            &[host],
            Some(Reason::AuthorityInvalid),
        ),
        (
            "absolute with a dot segment",
            "https://globex.example.jp/x/../healthz",
            None,
            &[host],
            Some(Reason::TargetNotCanonical),
        ),
        ("asterisk", "*", None, &[host], Some(Reason::TargetNotCanonical)),
        (
            "authority form",
            "globex.example.jp:443",
            None,
            &[host],
            Some(Reason::TargetNotCanonical),
        ),
    ] {
        assert_eq!(authority(target, pseudo, hosts), want, "{name}");
    }
}
