//! Rate limits: the arithmetic of a bucket, and what a limit does on the road.

use super::records::{ALL, BUCKET, LIMIT, found, policy, recorded, with_record};
use super::support::{Ask, GATEWAY, NOW, ask, files};
use proptest::prelude::*;
use sekisho_core::limit::{Bucket, take};
use sekisho_core::policy::{Per, RateLimit, load};
use sekisho_core::records::Record;
use sekisho_core::{Policy, Reason, Verdict};
use serde_json::{Value, json};

const START: u64 = 1_795_338_000_000;

fn with_rule(burst: u32, refill: u32) -> Policy {
    let rule = format!(
        "[[rate_limits]]\nid = \"r\"\nper = \"subject\"\nburst = {burst}\nrefill_per_minute = {refill}\n"
    );
    policy("off", "", &rule)
}

fn rule(policy: &Policy) -> &RateLimit {
    &policy.rate_limits()[0]
}

fn bucket(level: u64, at: u64) -> Bucket {
    serde_json::from_value(json!({"level": level, "at": at})).unwrap()
}

#[test]
fn taking_a_token() {
    let policy = with_rule(3, 30);
    let rule = rule(&policy);
    for (name, from, now, want) in [
        ("no bucket is a full one", None, START, Ok((120_000, START))),
        ("the last token", Some((60_000, START)), START, Ok((0, START))),
        ("an empty one", Some((0, START)), START, Err(2000)),
        ("a token less a unit", Some((59_999, START)), START, Err(1)),
        ("half a token came back", Some((0, START)), START + 1000, Err(1000)),
        ("a millisecond early", Some((0, START)), START + 1999, Err(1)),
        ("a token came back", Some((0, START)), START + 2000, Ok((0, START + 2000))),
        (
            "never more than the burst",
            Some((0, START)),
            START + 3_600_000,
            Ok((120_000, START + 3_600_000)),
        ),
        ("a rule with a smaller burst since", Some((u64::MAX, START)), START, Ok((120_000, START))),
        ("all time", Some((0, 0)), u64::MAX, Ok((120_000, u64::MAX))),
        ("a clock behind adds nothing", Some((60_000, START)), START - 60_000, Ok((0, START))),
        ("a clock behind, empty", Some((0, START)), START - 1000, Err(2000)),
        ("a clock behind, half full", Some((30_000, START)), START - 500, Err(1500)),
        ("a clock that was wrong", Some((60_000, START)), START - 60_001, Ok((0, START - 60_001))),
        ("a clock that was wrong, empty", Some((0, u64::MAX)), START, Err(2000)),
    ] {
        let got = take(from.map(|(level, at)| bucket(level, at)), rule, now);
        assert_eq!(got, want.map(|(level, at)| bucket(level, at)), "{name}");
    }
}

/// The bucket that a decision writes.
fn written(ask: &Ask, policy: &Policy) -> Result<Vec<(String, Value)>, Reason> {
    let decision = ask.judge(policy);
    let writes = decision
        .writes
        .iter()
        .map(|(key, value)| (key.clone(), serde_json::from_slice(value).unwrap()))
        .collect::<Vec<_>>();
    match decision.verdict {
        Verdict::Permit(_) => Ok(writes),
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => {
            assert!(writes.is_empty(), "a denied request takes no token");
            Err(denial.reason())
        }
    }
}

#[test]
fn a_user_spends_the_burst_and_waits() {
    let mut ask = recorded();
    for left in [60_000, 0] {
        let [(key, value)] = &written(&ask, &ALL).unwrap()[..] else { panic!("one bucket") };
        assert_eq!((&**key, value), (BUCKET, &json!({"v": 1, "level": left, "at": START})));
        ask.state.retain(|(name, _)| name != BUCKET);
        ask.state.push((key.clone(), found(value)));
    }
    assert_eq!(written(&ask, &ALL), Err(Reason::RateLimited));
    let Verdict::Deny(denial) = ask.judge(&ALL).verdict else { panic!("permitted") };
    assert_eq!(denial.header(), Some(("retry-after", "60")));
    assert!(denial.detail().contains("chats"), "{}", denial.detail());
    ask.now = NOW + 60;
    assert_eq!(written(&ask, &ALL).unwrap().len(), 1, "after the time that was named");
}

