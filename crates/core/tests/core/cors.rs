//! Cross-origin resource sharing by the tenant's policy.

use super::policy::faults;
use super::support::{Ask, ask, field, files};
use sekisho_core::answer::Reply;
use sekisho_core::policy::{Files, load};
use sekisho_core::refusal::{Audience, refuse};
use sekisho_core::{Headers, Policy, Reason, Step, Verdict};

const PORTAL: &str = "https://portal.example";

const CORS: &str = "[cors]\norigins = [\"https://portal.example\", \"https://a.example:8443\"]\n\
     headers = [\"authorization\", \"x-thread\"]\nexpose_headers = [\"x-request-id\"]\n";

fn with(cors: &str) -> Files {
    let mut files = files();
    let globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    files.insert(
        "tenants/globex.toml".into(),
        globex.replace("[networks]", &format!("{cors}[networks]")).into(),
    );
    files
}

fn policy(more: &str) -> Policy {
    load(&with(&format!("{CORS}{more}"))).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn preflight(origin: &str, method: &str, headers: Option<&str>) -> Ask {
    ask().with(|a| {
        a.method = "OPTIONS".into();
        a.authorization = Some(String::new());
        a.header("origin", origin);
        a.header("access-control-request-method", method);
        if let Some(headers) = headers {
            a.header("access-control-request-headers", headers);
        }
    })
}

fn answer(ask: &Ask, policy: &Policy) -> Result<Vec<(String, String)>, Reason> {
    let decision = ask.judge(policy);
    match decision.verdict {
        Verdict::Answer(Reply::Preflight(headers)) => {
            assert_eq!(decision.facts.reached, Some(Step::Network));
            assert!(decision.facts.principal.is_none() && decision.writes.is_empty());
            Ok(texts(&headers))
        }
        Verdict::Deny(denial) => Err(denial.reason()),
        other => panic!("{other:?}"),
    }
}

fn texts(headers: &Headers) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}

/// A preflight that is refused, for the table of reasons.
pub(crate) fn refused() -> (Reason, Step, Ask) {
    let ask = preflight("https://evil.example", "POST", None);
    let decision = ask.judge(&policy("")).verdict.into_denial();
    assert_eq!(decision, Some(Reason::PreflightRefused));
    (Reason::PreflightRefused, Step::Route, ask)
}

trait IntoDenial {
    fn into_denial(self) -> Option<Reason>;
}

impl IntoDenial for Verdict<'_> {
    fn into_denial(self) -> Option<Reason> {
        match self {
            Self::Deny(denial) => Some(denial.reason()),
            Self::Permit(_) | Self::Answer(_) => None,
        }
    }
}

#[test]
fn a_preflight_is_answered_without_a_token() {
    let policy = policy("credentials = true\nmax_age_s = 7\n");
    let fields =
        answer(&preflight(PORTAL, "POST", Some("X-Thread , Authorization")), &policy).unwrap();
    for (name, want) in [
        ("access-control-allow-origin", PORTAL),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "x-thread, authorization"),
        ("access-control-max-age", "7"),
        ("vary", "origin, access-control-request-method, access-control-request-headers"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(field(&fields, name), Some(want), "{name}");
    }
    let plain =
        answer(&preflight("https://a.example:8443", "POST", None), &self::policy("")).unwrap();
    assert_eq!(field(&plain, "access-control-allow-credentials"), None);
    assert_eq!(field(&plain, "access-control-allow-headers"), None);
    assert_eq!(field(&plain, "access-control-max-age"), Some("600"));
}

