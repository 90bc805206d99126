//! The way back: what of an origin's answer the client sees.

use super::support::{Ask, POLICY, ask, field};
use sekisho_core::response::judge_trailers;
use sekisho_core::{Headers, Reason, Verdict};

type Fields<'a> = &'a [(&'a str, &'a str)];

/// An origin's answer to this request as the client will see it.
fn answered(ask: &Ask, fields: Fields<'_>) -> Result<Vec<(String, String)>, Reason> {
    let Verdict::Permit(permit) = ask.judge(&POLICY).verdict else { panic!("denied") };
    let (rules, _) = permit.into_parts();
    let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
    let kept = rules
        .judge(&Headers::new(fields), ask.host.as_deref().unwrap_or_default())
        .map_err(|denial| denial.reason())?;
    Ok(kept
        .iter()
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect())
}

/// A route whose origin has `tenant_echo = "required"`; the tenant is globex.
fn required() -> Ask {
    ask().with(|a| a.get("/api/me"))
}

/// A public route of a tenant that has no allowlist.
fn everybody() -> Ask {
    ask().with(Ask::at_acme).with(|a| a.get("/healthz"))
}

#[test]
fn the_answer_belongs_to_the_tenant_that_asked() {
    let if_present = ask().with(Ask::at_initech).with(|a| a.get("/api/me"));
    let off = ask().with(|a| a.get("/healthz"));
    for (name, ask, fields, held) in [
        ("required, there", required(), &[("X-Tenant-Id", "globex")][..], true),
        ("required, missing", required(), &[("content-type", "text/plain")], false),
        ("required, another's", required(), &[("x-tenant-id", "acme")], false),
        ("required, empty", required(), &[("x-tenant-id", "")], false),
        ("required, in another case", required(), &[("x-tenant-id", "GLOBEX")], false),
        (
            "required, both",
            required(),
            &[("x-tenant-id", "globex"), ("X-Tenant-Id", "acme")],
            false,
        ),
        ("required, a list", required(), &[("x-tenant-id", "globex, acme")], false),
        (
            "required, named by Connection",
            required(),
            &[("connection", "x-tenant-id"), ("x-tenant-id", "acme")],
            false,
        ),
        ("if present, missing", if_present.clone(), &[], true),
        ("if present, there", if_present.clone(), &[("x-tenant-id", "initech")], true),
        ("if present, another's", if_present, &[("x-tenant-id", "globex")], false),
        ("off, another's", off.clone(), &[("x-tenant-id", "acme")], true),
        ("off, missing", off, &[], true),
    ] {
        let got = answered(&ask, fields);
        match got {
            Ok(kept) => {
                assert!(held, "{name}");
                assert_eq!(field(&kept, "x-tenant-id"), None, "{name}");
            }
            Err(reason) => {
                assert!(!held, "{name}");
                assert_eq!(reason, Reason::OriginTenantMismatch, "{name}");
            }
        }
    }
}

#[test]
fn nothing_internal_goes_out() {
    let echo = ("x-tenant-id", "globex");
    let plain = answered(&required(), &[echo]).unwrap();
    for name in [
        "X-User-Id",
        "Sekisho-Assertion",
        "X-Forwarded-For",
        "spin-full-url",
        "X-Request-Id",
        "X-Auth-Request-User",
        "Server",
        "X-Powered-By",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "Proxy-Authenticate",
        "Upgrade",
        "Strict-Transport-Security",
        "Alt-Svc",
    ] {
        assert_eq!(answered(&required(), &[echo, (name, "internal")]).unwrap(), plain, "{name}");
    }
    let named = [echo, ("connection", "x-debug"), ("x-debug", "1"), ("content-type", "text/plain")];
    let kept = answered(&required(), &named).unwrap();
    assert_eq!(field(&kept, "x-debug"), None);
    assert_eq!(field(&kept, "content-type"), Some("text/plain"));
}