#[test]
fn whoever_may_not_takes_no_token() {
    for (name, ask, want) in [
        (
            "roles",
            recorded().with(|a| a.state[0].1 = found(&json!({"v": 1, "state": "active"}))),
            Reason::RoleMissing,
        ),
        ("label", with_record("t/globex/assistant/a1", Record::Absent), Reason::AssistantNotFound),
    ] {
        assert_eq!(written(&ask, &ALL), Err(want), "{name}");
    }
}

#[test]
fn several_limits_take_a_token_of_each_or_of_none() {
    let policy = policy(
        "off",
        "",
        &format!(
            "{LIMIT}\n[[rate_limits]]\nid = \"all\"\nper = \"tenant\"\nburst = 5\nrefill_per_minute = 30\n"
        ),
    );
    let tenant = "t/globex/rate/all/tenant";
    let keys = |ask: &Ask| {
        written(ask, &policy).map(|writes| writes.into_iter().map(|(key, _)| key).collect())
    };
    let holds = |level: u64| found(&json!({"v": 1, "level": level, "at": START}));
    let wait = |ask: &Ask| match ask.judge(&policy).verdict {
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => denial.header().map(|(_, value)| value.to_owned()),
        Verdict::Permit(_) => None,
    };
    assert_eq!(keys(&ask()), Ok(vec![BUCKET.to_owned(), tenant.to_owned()]));
    assert_eq!(keys(&ask().with(|a| a.get("/api/me"))), Ok(vec![tenant.to_owned()]));
    assert_eq!(keys(&ask().with(|a| a.get("/healthz"))), Ok(Vec::new()), "public");
    for (name, buckets, seconds) in [
        ("the user's", &[(BUCKET, 0)][..], "60"),
        ("the tenant's", &[(tenant, 0)], "2"),
        ("both, the user waits longer", &[(BUCKET, 0), (tenant, 0)], "60"),
        ("both, the tenant waits longer", &[(BUCKET, 59_999), (tenant, 0)], "2"),
    ] {
        let ask = ask().with(|a| {
            let state = buckets.iter().map(|(key, level)| ((*key).into(), holds(*level)));
            a.state = state.collect();
        });
        assert_eq!(keys(&ask), Err(Reason::RateLimited), "{name}");
        assert_eq!(wait(&ask).as_deref(), Some(seconds), "{name}");
    }
    let other = ask().with(|a| {
        a.claims["sub"] = "u-43".into();
        a.state = vec![(BUCKET.into(), holds(0)), ("t/acme/rate/all/tenant".into(), holds(0))];
    });
    assert_eq!(
        keys(&other).map(|keys: Vec<String>| keys.len()),
        Ok(2),
        "of another user and tenant"
    );
}

#[test]
fn a_limit_as_it_is_written() {
    let [limit] = ALL.rate_limits() else { panic!("one limit") };
    assert_eq!(
        (limit.id(), limit.per(), limit.routes()),
        ("chats", Per::Subject, &["chat".into()][..])
    );
    assert_eq!((limit.burst(), limit.refill_per_minute()), (2, 1));
}

/// Two sound limits.
const SOUND: &str = r#"
[[rate_limits]]
id = "chats"
per = "subject"
routes = ["chat"]
burst = 2
refill_per_minute = 1

[[rate_limits]]
id = "all"
per = "tenant"
burst = 100
refill_per_minute = 600
"#;

/// Edits of [`SOUND`], and the fault that each gets.
pub(crate) const FAULTS: &[(&str, &str, &str, Option<&str>)] = &[
    ("sound", "chats", "chats", None),
    ("without routes: all", "routes = [\"chat\"]\n", "", None),
    ("the largest", "burst = 2\n", "burst = 1000000\n", None),
    ("no burst", "burst = 2\n", "burst = 0\n", Some("rate-limit-range")),
    ("too large a burst", "burst = 2\n", "burst = 1000001\n", Some("rate-limit-range")),
    ("no refill", "minute = 1\n", "minute = 0\n", Some("rate-limit-range")),
    ("no such route", "\"chat\"", "\"chta\"", Some("rate-limit-route-unknown")),
    ("a public route", "\"chat\"", "\"health\"", Some("rate-limit-public-route")),
    ("no route", "[\"chat\"]", "[]", Some("rate-limit-without-route")),
    ("two of one name", "\"all\"", "\"chats\"", Some("rate-limit-duplicate")),
    ("a name that is none", "\"chats\"", "\"a/b\"", Some("name-invalid")),
    ("per nobody", "\"subject\"", "\"user\"", Some("value-invalid")),
    ("a fraction", "burst = 2\n", "burst = 2.5\n", Some("value-invalid")),
    ("an unknown key", "burst = 2\n", "burst = 2\nwindow = 1\n", Some("key-unknown")),
];