#[test]
fn a_preflight_is_refused() {
    let policy = policy("");
    let no = Err(Reason::PreflightRefused);
    for (name, ask, want) in [
        ("sound", preflight(PORTAL, "POST", Some("x-thread")), Ok(())),
        ("another site", preflight("https://evil.example", "POST", None), no),
        ("below it", preflight("https://a.portal.example", "POST", None), no),
        ("behind it", preflight("https://portal.example.evil.example", "POST", None), no),
        ("in the clear", preflight("http://portal.example", "POST", None), no),
        ("another port", preflight("https://portal.example:8443", "POST", None), no),
        ("a slash", preflight("https://portal.example/", "POST", None), no),
        ("another case", preflight("https://Portal.example", "POST", None), no),
        ("no site", preflight("null", "POST", None), no),
        ("any", preflight("*", "POST", None), no),
        ("a field", preflight(PORTAL, "POST", Some("x-tenant-id")), no),
        ("a field more", preflight(PORTAL, "POST", Some("authorization,x-evil")), no),
        ("all fields", preflight(PORTAL, "POST", Some("*")), no),
        ("another method", preflight(PORTAL, "DELETE", None), Err(Reason::MethodNotAllowed)),
        ("no method", preflight(PORTAL, "TRACE", None), no),
        (
            "no path",
            preflight(PORTAL, "POST", None).with(|a| a.target = "/x".into()),
            Err(Reason::RouteNotFound),
        ),
        (
            "another network",
            preflight(PORTAL, "POST", None).with(|a| a.peer = Some("192.0.2.1:1".into())),
            Err(Reason::NetworkNotAllowed),
        ),
    ] {
        assert_eq!(answer(&ask, &policy).map(|_| ()), want, "{name}");
    }
}

#[test]
fn what_is_no_preflight_is_a_request_like_all() {
    let policy = policy("");
    for (name, ask, want) in [
        (
            "without a method",
            ask().with(|a| a.header("origin", PORTAL)),
            Some(Reason::MethodNotAllowed),
        ),
        (
            "two sites",
            preflight(PORTAL, "POST", None).with(|a| a.header("origin", "https://evil.example")),
            None,
        ),
        (
            "a tenant without a word on it",
            preflight(PORTAL, "POST", None).with(Ask::at_acme),
            Some(Reason::MethodNotAllowed),
        ),
    ] {
        let got = ask.with(|a| a.method = "OPTIONS".into()).judge(&policy).verdict.into_denial();
        assert!(want.is_none_or(|want| got == Some(want)) && got.is_some(), "{name}: {got:?}");
    }
}

