//! What holds for every request.

use super::support::{GATEWAY, POLICY, ask, field, files};
use proptest::prelude::*;
use sekisho_core::policy::load;
use sekisho_core::request::headers::{is_hop_by_hop, is_reserved};
use sekisho_core::request::target::Target;
use sekisho_core::{Headers, Progress, Reason, Request, Scheme, Timestamp, Verdict, decide};
use std::fmt::Write as _;

const NEW_YEAR_2026: i64 = 1_767_225_600;

/// Targets that are often near to a route and to the rules' edges.
fn target() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/"),
        Just("api"),
        Just("/api/files/"),
        Just("/healthz"),
        Just("."),
        Just(".."),
        Just("%2F"),
        Just("%2e"),
        Just("%25"),
        Just("%E9%96%A2"),
        Just("%C0%AF"),
        Just(";"),
        Just("?"),
        Just("#"),
        Just("\\"),
        Just("a"),
        Just(":"),
        Just("{x}"),
        Just("%"),
        Just("関"),
        Just("https://"),
        Just("\0"),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        "/api/files/[a-z0-9._~!$&'()*+,=:@-]{1,20}(/[a-zA-Z%0-9A-F.]{1,8}){0,3}(\\?[!-~]{0,20})?",
        any::<String>(),
    ]
}

/// Path patterns that are often near to sound ones.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/"),
        Just("/{a}"),
        Just("/{b}"),
        Just("{*rest}"),
        Just("{"),
        Just("}"),
        Just("{{"),
        Just("}}"),
        Just("{}"),
        Just("*"),
        Just("-x"),
        Just("api"),
        Just(".."),
        Just("関"),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
        "(/[ab]?\\{[a-b_-]{1,2}\\}){1,40}(/\\{\\*r\\})?",
        "(/[ab]{1,2}|/[ab]?\\{[a-b_-]{1,2}\\}[ab]?){1,30}(/\\{\\*r\\})?",
        any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        Just("host"),
        Just("cookie"),
        Just("authorization"),
        Just("connection"),
        Just("content-length"),
        Just("transfer-encoding"),
        Just("x-forwarded-for"),
        Just("x-tenant-id"),
        Just("accept"),
        Just("X-User-Roles"),
        Just("Sekisho-Assertion"),
        Just("x-request-id"),
        Just("X_Tenant_Id"),
    ];
    prop_oneof![
        known.prop_map(str::to_owned),
        "[xX][-._!][tTuU](enant|ser)[-._][iI]d",
        "[a-zA-Z-]{1,12}",
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"globex.example.jp".to_vec()),
        Just(b"203.0.113.9".to_vec()),
        Just(b"__Host-sekisho=a.b.c; x=1".to_vec()),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_target_keeps_every_byte(target in target()) {
        if let Ok(parsed) = Target::parse(&target) {
            prop_assert_eq!(parsed.as_str(), &target);
            prop_assert!(target.starts_with(parsed.path()));
            prop_assert!(!parsed.path().contains("//") && !parsed.path().contains(['\\', ';', '?', '#']));
            prop_assert!(parsed.path().split('/').all(|segment| segment != "." && segment != ".."));
        }
        let ask = ask().with(|a| a.get(&target));
        if let Verdict::Permit(permit) = ask.judge(&POLICY).verdict {
            prop_assert_eq!(permit.path_and_query(), &target);
            prop_assert_eq!(permit.url(), format!("{}{target}", permit.origin().url()));
        }
    }

    #[test]
    fn any_pattern_is_loaded_or_a_fault(patterns in prop::collection::vec(pattern(), 1..6)) {
        let mut gateway = GATEWAY.to_owned();
        for (n, pattern) in patterns.iter().enumerate() {
            // A JSON string is a TOML string, but for DEL.
            let path = serde_json::Value::from(pattern.as_str()).to_string().replace('\x7f', "\\u007f");
            write!(
                gateway,
                "\n[[routes]]\nid = \"r{n}\"\npath = {path}\nmethods = [\"GET\"]\norigins = [\"assistant-jp\", \"assistant-eu\"]\n"
            )
            .unwrap();
        }
        let mut files = files();
        files.insert("gateway.toml".into(), gateway.into());
        for fault in load(&files).err().unwrap_or_default() {
            prop_assert!(matches!(fault.code, "route-path-invalid" | "route-shadowed"), "{fault:?}");
        }
    }

    #[test]
    fn every_request_gets_a_verdict(
        method in prop_oneof![Just("GET".to_owned()), Just("POST".to_owned()), any::<String>()],
        https in any::<bool>(),
        authority in prop::option::of(any::<String>()),
        target in target(),
        fields in prop::collection::vec((name(), value()), 0..12),
        peer in any::<Option<std::net::SocketAddr>>(),
        second in prop_oneof![
            1 => -377_705_023_201..NEW_YEAR_2026,
            9 => NEW_YEAR_2026..=253_402_207_200,
        ],
    ) {
        let scheme = if https { Scheme::Https } else { Scheme::Http };
        let headers = Headers::new(fields);
        let request = Request { method, scheme, authority, target, headers, peer, in_flight: None, request_id: "r".into(), trace_ratio: None };
        let progress = decide(&POLICY, request, Timestamp::from_second(second).unwrap());
        let Progress::Decided(decision) = progress else {
            return Err(TestCaseError::fail("a token by nobody was verified"));
        };
        match decision.verdict {
            Verdict::Permit(permit) => {
                prop_assert!(permit.route().is_public(), "without a token");
                prop_assert!(second >= NEW_YEAR_2026, "without a clock");
            }
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => {
                prop_assert_eq!(denial.reason() == Reason::ClockUnknown, second < NEW_YEAR_2026);
            }
        }
    }

    #[test]
    fn nothing_reserved_comes_from_the_client(fields in prop::collection::vec((name(), value()), 0..12)) {
        let ask = ask().with(|a| a.headers = fields.into_iter().filter(|(name, _)| name != "host").collect());
        if let Ok(seen) = ask.upstream(&POLICY) {
            let ours = super::support::ask().upstream(&POLICY).unwrap();
            let reserved: Vec<_> = seen.iter().filter(|(name, _)| is_reserved(name)).cloned().collect();
            prop_assert_eq!(reserved, ours);
            let welcome = ("te".to_owned(), "trailers".to_owned());
            prop_assert!(seen.iter().all(|field| !is_hop_by_hop(&field.0) || *field == welcome));
            prop_assert_eq!(field(&seen, "authorization"), None);
            let cookies = field(&seen, "cookie").unwrap_or_default();
            prop_assert!(!cookies.split("; ").any(|pair| pair.starts_with("__Host-sekisho=")));
        }
    }
}
