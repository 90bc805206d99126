//! Which origin a request goes to, and when another one is asked.

use super::support::{Ask, ask, files};
use sekisho_core::origins::{Failure, Health};
use sekisho_core::policy::load;
use sekisho_core::{Permit, Policy, Reason, Verdict};
use std::collections::BTreeMap;
use std::time::Duration;

const ORIGINS: &str = r#"
[origins.a]
url = "https://a.jp.example"
region = "jp"
weight = 3

[origins.b]
url = "https://b.jp.example/base"
region = "jp"

[origins.spare]
url = "https://spare.jp.example"
region = "jp"
weight = 0

[origins.abroad]
url = "https://abroad.eu.example"
region = "eu"

[origins.elsewhere]
url = "https://elsewhere.us.example"
region = "us"

[[routes]]
id = "several"
path = "/several"
methods = ["POST"]
origins = ["elsewhere", "spare", "abroad", "a", "b"]
"#;

fn policy() -> Policy {
    let mut files = files();
    let globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    files.insert(
        "tenants/globex.toml".into(),
        globex.replace("[\"jp\"]", "[\"jp\", \"eu\"]").into(),
    );
    let gateway = String::from_utf8(files["gateway.toml"].clone()).unwrap();
    let (head, routes) = gateway.split_once("[[routes]]").unwrap();
    files.insert("gateway.toml".into(), format!("{head}{ORIGINS}\n[[routes]]{routes}").into());
    // Initech is in the eu alone, where the other routes have an origin, too.
    load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn several() -> Ask {
    ask().with(|a| a.target = "/several?q=1".into())
}

fn permit<'p>(policy: &'p Policy, ask: &Ask) -> Permit<'p> {
    match ask.judge(policy).verdict {
        Verdict::Permit(permit) => *permit,
        other => panic!("{other:?}"),
    }
}

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How often each origin is chosen.
fn chosen(policy: &Policy, health: &Health, now: Duration) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut permit = permit(policy, &several());
    for random in 0..400 {
        permit.choose(health, random, now).unwrap();
        *counts.entry(permit.origin().id().to_owned()).or_default() += 1;
    }
    counts
}

fn fail(health: &mut Health, policy: &Policy, ids: &[&str], failure: Failure, now: Duration) {
    for id in ids {
        health.failed(policy.origin(id).unwrap(), failure, now);
    }
}

#[test]
fn the_first_in_the_policy_is_named_until_chance_decides() {
    let policy = policy();
    let permit = permit(&policy, &several());
    assert_eq!(permit.origin().id(), "a");
    assert!(permit.has_alternatives());
    assert!(
        !self::permit(&policy, &ask().with(|a| a.get("/api/me")).with(Ask::at_acme))
            .has_alternatives()
    );
}

#[test]
fn by_weight_and_in_the_tenants_order_of_regions() {
    use Failure::Unreachable;
    let policy = policy();
    let mut health = Health::default();
    let want = |pairs: &[(&str, u32)]| -> BTreeMap<String, u32> {
        pairs.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect()
    };
    assert_eq!(chosen(&policy, &health, at(0)), want(&[("a", 300), ("b", 100)]));
    fail(&mut health, &policy, &["a"], Unreachable, at(0));
    assert_eq!(chosen(&policy, &health, at(0)), want(&[("b", 400)]));
    fail(&mut health, &policy, &["b"], Unreachable, at(0));
    assert_eq!(chosen(&policy, &health, at(0)), want(&[("spare", 400)]));
    fail(&mut health, &policy, &["spare"], Unreachable, at(0));
    assert_eq!(chosen(&policy, &health, at(0)), want(&[("abroad", 400)]), "the next region");
    assert_eq!(chosen(&policy, &health, at(1)), want(&[("a", 300), ("b", 100)]));
}

#[test]
fn nobody_is_asked_while_all_are_passed_over() {
    let policy = policy();
    let mut health = Health::default();
    fail(&mut health, &policy, &["a", "b", "spare"], Failure::ConnectTimeout, at(10));
    fail(&mut health, &policy, &["abroad"], Failure::Unreachable, Duration::from_millis(10_400));
    let mut permit = permit(&policy, &several());
    for (now, want) in [(10_500, "1"), (10_999, "1"), (10_400, "1")] {
        let denial = permit.choose(&health, 0, Duration::from_millis(now)).unwrap_err();
        assert_eq!(denial.reason(), Reason::OriginsUnavailable, "{now}");
        assert_eq!(denial.header(), Some(("retry-after", want)), "{now}");
    }
    permit.choose(&health, 0, at(11)).unwrap();
    assert!(
        ["a", "b"].contains(&permit.origin().id()),
        "never in another region than the tenant's"
    );
}