/// What the page of a site may read of an origin's answer, and of a refusal.
#[test]
fn answers_are_shared_with_the_sites_and_nobody_else() {
    let policy = policy("");
    let said = [
        ("x-tenant-id", "globex"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-secret"),
        ("vary", "accept"),
    ];
    for (origin, allowed) in [
        (Some(PORTAL), Some(PORTAL)),
        (Some("https://evil.example"), None),
        (Some("null"), None),
        (None, None),
    ] {
        let ask = ask().with(|a| {
            if let Some(origin) = origin {
                a.header("origin", origin);
            }
        });
        let Verdict::Permit(permit) = ask.judge(&policy).verdict else { panic!("{origin:?}") };
        let fields = said.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
        let kept = permit.into_parts().0.judge(&Headers::new(fields), "globex.example.jp").unwrap();
        let denied = ask.with(|a| a.tamper = true).judge(&policy);
        let Verdict::Deny(denial) = denied.verdict else { panic!("{origin:?}") };
        let refusal = refuse(&denial, &denied.facts, &Audience::default());
        assert_eq!(refusal.status, 401);
        for fields in [texts(&kept), texts(&refusal.headers)] {
            assert_eq!(field(&fields, "access-control-allow-origin"), allowed, "{origin:?}");
            assert_eq!(field(&fields, "access-control-allow-credentials"), None, "{origin:?}");
            let exposed = allowed.map(|_| "x-request-id");
            assert_eq!(field(&fields, "access-control-expose-headers"), exposed, "{origin:?}");
            let varies =
                fields.iter().any(|(name, value)| name == "vary" && value.contains("origin"));
            assert!(varies, "{origin:?}");
        }
    }
}

/// The cookie comes along with what another site's page asks for only if the tenant said so.
#[test]
fn the_session_cookie_of_a_site_that_may_use_it() {
    for (name, more, origin, want) in [
        ("allowed", "credentials = true\n", PORTAL, None),
        ("not said", "", PORTAL, Some(Reason::CrossSiteRequest)),
        (
            "another site",
            "credentials = true\n",
            "https://evil.example",
            Some(Reason::CrossSiteRequest),
        ),
        ("null", "credentials = true\n", "null", Some(Reason::CrossSiteRequest)),
    ] {
        let ask = ask().with(|a| {
            let token = a.token();
            a.authorization = Some(String::new());
            a.header("cookie", format!("__Host-sekisho={token}"));
            a.header("sec-fetch-site", "cross-site");
            a.header("origin", origin);
        });
        assert_eq!(ask.reason(&policy(more)), want, "{name}");
    }
}

/// Each fault, by its code and what is written.
pub(crate) const FAULTS: [(&str, &str, &str); 15] = [
    (
        "cors-origin-tenant",
        "[cors]\norigins = [\"https://acme.example.jp:8443\"]\n",
        "\"https://acme.example.jp:8443\"",
    ),
    (
        "cors-credentials-cleartext",
        "[cors]\norigins = [\"http://localhost:5173\"]\ncredentials = true\n",
        "\"http://localhost:5173\"",
    ),
    ("cors-without-origin", "[cors]\norigins = []\n", "[]"),
    ("cors-origin-invalid", "[cors]\norigins = [\"*\"]\n", "\"*\""),
    ("cors-origin-invalid", "[cors]\norigins = [\"null\"]\n", "\"null\""),
    (
        "cors-origin-invalid",
        "[cors]\norigins = [\"https://a.example/\"]\n",
        "\"https://a.example/\"",
    ),
    (
        "cors-origin-invalid",
        "[cors]\norigins = [\"https://a.example:443\"]\n",
        "\"https://a.example:443\"",
    ),
    ("cors-origin-invalid", "[cors]\norigins = [\"https://A.example\"]\n", "\"https://A.example\""),
    ("cors-origin-invalid", "[cors]\norigins = [\"http://a.example\"]\n", "\"http://a.example\""),
    (
        "cors-header-invalid",
        "[cors]\norigins = [\"https://a.example\"]\nheaders = [\"X-A\"]\n",
        "\"X-A\"",
    ),
    (
        "cors-header-invalid",
        "[cors]\norigins = [\"https://a.example\"]\nheaders = [\"*\"]\n",
        "\"*\"",
    ),
    (
        "cors-header-invalid",
        "[cors]\norigins = [\"https://a.example\"]\nexpose_headers = [\"x-tenant-id\"]\n",
        "\"x-tenant-id\"",
    ),
    (
        "cors-max-age-invalid",
        "[cors]\norigins = [\"https://a.example\"]\nmax_age_s = 86401\n",
        "86401",
    ),
    ("login-invalid", "login = \"javascript:alert(1)\"\n", "\"javascript:alert(1)\""),
    ("login-not-public", "login = \"/api/me\"\n", "\"/api/me\""),
];

#[test]
fn faults_have_their_place() {
    for (code, text, points_at) in FAULTS {
        let files = with(text);
        let found = faults(&files);
        let [fault] = found.as_slice() else { panic!("{text}: {found:#?}") };
        assert_eq!((fault.code, fault.file.as_str()), (code, "tenants/globex.toml"), "{text}");
        assert_eq!(super::policy::pointed(&files, fault), Some(points_at), "{text}");
    }
    for sound in [
        "[cors]\norigins = [\"http://localhost:5173\", \"https://a.example\"]\n",
        "login = \"/healthz?a=b\"\n",
        "login = \"https://login.example/start?x=1\"\n",
    ] {
        assert!(load(&with(sound)).is_ok(), "{sound}");
    }
}
