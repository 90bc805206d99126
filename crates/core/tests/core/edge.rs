//! What stands before the gateway: its word on the client and on HTTPS, and its secret.

use super::support::{Ask, POLICY, ask, policy_with};
use sekisho_core::policy::CDNS;
use sekisho_core::{Policy, Reason, Scheme, Step, Verdict};
use std::sync::LazyLock;

const HEADER: &str = "client_address_header = \"x-forwarded-for\"";
const PROXY: &str = "10.0.0.1:4711";

/// The sound policy with two secrets of the proxy: SHA-256 of `test1` and of `test2`.
pub(crate) static SECRET: LazyLock<Policy> = LazyLock::new(|| policy_with(HEADER, SECRETS));

const SECRETS: &str = r#"proxy_secret = { header = "X-Edge-Secret", sha256 = [
    "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014",
    "60303AE22B998861BCE3B28F33EEC1BE758A213C86C93C076DBE9F558C11C752",
] }"#;

/// A permitted request through the proxy.
fn relayed() -> Ask {
    ask().with(|a| {
        a.peer = Some(PROXY.into());
        a.header("x-forwarded-for", "203.0.113.9");
    })
}

/// The request that [`Reason::ProxySecretInvalid`] refuses, and where.
pub(crate) fn without_the_secret() -> (Ask, Reason, Step) {
    (relayed(), Reason::ProxySecretInvalid, Step::Transport)
}

fn client(policy: &Policy, ask: &Ask) -> Result<String, Reason> {
    let decision = ask.judge(policy);
    match decision.verdict {
        Verdict::Permit(_) => Ok(decision.facts.client.unwrap().to_string()),
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => Err(denial.reason()),
    }
}

#[test]
fn a_secret_that_stands_twice_is_that_secret() {
    let hash = "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014";
    let secrets = format!(
        "proxy_secret = {{ header = \"X-Edge-Secret\", sha256 = [\"{hash}\", \"{hash}\"] }}"
    );
    let ask = relayed().with(|a| a.header("x-edge-secret", "test1"));
    assert_eq!(ask.reason(&policy_with(HEADER, &secrets)), None);
}

#[test]
fn a_trusted_proxy_knows_the_secret() {
    let refused = Some(Reason::ProxySecretInvalid);
    let long = "a".repeat(2000);
    for (name, secrets, want) in [
        ("the first", &["test1"][..], None),
        ("the second", &["test2"], None),
        ("none", &[], refused),
        ("empty", &[""], refused),
        ("another", &["test3"], refused),
        ("another case", &["TEST1"], refused),
        ("both", &["test1", "test2"], refused),
        ("twice", &["test1", "test1"], refused),
        ("a list", &["test1, test2"], refused),
        ("a longer one", &["test1x"], refused),
        ("a start", &["test"], refused),
        ("very long", &[&long], refused),
        (
            "its hash",
            &["1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014"],
            refused,
        ),
    ] {
        let ask = relayed().with(|a| {
            for secret in secrets {
                a.header("x-edge-secret", secret);
            }
        });
        assert_eq!(ask.reason(&SECRET), want, "{name}");
        assert_eq!(ask.reason(&POLICY), None, "{name}, nobody asks for it");
        let plain = ask.with(|a| {
            a.get("/api/me");
            a.scheme = Scheme::Http;
        });
        let without_tls = want.or(Some(Reason::HttpsRedirect));
        assert_eq!(plain.reason(&SECRET), without_tls, "{name}, before anything else");
    }
}

#[test]
fn a_denial_does_not_show_what_was_tried() {
    let tried = relayed().with(|a| a.header("x-edge-secret", "almost-right"));
    let Verdict::Deny(denial) = tried.judge(&SECRET).verdict else { panic!("permitted") };
    assert!(!denial.detail().contains("almost-right"));
    assert_eq!(denial.header(), None);
}

#[test]
fn a_peer_that_is_no_proxy_is_not_asked_for_the_secret() {
    assert_eq!(client(&SECRET, &ask()), Ok("203.0.113.9".into()));
    let knowing = ask().with(|a| {
        a.header("x-edge-secret", "test1");
        a.header("x-forwarded-for", "203.0.113.77");
    });
    assert_eq!(client(&SECRET, &knowing), Ok("203.0.113.9".into()), "and not believed with it");
}

#[test]
fn whoever_connects_with_a_secret_is_the_proxy_alone() {
    let blocks = "trusted_proxies = [\"10.0.0.0/8\", \"2001:db8:ffff::/48\"]";
    let policy = policy_with(blocks, &format!("trusted_proxies = \"peer\"\n{SECRETS}"));
    let from = |peer: Option<&str>, secret: &str| {
        let ask = relayed().with(|a| {
            a.peer = peer.map(Into::into);
            a.header("x-edge-secret", secret);
        });
        client(&policy, &ask)
    };
    assert_eq!(from(Some("192.0.2.1:1"), "test1"), Ok("203.0.113.9".into()));
    assert_eq!(from(None, "test2"), Ok("203.0.113.9".into()));
    assert_eq!(from(Some("203.0.113.9:1"), "guess"), Err(Reason::ProxySecretInvalid));
    assert_eq!(from(None, "guess"), Err(Reason::ProxySecretInvalid));
}

