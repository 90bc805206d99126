//! Every reason of the road, and which of two comes first.

use super::records;
use super::support::{Alg, Ask, POLICY, ask, policy_with};
use sekisho_core::policy::Route;
use sekisho_core::records::Record;
use sekisho_core::{Reason, Scheme, Step, Verdict};
use serde_json::json;

type Spoil = fn(&mut Ask);

/// Ways to spoil the permitted request, in the order in which the road must notice.
const ROAD: &[(Reason, Step, Spoil)] = &[
    (Reason::ClockUnknown, Step::Transport, |a| a.now = 0),
    (Reason::HttpsRequired, Step::Transport, |a| {
        a.scheme = Scheme::Http;
    }),
    (Reason::HeadTooLarge, Step::Canonical, |a| {
        (0..101).for_each(|_| a.header("x-a", "b"));
    }),
    (Reason::HeaderInvalid, Step::Canonical, |a| {
        a.header("x_tenant_id", "acme");
    }),
    (Reason::MethodUnknown, Step::Canonical, |a| {
        a.method = "BREW".into();
    }),
    (Reason::UpgradeNotSupported, Step::Canonical, |a| {
        a.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    }),
    (Reason::AuthorityMismatch, Step::Canonical, |a| {
        a.header("host", "acme.example.jp");
    }),
    (Reason::AuthorityInvalid, Step::Canonical, |a| {
        a.host = Some("globex.example.jp@evil".into());
    }),
    (Reason::TargetNotCanonical, Step::Canonical, |a| {
        a.target = "/api/../admin/users".into();
    }),
    (Reason::TenantUnknown, Step::Tenant, |a| {
        a.host = Some("nobody.example.jp".into());
    }),
    (Reason::ConcurrencyLimited, Step::Tenant, |a| {
        a.in_flight = Some(5);
    }),
    (Reason::ClientAddressInvalid, Step::Client, |a| {
        a.peer = Some("10.0.0.1:4711".into());
        a.header("x-forwarded-for", "203.0.113.9, unknown");
    }),
    (Reason::RouteNotFound, Step::Route, |a| {
        a.target = "/nowhere".into();
    }),
    (Reason::MethodNotAllowed, Step::Route, |a| {
        a.method = "DELETE".into();
    }),
    (Reason::BodyTooLarge, Step::Route, |a| {
        a.header("content-length", "1001");
    }),
    (Reason::NetworkNotAllowed, Step::Network, |a| {
        a.peer = Some("192.0.2.1:80".into());
    }),
    (Reason::TokenAmbiguous, Step::Token, |a| {
        a.header("cookie", "__Host-sekisho=a.b.c");
    }),
    (Reason::TokenTooLarge, Step::Token, |a| {
        a.authorization = Some(format!("Bearer {}", "a".repeat(9000)));
    }),
    (Reason::TokenMalformed, Step::Token, |a| {
        a.authorization = Some("Bearer a.b".into());
    }),
    (Reason::TokenHeaderForbidden, Step::Token, |a| {
        a.token_header =
            Some(json!({"alg": "EdDSA", "kid": "twin", "jku": "https://evil.example"}));
    }),
    (Reason::TokenTypeNotAllowed, Step::Token, |a| {
        a.token_header = Some(json!({"alg": "EdDSA", "kid": "twin", "typ": "logout+jwt"}));
    }),
    (Reason::TokenIssuerUnknown, Step::Token, |a| {
        a.claims["iss"] = "https://evil.example".into();
    }),
    (Reason::TokenAlgorithmNotAllowed, Step::Token, |a| {
        a.alg = Alg::ES384;
    }),
    (Reason::TokenKeyUnknown, Step::Token, |a| {
        a.kid = "nobody's".into();
    }),
    (Reason::TokenSignatureInvalid, Step::Token, |a| {
        a.tamper = true;
    }),
    (Reason::TokenAudienceMismatch, Step::Token, |a| {
        a.claims["aud"] = "another-service".into();
    }),
    (Reason::TokenExpired, Step::Token, |a| {
        a.claims["exp"] = (a.now - 61).into();
    }),
    (Reason::TokenNotYetValid, Step::Token, |a| {
        a.claims["nbf"] = (a.now + 61).into();
    }),
    (Reason::TokenTenantMismatch, Step::Token, |a| {
        a.claims["tenant"] = "acme".into();
    }),
    (Reason::TokenClaimsInvalid, Step::Token, |a| {
        a.claims["roles"] = 1.into();
    }),
    (Reason::SessionRevoked, Step::Session, |a| {
        a.state = vec![("t/globex/revoked/all".into(), Record::Found(br#"{"v":1}"#.to_vec()))];
    }),
    (Reason::RoleMissing, Step::Authorize, |a| {
        a.claims["roles"] = json!(["visitor"]);
    }),
];

/// Reasons that need another start than the request of [`ROAD`].
fn others() -> Vec<(Reason, Step, Ask)> {
    vec![
        (
            Reason::HttpsRedirect,
            Step::Transport,
            ask().with(|a| {
                a.get("/api/me");
                a.scheme = Scheme::Http;
            }),
        ),
        (Reason::AuthorityMissing, Step::Canonical, ask().with(|a| a.host = None)),
        (Reason::ClientAddressUnknown, Step::Network, ask().with(|a| a.peer = None)),
        (
            Reason::NetworkUndefined,
            Step::Network,
            ask().with(|a| {
                a.at_acme();
                a.get("/admin/users");
            }),
        ),
        (Reason::TokenMissing, Step::Token, ask().with(|a| a.authorization = Some(String::new()))),
        (
            Reason::CrossSiteRequest,
            Step::Token,
            ask().with(|a| {
                let token = a.token();
                a.authorization = Some(String::new());
                a.header("cookie", format!("__Host-sekisho={token}"));
                a.header("sec-fetch-site", "cross-site");
            }),
        ),
        (
            Reason::TokenTooOld,
            Step::Token,
            ask().with(|a| {
                a.at_initech();
                a.claims["iat"] = (a.now - 3661).into();
            }),
        ),
        (
            Reason::StateUnavailable,
            Step::Session,
            ask().with(|a| {
                a.state = vec![("t/globex/revoked/all".into(), Record::Unavailable)];
            }),
        ),
    ]
}

/// Reasons that `decide` does not give: the adapter gives them, or the way back, or (a route that
/// no region of the tenant serves) loading refuses the policy first.
const NOT_OF_THE_ROAD: [Reason; 11] = [
    Reason::PolicyUnavailable,
    Reason::ClientGone,
    Reason::HostUnable,
    Reason::OriginsUnavailable,
    Reason::OriginUnreachable,
    Reason::OriginFailed,
    Reason::OriginTimeout,
    Reason::OwnKeysUnavailable,
    Reason::OriginRedirectRefused,
    Reason::OriginTenantMismatch,
    Reason::RegionNotAllowed,
];

#[test]
fn the_request_that_the_tables_spoil_is_permitted() {
    assert_eq!(ask().reason(&POLICY), None);
}

#[test]
fn every_reason_has_a_request_that_gets_it() {
    let mut rows = others();
    rows.extend(ROAD.iter().map(|(reason, step, spoil)| (*reason, *step, ask().with(spoil))));
    let of_records = rows.len();
    rows.extend(records::road());
    for (row, (reason, step, ask)) in rows.iter().enumerate() {
        let decision = ask.judge(if row < of_records { &POLICY } else { &records::ALL });
        let Verdict::Deny(denial) = &decision.verdict else { panic!("{reason}: permitted") };
        assert_eq!(denial.reason(), *reason, "{}", denial.detail());
        assert_eq!(decision.facts.reached, Some(*step), "{reason}");
    }
    let (ask, reason, step) = super::edge::without_the_secret();
    let decision = ask.judge(&super::edge::SECRET);
    assert!(matches!(&decision.verdict, Verdict::Deny(denial) if denial.reason() == reason));
    assert_eq!(decision.facts.reached, Some(step), "{reason}");
    rows.push((reason, step, ask));
    rows.push(super::cors::refused());
    rows.extend(super::own::record::refused());
    let (reason, step, ask) = super::published::without_keys();
    rows.push((reason, step, ask));
    for reason in Reason::ALL {
        let rows = rows.iter().filter(|(of, ..)| of == reason).count();
        let elsewhere = usize::from(NOT_OF_THE_ROAD.contains(reason));
        assert_eq!(rows + elsewhere, 1, "{reason} is asserted once, or named as not of the road");
    }
}

#[test]
fn of_two_faults_the_earlier_step_speaks() {
    for (later, (_, _, spoil_later)) in ROAD.iter().enumerate() {
        for (earlier, _, spoil_earlier) in &ROAD[..later] {
            let both = ask().with(spoil_later).with(spoil_earlier);
            assert_eq!(both.reason(&POLICY), Some(*earlier), "with {}", ROAD[later].0);
        }
    }
}

#[test]
fn what_is_denied_early_learns_nothing_of_later_steps() {
    let facts = ask().with(|a| a.host = Some("nobody.example.jp".into())).judge(&POLICY).facts;
    assert!(facts.tenant.is_none() && facts.route.is_none() && facts.principal.is_none());
    assert_eq!(facts.client, None);
    let facts = ask().with(|a| a.tamper = true).judge(&POLICY).facts;
    assert_eq!(facts.route.map(Route::id), Some("chat"));
    assert_eq!(facts.subject(), None, "the subject of an unverified token");
}

#[test]
fn a_body_too_large_is_recorded_with_its_route() {
    let ask = ask().with(|a| a.header("content-length", "1001"));
    assert_eq!(ask.reason(&POLICY), Some(Reason::BodyTooLarge));
    let facts = ask.judge(&POLICY).facts;
    assert_eq!(facts.reached, Some(Step::Route));
    assert_eq!(facts.route.map(Route::id), Some("chat"));
    assert_eq!(facts.tenant.map(|tenant| tenant.id().as_str()), Some("globex"));
    assert_eq!(facts.subject(), None);
}

#[test]
fn the_clock() {
    const NEW_YEAR: i64 = 1_767_225_600;
    let at = |moment: &str| moment.parse::<sekisho_core::Timestamp>().unwrap().as_second();
    assert_eq!(NEW_YEAR, at("2026-01-01T00:00:00Z"));
    let health = |now: i64| {
        ask().with(|a| {
            a.get("/healthz");
            a.now = now;
        })
    };
    for (name, now, want) in [
        ("never set", 0, Some(Reason::ClockUnknown)),
        ("before 1970", -1, Some(Reason::ClockUnknown)),
        ("a second early", NEW_YEAR - 1, Some(Reason::ClockUnknown)),
        ("the first moment", NEW_YEAR, None),
        ("the last moment", at("9999-12-30T00:00:00Z"), None),
    ] {
        assert_eq!(health(now).reason(&POLICY), want, "{name}");
    }
    let old = ask().with(|a| {
        a.now = 1000;
        a.claims["exp"] = 2000.into();
        a.claims["nbf"] = 900.into();
        a.claims["iat"] = 900.into();
    });
    let reason = old.reason(&POLICY);
    assert_eq!(reason, Some(Reason::ClockUnknown), "a token of long ago");
}

#[test]
fn plain_http() {
    let plain = |change: Spoil| ask().with(|a| a.scheme = Scheme::Http).with(change);
    for (name, ask, want) in [
        ("GET", plain(|a| a.get("/api/me?a=b")), Some("https://globex.example.jp/api/me?a=b")),
        (
            "HEAD",
            plain(|a| a.method = "HEAD".into()),
            Some("https://globex.example.jp/api/assistants/a1/chat?x=1"),
        ),
        (
            "port goes",
            plain(|a| {
                a.get("/");
                a.host = Some("Globex.Example.JP:3080".into());
            }),
            Some("https://globex.example.jp/"),
        ),
        ("POST", plain(|_| {}), None),
        (
            "no host",
            plain(|a| {
                a.get("/");
                a.host = None;
            }),
            None,
        ),
        (
            "userinfo",
            plain(|a| {
                a.get("/");
                a.host = Some("globex.example.jp@evil.example".into());
            }),
            None,
        ),
        ("line break", plain(|a| a.get("/\r\nx-evil: 1")), None),
        ("two slashes", plain(|a| a.get("//evil.example")), None),
        ("backslash", plain(|a| a.get("/\\evil.example")), None),
        ("absolute form", plain(|a| a.get("http://evil.example/")), None),
        ("the client says it was HTTPS", plain(|a| a.header("x-forwarded-proto", "https")), None),
    ] {
        let Verdict::Deny(denial) = ask.judge(&POLICY).verdict else { panic!("{name}: permitted") };
        let reason = if want.is_some() { Reason::HttpsRedirect } else { Reason::HttpsRequired };
        assert_eq!(denial.reason(), reason, "{name}");
        assert_eq!(denial.header(), want.map(|location| ("location", location)), "{name}");
    }
}

#[test]
fn a_trusted_proxys_word_on_https() {
    let relayed = |scheme: Scheme, words: &[&str]| {
        ask()
            .with(|a| {
                a.scheme = scheme;
                a.peer = Some("10.0.0.1:4711".into());
                a.header("x-forwarded-for", "203.0.113.9");
                for word in words {
                    a.header("X-Forwarded-Proto", word);
                }
            })
            .reason(&POLICY)
    };
    let refused = Some(Reason::HttpsRequired);
    for (name, scheme, words, want) in [
        ("plain, and the client came over HTTPS", Scheme::Http, &["https"][..], None),
        ("case", Scheme::Http, &["HTTPS"], None),
        ("plain, no word", Scheme::Http, &[], refused),
        ("plain, and so was the client", Scheme::Http, &["http"], refused),
        ("TLS, no word", Scheme::Https, &[], None),
        ("TLS, and the client came over HTTPS", Scheme::Https, &["https"], None),
        ("TLS, but the client came in the clear", Scheme::Https, &["http"], refused),
        ("two words", Scheme::Https, &["https", "http"], refused),
        ("a list", Scheme::Http, &["https, http"], refused),
        ("no word at all", Scheme::Https, &[""], refused),
    ] {
        assert_eq!(relayed(scheme, words), want, "{name}");
    }
}

#[test]
fn the_client_behind_proxies() {
    let blocks = "trusted_proxies = [\"10.0.0.0/8\", \"2001:db8:ffff::/48\"]";
    let peer = policy_with(blocks, "trusted_proxies = \"peer\"");
    let cdn = policy_with(
        "client_address_header = \"x-forwarded-for\"",
        "client_address_header = \"CF-Connecting-IP\"",
    );
    let alone = policy_with(blocks, "trusted_proxies = []");
    let own = policy_with(blocks, &format!("{blocks}\nunnamed_client = \"peer\""));
    let invalid = Err(Reason::ClientAddressInvalid);
    for (name, policy, from, fields, want) in [
        ("direct", &*POLICY, "203.0.113.9:1", &[][..], Ok("203.0.113.9")),
        (
            "direct, lying",
            &POLICY,
            "203.0.113.9:1",
            &[("x-forwarded-for", "203.0.113.77")],
            Ok("203.0.113.9"),
        ),
        (
            "direct from outside, lying",
            &POLICY,
            "192.0.2.1:1",
            &[("x-forwarded-for", "203.0.113.9")],
            Err(Reason::NetworkNotAllowed),
        ),
        ("mapped peer", &POLICY, "[::ffff:203.0.113.9]:1", &[], Ok("203.0.113.9")),
        (
            "mapped proxy",
            &POLICY,
            "[::ffff:10.0.0.1]:1",
            &[("x-forwarded-for", "203.0.113.9")],
            Ok("203.0.113.9"),
        ),
        (
            "IPv6 proxy",
            &POLICY,
            "[2001:db8:ffff::1]:1",
            &[("x-forwarded-for", "2001:db8:42::9")],
            Ok("2001:db8:42::9"),
        ),
        (
            "spoofed left",
            &POLICY,
            "10.0.0.1:1",
            &[("x-forwarded-for", "203.0.113.9, 192.0.2.1")],
            Err(Reason::NetworkNotAllowed),
        ),
        (
            "spoofed line",
            &POLICY,
            "10.0.0.1:1",
            &[("x-forwarded-for", "203.0.113.9"), ("X-Forwarded-For", "192.0.2.1")],
            Err(Reason::NetworkNotAllowed),
        ),
        (
            "two hops",
            &POLICY,
            "10.0.0.1:1",
            &[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.9.9.9")],
            Ok("203.0.113.9"),
        ),
        (
            "unparsable",
            &POLICY,
            "10.0.0.1:1",
            &[("x-forwarded-for", "203.0.113.9, _hidden")],
            invalid,
        ),
        ("missing", &POLICY, "10.0.0.1:1", &[], invalid),
        (
            "missing, and the proxy is a client itself",
            &own,
            "10.0.0.1:1",
            &[],
            Err(Reason::NetworkNotAllowed),
        ),
        (
            "empty, and the proxy is a client itself",
            &own,
            "10.0.0.1:1",
            &[("x-forwarded-for", "")],
            invalid,
        ),
        (
            "another header than the policy's",
            &POLICY,
            "10.0.0.1:1",
            &[("x-real-ip", "203.0.113.9")],
            invalid,
        ),
        (
            "whoever connects",
            &peer,
            "192.0.2.1:1",
            &[("x-forwarded-for", "192.0.2.7, 203.0.113.9")],
            Ok("203.0.113.9"),
        ),
        ("whoever connects, silent", &peer, "203.0.113.9:1", &[], invalid),
        (
            "a CDN's header",
            &cdn,
            "10.0.0.1:1",
            &[("cf-connecting-ip", "203.0.113.9"), ("x-forwarded-for", "192.0.2.1")],
            Ok("203.0.113.9"),
        ),
        (
            "a CDN's header twice",
            &cdn,
            "10.0.0.1:1",
            &[("cf-connecting-ip", "203.0.113.9"), ("CF-Connecting-IP", "203.0.113.9")],
            invalid,
        ),
        (
            "a CDN's header as a list",
            &cdn,
            "10.0.0.1:1",
            &[("cf-connecting-ip", "203.0.113.9, 203.0.113.9")],
            invalid,
        ),
        (
            "a CDN's header from the client",
            &cdn,
            "192.0.2.1:1",
            &[("cf-connecting-ip", "203.0.113.9")],
            Err(Reason::NetworkNotAllowed),
        ),
        (
            "no proxy is trusted",
            &alone,
            "10.0.0.1:1",
            &[("x-forwarded-for", "203.0.113.9")],
            Err(Reason::NetworkNotAllowed),
        ),
    ] {
        let decision = ask()
            .with(|a| {
                a.peer = Some(from.into());
                for (name, value) in fields {
                    a.header(name, value);
                }
            })
            .judge(policy);
        let got = match decision.verdict {
            Verdict::Permit(_) => Ok(decision.facts.client.unwrap().to_string()),
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => Err(denial.reason()),
        };
        assert_eq!(got.as_deref(), want.as_ref().copied(), "{name}");
    }
}

#[test]
fn networks() {
    for (name, ask, want) in [
        (
            "business unset is open",
            ask().with(|a| {
                a.at_acme();
                a.peer = Some("198.51.100.1:1".into());
            }),
            None,
        ),
        (
            "business unset, peer unknown",
            ask().with(|a| {
                a.at_acme();
                a.peer = None;
            }),
            None,
        ),
        (
            "any",
            ask().with(|a| {
                a.get("/admin/users");
                a.claims["roles"] = json!(["admin"]);
                a.peer = Some("198.51.100.1:1".into());
            }),
            None,
        ),
        ("first address", ask().with(|a| a.peer = Some("203.0.113.0:1".into())), None),
        ("last address", ask().with(|a| a.peer = Some("203.0.113.255:1".into())), None),
        (
            "one behind",
            ask().with(|a| a.peer = Some("203.0.114.0:1".into())),
            Some(Reason::NetworkNotAllowed),
        ),
        ("IPv6 inside", ask().with(|a| a.peer = Some("[2001:db8:42:ffff::1]:1".into())), None),
        (
            "IPv6 outside",
            ask().with(|a| a.peer = Some("[2001:db8:43::1]:1".into())),
            Some(Reason::NetworkNotAllowed),
        ),
        (
            "a public route has a network too",
            ask().with(|a| {
                a.get("/healthz");
                a.peer = Some("192.0.2.1:1".into());
            }),
            Some(Reason::NetworkNotAllowed),
        ),
    ] {
        assert_eq!(ask.reason(&POLICY), want, "{name}");
    }
}

#[test]
fn routes() {
    let route = |method: &str, target: &str| {
        let decision = ask()
            .with(|a| {
                a.method = method.into();
                a.target = target.into();
            })
            .judge(&POLICY);
        match decision.verdict {
            Verdict::Permit(permit) => Ok(permit.route().id().to_owned()),
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => {
                Err((denial.reason(), denial.header().map(|(n, v)| format!("{n}: {v}"))))
            }
        }
    };
    let not_found = Err((Reason::RouteNotFound, None));
    assert_eq!(route("GET", "/api/me"), Ok("me".into()));
    assert_eq!(route("GET", "/api/me?/admin/users"), Ok("me".into()));
    assert_eq!(route("GET", "/api/files/a/b/c"), Ok("files".into()));
    assert_eq!(route("HEAD", "/healthz"), Ok("health".into()));
    assert_eq!(
        route("DELETE", "/api/me"),
        Err((Reason::MethodNotAllowed, Some("allow: GET, PUT".into())))
    );
    for path in [
        "/api/me/",
        "/API/me",
        "/api",
        "/api/assistants//chat",
        "/api/files/",
        "/api/assistants/a/b/chat",
    ] {
        let got = route("GET", path);
        let dotted = path.contains("//");
        assert_eq!(
            got,
            if dotted { Err((Reason::TargetNotCanonical, None)) } else { not_found.clone() },
            "{path}"
        );
    }
}

#[test]
fn revocation() {
    let record = |json: &str| Record::Found(json.as_bytes().to_vec());
    let issued = ask().claims["iat"].as_i64().unwrap();
    let before = |moment: i64| record(&format!("{{\"v\":1,\"before\":{moment}}}"));
    let (revoked, unavailable) = (Some(Reason::SessionRevoked), Some(Reason::StateUnavailable));
    for (name, key, record, want) in [
        ("everybody", "all", record(r#"{"v":1}"#), revoked),
        ("the subject", "subject/u-42", record(r#"{"v":1}"#), revoked),
        ("the session", "session/s-1", record(r#"{"v":1}"#), revoked),
        ("another subject", "subject/u-4", record(r#"{"v":1}"#), None),
        ("another session", "session/s-2", record(r#"{"v":1}"#), None),
        ("issued before", "all", before(issued + 1), revoked),
        ("issued at that moment", "subject/u-42", before(issued), revoked),
        ("issued after", "session/s-1", before(issued - 1), None),
        ("not JSON", "all", record("revoked"), unavailable),
        ("empty", "subject/u-42", record(""), unavailable),
        ("no version", "session/s-1", record("{}"), unavailable),
        ("another version", "all", record(r#"{"v":2}"#), unavailable),
        ("a moment that is text", "all", record(r#"{"v":1,"before":"1"}"#), unavailable),
        ("a moment of null", "all", record(r#"{"v":1,"before":null}"#), unavailable),
        ("a fractional moment", "all", record(r#"{"v":1,"before":1.5}"#), unavailable),
        ("two moments", "all", record(r#"{"v":1,"before":9,"before":1}"#), unavailable),
        ("not UTF-8", "all", Record::Found(vec![0xff, 0xfe]), unavailable),
        ("store down on all", "all", Record::Unavailable, unavailable),
        ("store down on subject", "subject/u-42", Record::Unavailable, unavailable),
        ("store down on session", "session/s-1", Record::Unavailable, unavailable),
    ] {
        let ask = ask().with(|a| a.state = vec![(format!("t/globex/revoked/{key}"), record)]);
        assert_eq!(ask.reason(&POLICY), want, "{name}");
        let other = ask.with(|a| a.state[0].0 = a.state[0].0.replace("globex", "acme"));
        assert_eq!(other.reason(&POLICY), None, "{name}, of another tenant");
    }
    let undated = ask().with(|a| {
        a.claims.as_object_mut().unwrap().remove("iat");
        a.state = vec![("t/globex/revoked/all".into(), before(0))];
    });
    assert_eq!(undated.reason(&POLICY), revoked, "a token that does not say when");
}

#[test]
fn records_that_were_not_given_are_not_absent() {
    use sekisho_core::{Progress, Timestamp, decide};
    let now = Timestamp::from_second(ask().now).unwrap();
    let Progress::Pending(pending) = decide(&POLICY, ask().request(), now) else {
        panic!("decided without state")
    };
    assert_eq!(
        pending.records(),
        ["t/globex/revoked/all", "t/globex/revoked/subject/u-42", "t/globex/revoked/session/s-1"]
    );
    let Verdict::Deny(denial) = pending.resume(&sekisho_core::records::Records::new()).verdict
    else {
        panic!("permitted")
    };
    assert_eq!(denial.reason(), Reason::StateUnavailable);
}

#[test]
fn without_state_nothing_is_asked_of_it() {
    let policy = policy_with("revocation = true", "revocation = false");
    let down = ask().with(|a| a.state = vec![("t/globex/revoked/all".into(), Record::Unavailable)]);
    assert_eq!(down.reason(&policy), None);
    let public = down.with(|a| {
        a.get("/healthz");
        a.authorization = Some(String::new());
    });
    assert_eq!(public.reason(&POLICY), None);
}