/// Trailers are judged as the head is, and what says how to read or keep an answer can't come behind it.
#[test]
fn trailers_are_filtered() {
    for (name, passes) in [
        ("grpc-status", true),
        ("Grpc-Message", true),
        ("x-checksum", true),
        ("server-timing", true),
        ("etag", true),
        ("content-digest", true),
        ("x-tenant-id", false),
        ("X_Tenant_Id", false),
        ("x-user-roles", false),
        ("sekisho-assertion", false),
        ("x-forwarded-for", false),
        ("transfer-encoding", false),
        ("connection", false),
        ("trailer", false),
        ("server", false),
        ("strict-transport-security", false),
        ("set-cookie", false),
        ("location", false),
        ("cache-control", false),
        ("cdn-cache-control", false),
        ("content-length", false),
        ("content-type", false),
        ("content-security-policy", false),
        ("access-control-allow-origin", false),
        ("www-authenticate", false),
        ("host", false),
    ] {
        let trailers = Headers::new(vec![(name.to_owned(), b"1".to_vec())]);
        assert_eq!(judge_trailers(&trailers).iter().count(), usize::from(passes), "{name}");
    }
}

#[test]
fn only_trailers_that_will_come_are_announced() {
    let echo = ("x-tenant-id", "globex");
    for (names, want) in [
        ("X-Checksum", Some("x-checksum")),
        ("x-checksum, set-cookie ,Grpc-Status,", Some("x-checksum, grpc-status")),
        ("X-Tenant-Id", None),
        ("two words", None),
        ("", None),
    ] {
        let kept = answered(&required(), &[echo, ("trailer", names)]).unwrap();
        assert_eq!(field(&kept, "trailer"), want, "{names}");
    }
}

#[test]
fn an_authenticated_answer_is_nobody_elses() {
    let echo = ("x-tenant-id", "globex");
    for (name, ask, fields, want) in [
        ("no rule", required(), &[echo][..], Some("private, no-store")),
        (
            "its own rule",
            required(),
            &[echo, ("Cache-Control", "max-age=5")],
            Some("private, max-age=5"),
        ),
        (
            "its own rule, for everybody",
            required(),
            &[echo, ("Cache-Control", "public, s-maxage=9, max-age=5")],
            Some("private, max-age=5"),
        ),
        (
            "its own rule, taken away",
            required(),
            &[echo, ("cache-control", "public"), ("connection", "cache-control")],
            Some("private, no-store"),
        ),
        (
            "an empty rule",
            required(),
            &[echo, ("Cache-Control", ""), ("Cache-Control", " ")],
            Some("private, no-store"),
        ),
        ("public route, in a network", ask().with(|a| a.get("/healthz")), &[], Some("private")),
        (
            "public route, in a network, its own rule",
            ask().with(|a| a.get("/healthz")),
            &[("cache-control", "public, max-age=5")],
            Some("private, max-age=5"),
        ),
        ("public route", everybody(), &[], None),
        (
            "public route, its own rule",
            everybody(),
            &[("cache-control", "public, max-age=5")],
            Some("public, max-age=5"),
        ),
    ] {
        assert_eq!(field(&answered(&ask, fields).unwrap(), "cache-control"), want, "{name}");
    }
}

#[test]
fn what_a_browser_may_keep_varies_by_the_user() {
    let echo = ("x-tenant-id", "globex");
    let kept = ("cache-control", "max-age=5");
    for (name, ask, fields, want) in [
        ("kept", required(), &[echo, kept][..], &["authorization, cookie"][..]),
        ("its own", required(), &[echo, kept, ("vary", "Cookie")], &["Cookie", "authorization"]),
        ("of everything", required(), &[echo, kept, ("vary", "*")], &["*"]),
        ("not kept", required(), &[echo], &[]),
        ("everybody's", everybody(), &[kept], &[]),
    ] {
        let answer = answered(&ask, fields).unwrap();
        let vary: Vec<&str> =
            answer.iter().filter(|(n, _)| n == "vary").map(|(_, v)| v.as_str()).collect();
        assert_eq!(vary, want, "{name}");
    }
}