#[test]
fn presets_name_a_header_and_no_address() {
    for (cdn, header) in CDNS {
        let policy = policy_with(HEADER, &format!("cdn = \"{cdn}\""));
        assert_eq!(policy.edge().client_address_header(), header, "{cdn}");
        let with = |peer: &str| {
            let ask = ask().with(|a| {
                a.peer = Some(peer.into());
                a.header(header, "203.0.113.9");
            });
            client(&policy, &ask)
        };
        assert_eq!(with(PROXY), Ok("203.0.113.9".into()), "{cdn}");
        assert_eq!(with("192.0.2.1:1"), Err(Reason::NetworkNotAllowed), "{cdn}, from anywhere");
    }
}

#[test]
fn the_client_in_forwarded() {
    let policy = policy_with(HEADER, "client_address_header = \"Forwarded\"");
    let invalid = Err(Reason::ClientAddressInvalid);
    for (name, peer, lines, want) in [
        ("one hop", PROXY, &["for=203.0.113.9"][..], Ok("203.0.113.9")),
        ("two hops", PROXY, &["for=1.2.3.4", "for=203.0.113.9, for=10.9.9.9"], Ok("203.0.113.9")),
        ("IPv6", PROXY, &[r#"for="[2001:db8:42::9]:4711""#], Ok("2001:db8:42::9")),
        ("spoofed", PROXY, &["for=203.0.113.9, for=192.0.2.1"], Err(Reason::NetworkNotAllowed)),
        ("hidden", PROXY, &["for=203.0.113.9, for=_x"], invalid),
        ("unknown", PROXY, &["for=unknown"], invalid),
        ("unreadable", PROXY, &["for=\"203.0.113.9"], invalid),
        ("missing", PROXY, &[], invalid),
        ("not a proxy's", "203.0.113.9:1", &["for=\"unreadable"], Ok("203.0.113.9")),
    ] {
        let ask = ask().with(|a| {
            a.peer = Some(peer.into());
            a.header("x-forwarded-for", "198.51.100.1");
            for line in lines {
                a.header("Forwarded", line);
            }
        });
        let got = client(&policy, &ask);
        assert_eq!(got.as_deref(), want.as_ref().copied(), "{name}");
    }
}

#[test]
fn two_words_on_https_agree() {
    let policy = policy_with(HEADER, "client_address_header = \"forwarded\"");
    let relayed = |policy: &Policy, scheme: Scheme, forwarded: &str, proto: Option<&str>| {
        ask()
            .with(|a| {
                a.scheme = scheme;
                a.peer = Some(PROXY.into());
                a.header("x-forwarded-for", "203.0.113.9");
                a.header("forwarded", forwarded);
                if let Some(proto) = proto {
                    a.header("x-forwarded-proto", proto);
                }
            })
            .reason(policy)
    };
    let (https, http) = ("for=203.0.113.9;proto=https", "for=203.0.113.9;proto=http");
    let refused = Some(Reason::HttpsRequired);
    for (name, scheme, forwarded, proto, want) in [
        ("Forwarded alone", Scheme::Http, https, None, None),
        ("both", Scheme::Http, https, Some("https"), None),
        ("Forwarded says no", Scheme::Https, http, Some("https"), refused),
        ("X-Forwarded-Proto says no", Scheme::Https, https, Some("http"), refused),
        ("Forwarded alone says no", Scheme::Https, http, None, refused),
        ("neither, plain", Scheme::Http, "for=203.0.113.9", None, refused),
        ("neither, TLS", Scheme::Https, "for=203.0.113.9", None, None),
        ("X-Forwarded-Proto alone", Scheme::Http, "for=203.0.113.9", Some("https"), None),
        (
            "a farther proxy met plain HTTP",
            Scheme::Https,
            "for=203.0.113.9;proto=http, for=10.0.0.2;proto=https",
            Some("https"),
            refused,
        ),
        (
            "a farther proxy met plain HTTP, the nearest is silent",
            Scheme::Https,
            "for=203.0.113.9;proto=http, for=10.0.0.2",
            None,
            refused,
        ),
        (
            "what the client wrote itself",
            Scheme::Http,
            "for=10.0.0.3;proto=http, for=203.0.113.9;proto=https",
            None,
            None,
        ),
        (
            "only the nearest element's yes counts",
            Scheme::Http,
            "for=203.0.113.9;proto=https, for=10.0.0.2",
            None,
            refused,
        ),
    ] {
        assert_eq!(relayed(&policy, scheme, forwarded, proto), want, "{name}");
    }
    let other = relayed(&POLICY, Scheme::Http, https, None);
    assert_eq!(other, refused, "Forwarded is not the header of this policy");
}