#[test]
fn faults() {
    for (name, from, to, want) in FAULTS {
        assert!(SOUND.contains(from), "{name}");
        assert_eq!(fault(&SOUND.replacen(from, to, 1)), *want, "{name}");
    }
}

/// The one fault of this text at the end of `gateway.toml`.
fn fault(more: &str) -> Option<&'static str> {
    let mut files = files();
    files.insert("gateway.toml".into(), format!("{GATEWAY}{more}").into());
    let faults = load(&files).err().unwrap_or_default();
    assert!(faults.len() <= 1, "{faults:?}");
    let fault = faults.first()?;
    let span = fault.span.clone().expect("a place");
    assert!(span.start >= GATEWAY.len() && !fault.help.is_empty(), "{fault:?}");
    Some(fault.code)
}

proptest! {
    /// In any time t, whatever the requests, no more than burst + refill * t are let by; and what
    /// `take` says to wait is enough, and never longer than the time to one token.
    #[test]
    fn never_more_than_burst_and_refill(
        burst in 1..50_u32,
        refill in 1..100_000_u32,
        gaps in prop::collection::vec(prop_oneof![Just(0), 0..5_u64, 0..10_000_u64], 1..200),
    ) {
        let policy = with_rule(burst, refill);
        let rule = rule(&policy);
        let (mut state, mut now, mut permits) = (None, START, 0_u64);
        for gap in gaps {
            now += gap;
            match take(state, rule, now) {
                Ok(bucket) => {
                    state = Some(bucket);
                    permits += 1;
                }
                Err(wait) => {
                    prop_assert!(wait >= 1 && wait <= 60_000_u64.div_ceil(refill.into()), "{wait}");
                    prop_assert!(take(state, rule, now + wait).is_ok(), "the wait is enough");
                    prop_assert!(take(state, rule, now + wait - 1).is_err(), "and no longer");
                }
            }
            let most = u64::from(burst) * 60_000 + u64::from(refill) * (now - START);
            prop_assert!(permits * 60_000 <= most, "{permits} in {} ms", now - START);
        }
    }

    /// Two instances whose clocks differ by less than the leeway do not let more by than the later
    /// of them would alone.
    #[test]
    fn clocks_that_differ_add_nothing(
        burst in 1..50_u32,
        refill in 1..100_000_u32,
        steps in prop::collection::vec((0..2_000_u64, 0..=60_000_u64), 1..200),
    ) {
        let policy = with_rule(burst, refill);
        let rule = rule(&policy);
        let (mut state, mut now, mut permits) = (None, START, 0_u64);
        for (gap, behind) in steps {
            now += gap;
            if let Ok(bucket) = take(state, rule, (now - behind).max(START)) {
                state = Some(bucket);
                permits += 1;
            }
            let most = u64::from(burst) * 60_000 + u64::from(refill) * (now - START);
            prop_assert!(permits * 60_000 <= most, "{permits} in {} ms", now - START);
        }
    }

    /// Total over every bucket, rule and clock, and monotone: who has more, or comes later, is not
    /// refused where another is let by.
    #[test]
    fn total_and_monotone(
        burst in 1..=1_000_000_u32,
        refill in 1..=1_000_000_u32,
        level in any::<u64>(),
        more in any::<u64>(),
        at in prop_oneof![any::<u64>(), START - 100_000..START + 100_000],
        now in prop_oneof![any::<u64>(), START - 100_000..START + 100_000],
        later in any::<u64>(),
    ) {
        let policy = with_rule(burst, refill);
        let rule = rule(&policy);
        if take(Some(bucket(level, at)), rule, now).is_ok() {
            prop_assert!(take(Some(bucket(level.saturating_add(more), at)), rule, now).is_ok());
            if at <= now {
                prop_assert!(take(Some(bucket(level, at)), rule, now.saturating_add(later)).is_ok());
            }
        }
    }
}