/// Where the gateway's rule stands, a cache that is asked for by name must not follow another.
#[test]
fn no_cache_follows_another_rule_than_the_gateways() {
    let echo = ("x-tenant-id", "globex");
    let public = everybody();
    for name in [
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "Akamai-Cache-Control",
        "Edge-Control",
        "Surrogate-Control",
    ] {
        let targeted = (name, "max-age=600");
        let own = [echo, targeted, ("cache-control", "max-age=5")];
        let lower = name.to_ascii_lowercase();
        for (ask, fields, want) in [
            (&required(), &[echo, targeted][..], None),
            (&required(), &own, None),
            (&public, &[targeted], Some("max-age=600")),
        ] {
            assert_eq!(field(&answered(ask, fields).unwrap(), &lower), want, "{name}");
        }
    }
}

#[test]
fn security_fields() {
    let own = [
        ("x-tenant-id", "globex"),
        ("strict-transport-security", "max-age=0"),
        ("x-content-type-options", "off"),
        ("referrer-policy", "no-referrer"),
    ];
    let kept = answered(&required(), &own).unwrap();
    assert_eq!(field(&kept, "strict-transport-security"), Some("max-age=63072000"));
    assert_eq!(field(&kept, "x-content-type-options"), Some("nosniff"));
    assert_eq!(field(&kept, "referrer-policy"), Some("no-referrer"));
    let kept = answered(&required(), &own[..1]).unwrap();
    assert_eq!(field(&kept, "referrer-policy"), Some("strict-origin-when-cross-origin"));
}

#[test]
fn cookies_stay_with_the_tenant() {
    for (cookie, passes) in [
        ("\u{b}__Host-sekisho=x", false),
        ("\r__Host-sekisho=x", false),
        ("a=b\u{0}; Path=/", false),
        ("a=b;\tPath=/", true),
        ("a=1; Path=/; Secure", true),
        ("a=1; Domain=globex.example.jp", true),
        ("a=1; domain=.GLOBEX.example.jp; Secure", true),
        ("a=1; Domain=", true),
        ("a=b=c; HttpOnly", true),
        ("a=1; Domain=example.jp", false),
        ("a=1; DOMAIN = .example.jp ;Secure", false),
        ("a=1; Domain=globex.example.jp; Domain=example.jp", false),
        ("a=1; Domain=acme.example.jp", false),
        ("__Host-sekisho=forged; Secure; Path=/", false),
        ("__host-SEKISHO=forged", false),
        ("=__Host-sekisho=forged", false),
        (" __Host-sekisho =forged", false),
        ("__Host-sekisho", false),
    ] {
        let fields = [("x-tenant-id", "globex"), ("Set-Cookie", cookie)];
        let kept = answered(&required(), &fields).unwrap();
        assert_eq!(field(&kept, "set-cookie"), passes.then_some(cookie), "{cookie}");
    }
}

/// Where a client is sent; `None` where the answer is refused.
fn sent(ask: &Ask, policy: &sekisho_core::Policy, location: &str) -> Option<String> {
    let Verdict::Permit(permit) = ask.judge(policy).verdict else { panic!("denied") };
    let (rules, _) = permit.into_parts();
    let fields = [("x-tenant-id", "globex"), ("location", location)];
    let fields = fields.map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec())).into();
    match rules.judge(&Headers::new(fields), "globex.example.jp") {
        Ok(kept) => {
            let values: Vec<&[u8]> = kept.values("location").collect();
            assert_eq!(values.len(), 1);
            Some(String::from_utf8(values[0].to_vec()).unwrap())
        }
        Err(denial) => {
            assert_eq!(denial.reason(), Reason::OriginRedirectRefused, "{location}");
            None
        }
    }
}