#[test]
fn the_wait_doubles_up_to_a_minute_and_ends_with_an_answer() {
    let policy = policy();
    let origin = policy.origin("assistant-jp").unwrap();
    let mut permit = permit(&policy, &ask().with(|a| a.get("/api/me")).with(Ask::at_acme));
    let mut health = Health::default();
    let mut now = at(100);
    for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        health.failed(origin, Failure::Unreachable, now);
        // Another request that was on its way at the same time.
        health.failed(origin, Failure::Unreachable, now + Duration::from_millis(1));
        let denial = permit.choose(&health, 0, now).unwrap_err();
        assert_eq!(denial.header(), Some(("retry-after", wait.to_string().as_str())));
        let just_before = (now + at(wait)).checked_sub(Duration::from_nanos(1)).unwrap();
        assert!(permit.choose(&health, 0, just_before).is_err());
        now += at(wait);
        permit.choose(&health, 0, now).unwrap();
    }
    health.answered(origin);
    health.failed(origin, Failure::Unreachable, now);
    assert!(permit.choose(&health, 0, now + at(1)).is_ok());
}

/// A client can make an origin break off or be late: that must not take it from the others.
#[test]
fn an_origin_that_does_not_answer_comes_last_and_is_still_asked() {
    let policy = policy();
    for failure in [Failure::AnswerTimeout, Failure::BrokenOff, Failure::Unsound] {
        let mut health = Health::default();
        for _ in 0..2 {
            fail(&mut health, &policy, &["a", "b"], failure, at(0));
        }
        assert_eq!(chosen(&policy, &health, at(0)).len(), 2, "{failure:?}: twice is chance");
        fail(&mut health, &policy, &["a"], failure, at(0));
        assert_eq!(chosen(&policy, &health, at(0)).into_keys().collect::<Vec<_>>(), ["b"]);
        for _ in 0..1000 {
            fail(&mut health, &policy, &["a", "b", "spare", "abroad"], failure, at(0));
        }
        assert_eq!(chosen(&policy, &health, at(0)).len(), 2, "{failure:?}: all are as bad");
        health.answered(policy.origin("a").unwrap());
        assert_eq!(chosen(&policy, &health, at(0)).into_keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(chosen(&policy, &health, at(60)).len(), 2, "{failure:?}: not for ever");
    }
}

#[test]
fn what_is_asked_again_of_another_origin() {
    use Failure::{AnswerTimeout, BrokenOff, ConnectTimeout, Unreachable, Unsound};
    for (method, safe_twice) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("PUT", true),
        ("DELETE", true),
        ("POST", false),
        ("PATCH", false),
    ] {
        for (failure, want) in [
            (Unreachable, true),
            (ConnectTimeout, true),
            (BrokenOff, safe_twice),
            (AnswerTimeout, false),
            (Unsound, false),
        ] {
            assert_eq!(failure.is_retried(method), want, "{method} {failure:?}");
        }
    }
}

#[test]
fn another_origin_is_another_one() {
    let policy = policy();
    let mut health = Health::default();
    let mut permit = permit(&policy, &several());
    for random in 0..100 {
        permit.choose(&health, random, at(0)).unwrap();
        let first = permit.origin().id();
        assert!(permit.choose_another(&health, random, at(0)));
        assert_ne!(permit.origin().id(), first);
    }
    fail(&mut health, &policy, &["a", "b", "spare", "abroad"], Failure::Unreachable, at(0));
    assert!(!permit.choose_another(&health, 0, at(0)));
    let mut single = self::permit(&policy, &ask().with(|a| a.get("/api/me")).with(Ask::at_acme));
    assert!(!single.choose_another(&Health::default(), 0, at(0)));
}

#[test]
fn each_origin_has_its_prefix_and_its_own_assertion() {
    let mut files = files();
    let gateway = String::from_utf8(files["gateway.toml"].clone()).unwrap();
    let (head, routes) = gateway.split_once("[[routes]]").unwrap();
    let assertion = "[assertion]\nissuer = \"https://g.example\"\n";
    let keys = "[[routes]]\nid = \"k\"\npath = \"/k\"\nmethods = [\"GET\"]\npublic = true\nanswer = \"jwks\"\n";
    let text = format!("{head}{assertion}{ORIGINS}{keys}[[routes]]{routes}");
    files.insert("gateway.toml".into(), text.into());
    let mut globex = String::from_utf8(files["tenants/globex.toml"].clone()).unwrap();
    globex = globex.replace("[\"jp\"]", "[\"jp\", \"eu\"]");
    files.insert("tenants/globex.toml".into(), globex.into());
    let policy = load(&files).unwrap();
    let mut permit = permit(&policy, &several());
    let mut seen = BTreeMap::new();
    for random in 0..4 {
        permit.choose(&Health::default(), random, at(0)).unwrap();
        let (assertion, _) = permit.assertion().unwrap();
        assert_eq!(assertion.aud, permit.origin().id());
        seen.insert(permit.url(), permit.origin_target());
    }
    let want = [
        ("https://a.jp.example/several?q=1", "/several?q=1"),
        ("https://b.jp.example/base/several?q=1", "/base/several?q=1"),
    ];
    assert_eq!(seen.len(), want.len());
    for (url, target) in want {
        assert_eq!(seen[url], target);
    }
}
