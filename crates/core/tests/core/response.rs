//! The way back: what of an origin's answer the client sees.

use super::support::{Ask, POLICY, ask, field};
use sekisho_core::{Headers, Reason, Verdict};

type Fields<'a> = &'a [(&'a str, &'a str)];

/// An origin's answer to this request as the client will see it.
fn answered(ask: &Ask, fields: Fields<'_>) -> Result<Vec<(String, String)>, Reason> {
    let Verdict::Permit(permit) = ask.judge(&POLICY).verdict else { panic!("denied") };
    let (_, rules, _) = permit.into_parts();
    let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
    let kept = rules.judge(&Headers::new(fields)).map_err(|denial| denial.reason())?;
    Ok(kept
        .iter()
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect())
}

/// A route whose origin has `tenant_echo = "required"`; the tenant is globex.
fn required() -> Ask {
    ask().with(|a| a.get("/api/me"))
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

#[test]
fn an_authenticated_answer_is_nobody_elses() {
    let echo = ("x-tenant-id", "globex");
    for (name, ask, fields, want) in [
        ("no rule", required(), &[echo][..], Some("private, no-store")),
        ("its own rule", required(), &[echo, ("Cache-Control", "max-age=5")], Some("max-age=5")),
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
        ("public route", ask().with(|a| a.get("/healthz")), &[], None),
    ] {
        assert_eq!(field(&answered(&ask, fields).unwrap(), "cache-control"), want, "{name}");
    }
}

/// Where the gateway's rule stands, a cache that is asked for by name must not follow another.
#[test]
fn no_cache_follows_another_rule_than_the_gateways() {
    let echo = ("x-tenant-id", "globex");
    let public = ask().with(|a| a.get("/healthz"));
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
            (&required(), &own, Some("max-age=600")),
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