#[test]
fn a_client_is_sent_nowhere_but_to_the_tenant() {
    let policy = super::support::policy_with(
        "[origins.assistant-jp]\n",
        "[origins.assistant-jp]\nredirect_hosts = [\"files.example.com\"]\n",
    );
    for (location, want) in [
        ("/next", Some("/next")),
        ("/next?a=/b#c", Some("/next?a=/b#c")),
        ("next", Some("next")),
        ("../up", Some("../up")),
        ("?page=2", Some("?page=2")),
        ("#part", Some("#part")),
        ("a/b:c", Some("a/b:c")),
        ("/a:b", Some("/a:b")),
        ("/路", Some("/路")),
        // The tenant's host, by whatever scheme and port the origin takes it to have.
        ("https://globex.example.jp/next", Some("/next")),
        ("http://globex.example.jp/next", Some("/next")),
        ("https://globex.example.jp:3443/next", Some("/next")),
        ("HTTPS://GLOBEX.example.jp/next", Some("/next")),
        ("//globex.example.jp/next", Some("/next")),
        ("https://globex.example.jp", Some("/")),
        ("https://globex.example.jp?q", Some("/?q")),
        // The origin's own name stays inside.
        ("https://assistant.jp.example/next", Some("/next")),
        ("http://assistant.jp.example:8080/next?q", Some("/next?q")),
        // Where the policy lets it.
        ("https://files.example.com/f?sig=1", Some("https://files.example.com/f?sig=1")),
        ("https://files.example.com:443/f", Some("https://files.example.com/f")),
        ("//files.example.com/f", Some("https://files.example.com/f")),
        ("http://files.example.com/f", None),
        ("https://files.example.com:8443/f", None),
        ("https://sub.files.example.com/f", None),
        // Another tenant, and anybody else.
        ("https://acme.example.jp/next", None),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("///evil.example/", None),
        ("////evil.example/", None),
        ("https:evil.example", None),
        ("https:/evil.example", None),
        ("https:///evil.example", None),
        ("https://globex.example.jp@evil.example/", None),
        ("https://user@globex.example.jp/", None),
        ("https://globex.example.jp.evil.example/", None),
        ("https://globex.example.jp:x/", None),
        ("https://globex.example.jp//evil.example/", None),
        ("https://assistant.jp.example//evil.example/", None),
        ("\\\\evil.example/", None),
        ("/\\evil.example/", None),
        ("https:\\\\evil.example/", None),
        ("/\t/evil.example/", None),
        ("java\nscript:alert(1)", None),
        (" https://evil.example/", None),
        ("/a b", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("ftp://globex.example.jp/", None),
        ("myapp://callback", None),
        ("https://ｇlobex.example.jp/", None),
    ] {
        assert_eq!(sent(&required(), &policy, location).as_deref(), want, "{location:?}");
    }
}

#[test]
fn a_rewritten_prefix_is_undone() {
    let rewrite = |from: &str, to: &str| {
        super::support::policy_with(
            "id = \"me\"\npath = \"/api/me\"",
            &format!(
                "id = \"me\"\nrewrite = {{ from = {from:?}, to = {to:?} }}\npath = \"/api/me\""
            ),
        )
    };
    for (from, to, location, want) in [
        ("/api", "/v1", "/v1/me?q", "/api/me?q"),
        ("/api", "/v1", "/v1", "/api"),
        ("/api", "/v1", "https://assistant.jp.example/v1/x", "/api/x"),
        ("/api", "/v1", "/v12/me", "/v12/me"),
        ("/api", "/v1", "v1/me", "v1/me"),
        ("/api", "/", "/me", "/api/me"),
        ("/api", "/", "?q", "?q"),
        ("/", "/v1", "/v1/api", "/api"),
        ("/", "/v1", "/v1", "/"),
        ("/", "/v1", "/v1//evil.example", "/v1//evil.example"),
    ] {
        let sent = sent(&required(), &rewrite(from, to), location);
        assert_eq!(sent.as_deref(), Some(want), "{from} {to} {location}");
    }
}

#[test]
fn other_fields_that_lead_away() {
    let answer = |fields: Fields<'_>| {
        let ours = [&[("x-tenant-id", "globex")], fields].concat();
        answered(&required(), &ours)
    };
    for (name, fields, want) in [
        ("two", &[("location", "/a"), ("location", "/a")][..], Err(Reason::OriginRedirectRefused)),
        (
            "content-location",
            &[("content-location", "https://assistant.jp.example/a")],
            Ok(Some("/a")),
        ),
        ("another's", &[("content-location", "https://acme.example.jp/a")], Ok(None)),
        ("two of them", &[("content-location", "/a"), ("content-location", "/b")], Ok(None)),
    ] {
        let got = answer(fields).map(|kept| field(&kept, "content-location").map(str::to_owned));
        assert_eq!(got, want.map(|value| value.map(str::to_owned)), "{name}");
    }
    let kept = answer(&[("refresh", "0; url=https://evil.example/")]).unwrap();
    assert_eq!(field(&kept, "refresh"), None);
}
