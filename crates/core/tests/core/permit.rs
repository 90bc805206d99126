//! What an origin sees of a permitted request.

use super::support::{Ask, POLICY, ask, field, policy_with};
use sekisho_core::{Policy, Reason, Scheme, Step, Verdict};
use serde_json::json;

fn names(fields: &[(String, String)]) -> Vec<&str> {
    fields.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn exactly_these_fields() {
    let seen = ask()
        .with(|a| {
            a.headers = vec![
                ("Accept".into(), b"text/event-stream".to_vec()),
                ("Cookie".into(), b"theme=dark; __Host-sekisho2=x".to_vec()),
                ("Content-Length".into(), b"12".to_vec()),
                ("TE".into(), b"gzip;q=0.5, Trailers".to_vec()),
                ("TE".into(), b"trailers".to_vec()),
                (
                    "traceparent".into(),
                    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_vec(),
                ),
            ];
            a.host = Some("Globex.example.jp:3443".into());
        })
        .upstream(&POLICY)
        .unwrap();
    let want = [
        ("accept", "text/event-stream"),
        ("cookie", "theme=dark; __Host-sekisho2=x"),
        ("content-length", "12"),
        ("te", "trailers"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-tenant-id", "globex"),
        ("x-user-id", "u-42"),
        ("x-user-roles", "member,tester"),
        ("x-request-id", "our-request-id"),
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9;host=\"globex.example.jp\";proto=https"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "globex.example.jp"),
    ];
    let seen: Vec<(&str, &str)> = seen.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(seen, want);
}

#[test]
fn an_ipv6_client_is_quoted() {
    let seen =
        ask().with(|a| a.peer = Some("[2001:db8:42::9]:1".into())).upstream(&POLICY).unwrap();
    assert_eq!(field(&seen, "x-forwarded-for"), Some("2001:db8:42::9"));
    assert_eq!(
        field(&seen, "forwarded"),
        Some("for=\"[2001:db8:42::9]\";host=\"globex.example.jp\";proto=https")
    );
}

#[test]
fn a_public_route_has_no_user() {
    let seen = ask()
        .with(|a| {
            a.get("/healthz");
            a.header("x-user-id", "admin");
        })
        .upstream(&POLICY)
        .unwrap();
    assert_eq!(
        names(&seen),
        [
            "x-tenant-id",
            "x-request-id",
            "x-forwarded-for",
            "forwarded",
            "x-forwarded-proto",
            "x-forwarded-host"
        ],
        "no user, and the bearer token stops here too"
    );
}

#[test]
fn reserved_names_never_pass_in_any_spelling() {
    for name in [
        "X-Tenant-Id",
        "x-tenant-id",
        "X-TENANT-ID",
        "X-Tenant-Anything",
        "X-User-Id",
        "x-user-roles",
        "X-User-Email",
        "X-Sekisho-Debug",
        "Sekisho-Assertion",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Client-Cert",
        "X-Forwarded",
        "X-Real-IP",
        "True-Client-IP",
        "Fastly-Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Client-IP",
        "CF-Connecting-IP",
        "Spin-Client-Addr",
        "spin-path-info",
        "X-Request-Id",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Remote-User",
        "X-Remote-User",
        "X-Auth-Request-User",
        "X-SSL-Client-S-DN",
        "Proxy",
        "X-MS-Client-Principal",
        "Front-End-Https",
        "X-Accel-Redirect",
        "X-Client-Address",
        "X-Original-Forwarded-For",
        "X-Envoy-Forwarded-For",
        "remote.user",
        "x.tenant.id",
        "x-tenant.id",
        "X!User+Id",
        "Proxy-Authorization",
        "Keep-Alive",
        "Upgrade",
        "HTTP2-Settings",
        "TE",
        "Trailer",
    ] {
        let forged = ask().with(|a| a.header(name, "forged-value")).upstream(&POLICY).unwrap();
        assert!(forged.iter().all(|(_, value)| !value.contains("forged")), "{name}: {forged:?}");
        assert_eq!(forged, ask().upstream(&POLICY).unwrap(), "{name} changed something");
    }
    for name in ["X_Tenant_Id", "x-tenant_id", "X_USER_ID", "sekisho_assertion"] {
        let got = ask().with(|a| a.header(name, "forged-value")).reason(&POLICY);
        assert_eq!(got, Some(Reason::HeaderInvalid), "{name}");
    }
}

#[test]
fn the_header_that_names_the_client_is_the_proxys_alone() {
    let policy = policy_with("\"x-forwarded-for\"", "\"X-Azure-ClientIP\"");
    let seen =
        ask().with(|a| a.header("x-azure-clientip", "198.51.100.1")).upstream(&policy).unwrap();
    assert_eq!(field(&seen, "x-azure-clientip"), None);
    assert_eq!(field(&seen, "x-forwarded-for"), Some("203.0.113.9"));
}

#[test]
fn connection_takes_away_the_clients_fields_and_none_of_ours() {
    let seen = ask()
        .with(|a| {
            a.header("x-secret", "1");
            a.header("X-Other", "2");
            a.header("x-kept", "3");
            a.header(
                "Connection",
                "close, X-Secret,\t x-tenant-id , x-user-id,x-request-id,,forwarded",
            );
            a.header("connection", "X-OTHER, x-forwarded-for, sekisho-assertion");
        })
        .upstream(&POLICY)
        .unwrap();
    let kept: Vec<&str> = names(&seen).into_iter().filter(|name| *name != "x-kept").collect();
    assert_eq!(kept, names(&ask().upstream(&POLICY).unwrap()));
    assert_eq!(field(&seen, "x-tenant-id"), Some("globex"));
    assert_eq!(field(&seen, "x-kept"), Some("3"));
}

#[test]
fn connection_takes_away_nothing_that_the_request_means() {
    for name in ["Cookie", "authorization", "Host", "Content-Length", "content-encoding", "Origin"]
    {
        let got = ask().with(|a| a.header("Connection", format!("close, {name}"))).reason(&POLICY);
        assert_eq!(got, Some(Reason::HeaderInvalid), "{name}");
    }
}

#[test]
fn a_trace_goes_on_only_where_it_is_sound() {
    let sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let seen = |parents: &[&str]| {
        let ask = ask().with(|a| {
            for parent in parents {
                a.header("traceparent", parent);
            }
            a.header("tracestate", "a=1");
            a.header("tracestate", "b=2");
        });
        let seen = ask.upstream(&POLICY).unwrap();
        names(&seen).into_iter().filter(|name| name.starts_with("trace")).count()
    };
    assert_eq!(seen(&[sound]), 3);
    assert_eq!(seen(&[]), 0, "a state of no trace");
    assert_eq!(seen(&["garbage"]), 0);
    assert_eq!(seen(&[sound, sound]), 0, "two traces");
}

#[test]
fn a_gateway_that_records_traces_has_its_place_in_them() {
    let sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let seen = |parent: &str| {
        let ask = ask().with(|a| {
            a.trace_ratio = Some(1.0);
            a.header("traceparent", parent);
            a.header("tracestate", "a=1");
        });
        let seen = ask.upstream(&POLICY).unwrap();
        let traces = names(&seen).into_iter().filter(|name| *name == "traceparent").count();
        assert_eq!(traces, 1, "{parent}");
        let own = field(&seen, "traceparent").unwrap().to_owned();
        (own, field(&seen, "tracestate").map(str::to_owned))
    };
    let (own, state) = seen(sound);
    assert!(own.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && own.ends_with("-01"));
    assert!(own != sound && state.as_deref() == Some("a=1"));
    let (own, state) = seen("garbage");
    assert!(own.starts_with("00-") && !own.contains("0af76519"), "{own}");
    assert_eq!(state, None, "what is said of another trace");
}

#[test]
fn connection_takes_no_part_of_a_trace() {
    let seen = ask()
        .with(|a| {
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            a.header("traceparent", parent);
            a.header("tracestate", "a=1");
            a.header("connection", "traceparent");
        })
        .upstream(&POLICY)
        .unwrap();
    assert_eq!(field(&seen, "traceparent"), None);
    assert_eq!(field(&seen, "tracestate"), None);
}

#[test]
fn an_expectation_is_met_here() {
    let seen = ask().with(|a| a.header("Expect", "100-continue")).upstream(&POLICY).unwrap();
    assert_eq!(field(&seen, "expect"), None);
}

#[test]
fn the_proxys_secret_stops_here() {
    let policy = &*super::edge::SECRET;
    let asks = [
        ask().with(|a| a.header("X-Edge-Secret", "forged-value")),
        ask().with(|a| {
            a.peer = Some("10.0.0.1:4711".into());
            a.header("x-forwarded-for", "203.0.113.9");
            a.header("X-Edge-Secret", "test1");
        }),
    ];
    for ask in asks {
        let seen = ask.upstream(policy).unwrap();
        assert_eq!(field(&seen, "x-edge-secret"), None);
        assert_eq!(seen, super::support::ask().upstream(policy).unwrap());
    }
}

#[test]
fn credentials_of_the_gateway_stop_here() {
    let cookies = |sent: &[&str]| {
        let seen = ask()
            .with(|a| {
                a.get("/healthz");
                for cookie in sent {
                    a.header("cookie", cookie);
                }
            })
            .upstream(&POLICY)
            .unwrap();
        let cookies = seen.into_iter().filter(|(name, _)| name == "cookie");
        cookies.map(|(_, value)| value).collect::<Vec<_>>()
    };
    for (name, sent, want) in [
        ("alone", &["__Host-sekisho=t"][..], &[][..]),
        ("first", &["__Host-sekisho=t; a=1"], &["a=1"]),
        ("last, without a space", &["a=1;b=2;__Host-sekisho=t"], &["a=1; b=2"]),
        ("twice", &["__Host-sekisho=t; __Host-sekisho=u"], &[]),
        ("space before the sign", &["__Host-sekisho =t; a=1"], &["a=1"]),
        ("without a value", &["__Host-sekisho; a=1"], &["a=1"]),
        ("two lines", &["a=1", "__Host-sekisho=t"], &["a=1"]),
        (
            "lines become one",
            &["a=1; b=2", "__Host-sekisho=t", "c=3;d=4", "a=1"],
            &["a=1; b=2; c=3; d=4; a=1"],
        ),
        ("lines of nothing else", &["__Host-sekisho=t", ""], &[]),
        ("as a value", &["a=__Host-sekisho=t"], &["a=__Host-sekisho=t"]),
        ("a longer name", &["__Host-sekisho-x=1"], &["__Host-sekisho-x=1"]),
    ] {
        assert_eq!(cookies(sent), want, "{name}");
    }
    let by_cookie = ask()
        .with(|a| {
            let token = a.token();
            a.authorization = Some(String::new());
            a.header("cookie", format!("a=1; __Host-sekisho={token}"));
        })
        .upstream(&POLICY)
        .unwrap();
    assert_eq!(field(&by_cookie, "cookie"), Some("a=1"));
    assert_eq!(field(&by_cookie, "x-user-id"), Some("u-42"));
    assert_eq!(field(&by_cookie, "authorization"), None);
}

#[test]
fn cookies_stand_where_the_first_stood() {
    let seen = ask()
        .with(|a| {
            let token = a.token();
            a.authorization = Some(String::new());
            for (name, value) in [
                ("x-before", "1"),
                ("cookie", &*format!("__Host-sekisho={token}")),
                ("x-between", "2"),
                ("cookie", "a=1"),
                ("cookie", "b=2"),
                ("x-after", "3"),
            ] {
                a.header(name, value);
            }
        })
        .upstream(&POLICY)
        .unwrap();
    let first: Vec<(&str, &str)> =
        seen.iter().take(5).map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let want = [
        ("x-before", "1"),
        ("cookie", "a=1; b=2"),
        ("x-between", "2"),
        ("x-after", "3"),
        ("x-tenant-id", "globex"),
    ];
    assert_eq!(first, want);
    assert_eq!(field(&seen, "x-user-id"), Some("u-42"));
}

#[test]
fn the_request_identifier() {
    let seen = |peer: &str, ids: &[&str]| {
        let ask = ask().with(|a| {
            a.peer = Some(peer.into());
            a.header("x-forwarded-for", "203.0.113.9");
            for id in ids {
                a.header("X-Request-Id", id);
            }
        });
        let facts = ask.judge(&POLICY).facts;
        let upstream = ask.upstream(&POLICY).unwrap();
        assert_eq!(field(&upstream, "x-request-id"), Some(facts.request_id.as_str()));
        facts.request_id
    };
    let (proxy, client) = ("10.0.0.1:1", "203.0.113.9:1");
    let long = "a".repeat(64);
    assert_eq!(seen(proxy, &["cdn-7_f.3"]), "cdn-7_f.3");
    assert_eq!(seen(proxy, &[&long]), long);
    for (name, peer, ids) in [
        ("none", proxy, &[][..]),
        ("a client's", client, &["mine"]),
        ("two", proxy, &["a", "a"]),
        ("empty", proxy, &[""]),
        ("too long", proxy, &[&"a".repeat(65)]),
        ("markup", proxy, &["<script>"]),
        ("a quote", proxy, &["a\"b"]),
        ("a space", proxy, &["a b"]),
    ] {
        assert_eq!(seen(peer, ids), "our-request-id", "{name}");
    }
    // Nor is a request without one that the first step refuses.
    let refused = ask().with(|a| a.scheme = Scheme::Http).judge(&POLICY).facts;
    assert_eq!((refused.reached, &*refused.request_id), (Some(Step::Transport), "our-request-id"));
}

#[test]
fn the_origin_is_in_the_tenants_region() {
    let origin = |policy: &Policy, ask: &Ask| match ask.judge(policy).verdict {
        Verdict::Permit(permit) => (permit.origin().id().to_owned(), permit.url()),
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => panic!("{}", denial.reason()),
    };
    let initech = ask().with(Ask::at_initech).with(|a| a.claims["groups"] = json!(["member"]));
    for (name, ask, want) in [
        (
            "jp, listed second",
            ask(),
            ("assistant-jp", "https://assistant.jp.example/api/assistants/a1/chat?x=1"),
        ),
        (
            "eu, listed first",
            initech.clone(),
            ("assistant-eu", "https://assistant.eu.example:8443/api/assistants/a1/chat?x=1"),
        ),
        (
            "eu, listed second",
            initech.with(|a| a.get("/api/me")),
            ("assistant-eu", "https://assistant.eu.example:8443/api/me"),
        ),
        ("public", ask().with(|a| a.get("/healthz")), ("status", "http://127.0.0.1:3480/healthz")),
    ] {
        let (id, url) = origin(&POLICY, &ask);
        assert_eq!((id.as_str(), url.as_str()), want, "{name}");
    }
}

#[test]
fn the_declared_length_goes_with_the_permit() {
    let length = |declared: Option<&str>| {
        let ask = ask().with(|a| {
            if let Some(length) = declared {
                a.header("content-length", length);
            }
        });
        match ask.judge(&POLICY).verdict {
            Verdict::Permit(permit) => Ok(permit.content_length()),
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => Err(denial.reason()),
        }
    };
    assert_eq!(length(None), Ok(None));
    assert_eq!(length(Some("0")), Ok(Some(0)));
    assert_eq!(length(Some("1000")), Ok(Some(1000)), "the route's limit itself");
    assert_eq!(length(Some("1001")), Err(Reason::BodyTooLarge));
    assert_eq!(length(Some("0x10")), Err(Reason::HeaderInvalid));
}
