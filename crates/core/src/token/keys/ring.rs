//! What an instance knows of an issuer's published keys, and when it asks again.
//!
//! | the set is | a request |
//! | --- | --- |
//! | not there, or older than 24 h | waits for it; after a failure nobody asks for 5 s |
//! | there, but without the token's `kid` | waits for a newer one, unless in the last 30 s one did not have the `kid` that it was asked for either |
//! | younger than 3 to 4 min, which differs from instance to instance | uses it |
//! | younger than 5 min | uses it, and has it asked for beside |
//! | older | waits for a newer one, and uses it all the same when the issuer does not give one |
//!
//! So a key that the issuer withdraws is refused after 5 minutes at the latest, as long as the issuer
//! answers. While it does not, an instance asks it every 30 s at most, and who comes within a minute of
//! a failed question, be it another instance's, does not wait for the next. Another instance's failure
//! never keeps this one from asking: it may be the other that is cut off.

use super::KeySet;
use jiff::Timestamp;
use std::sync::Arc;

/// Seconds for which a set is used without a question, by the instance that asks last.
const QUIET: i64 = 4 * 60;

/// Over how many seconds before that instances ask, so that the first of them asks for all.
const SPREAD: u64 = 60;

/// Seconds for which a set is used without having waited for a newer one.
const FRESH: i64 = 5 * 60;

/// Seconds for which a set is used while the issuer gives no other.
const STALE: i64 = 24 * 3600;

/// Seconds from one question to the next.
const RETRY: i64 = 30;

/// The same where there is no set.
const RETRY_WITHOUT: i64 = 5;

/// By how many seconds the clocks of two instances may differ.
const LEEWAY: i64 = 60;

/// How long an instance waits for an issuer's answer, in seconds.
pub const FETCH_SECONDS: u64 = 2;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It uses what is there.
    Use,
    /// It uses what is there and has a newer set asked for, without waiting.
    Refresh,
    /// It waits for a newer set.
    Wait,
}

/// What is known of one issuer's keys.
#[derive(Debug)]
pub struct KeyRing {
    set: Option<(Arc<KeySet>, Timestamp)>,
    failed: Option<Timestamp>,
    failed_elsewhere: Option<Timestamp>,
    missed: Option<Timestamp>,
    quiet: i64,
}

impl KeyRing {
    /// Nothing is known yet. `random` sets when this instance asks.
    pub fn new(random: u64) -> Self {
        let earlier = i64::try_from(random % SPREAD).unwrap_or_default();
        Self {
            set: None,
            failed: None,
            failed_elsewhere: None,
            missed: None,
            quiet: QUIET - earlier,
        }
    }

    /// What a request does whose token names this key.
    pub fn plan(&self, key_id: &str, now: Timestamp) -> Plan {
        let since = |then: Option<Timestamp>| then.map_or(i64::MAX, |then| age(then, now));
        let (failed, missed) = (since(self.failed), since(self.missed));
        let Some((set, fetched)) = self.set.as_ref().filter(|(_, at)| age(*at, now) < STALE) else {
            return if failed < RETRY_WITHOUT { Plan::Use } else { Plan::Wait };
        };
        let age = age(*fetched, now);
        if !set.names(key_id) {
            return if failed.min(missed) < RETRY { Plan::Use } else { Plan::Wait };
        }
        if age < self.quiet || failed < RETRY {
            Plan::Use
        } else if age < FRESH || failed.min(since(self.failed_elsewhere)) < 2 * RETRY {
            Plan::Refresh
        } else {
            Plan::Wait
        }
    }

    /// The keys, if a set is there that may be used.
    pub fn keys(&self, now: Timestamp) -> Option<&Arc<KeySet>> {
        self.set.as_ref().filter(|(_, fetched)| age(*fetched, now) < STALE).map(|(set, _)| set)
    }

    /// The issuer did not answer this instance at this moment.
    pub fn failed(&mut self, at: Timestamp, now: Timestamp) {
        self.failed = Some(later(self.failed, at, now));
    }

    /// The issuer did not answer another instance at this moment.
    pub fn failed_elsewhere(&mut self, at: Timestamp, now: Timestamp) {
        self.failed_elsewhere = Some(later(self.failed_elsewhere, at, now));
    }

    /// The issuer's set of this moment did not have the `kid` that it was asked for, whoever asked.
    pub fn missed(&mut self, at: Timestamp, now: Timestamp) {
        self.missed = Some(later(self.missed, at, now));
    }

    /// When a set did not have the `kid` that it was asked for last.
    pub fn last_missed(&self) -> Option<Timestamp> {
        self.missed
    }

    /// Takes the set that the issuer gave this instance, asked at this moment.
    pub fn fetched(&mut self, set: KeySet, at: Timestamp) {
        self.set = Some((Arc::new(set), at));
    }

    /// Takes a set that another instance fetched at this moment, unless the known one is newer.
    pub fn take(&mut self, set: KeySet, fetched: Timestamp, now: Timestamp) {
        let known = self.set.as_ref().map_or(i64::MAX, |(_, known)| age(*known, now));
        if age(fetched, now) <= known {
            self.set = Some((Arc::new(set), fetched));
        }
    }
}

fn later(known: Option<Timestamp>, at: Timestamp, now: Timestamp) -> Timestamp {
    known.filter(|known| age(*known, now) <= age(at, now)).unwrap_or(at)
}

/// In seconds. A moment of the future is now, as clocks differ by a little; beyond that it is long
/// ago, as one of them was wrong.
fn age(then: Timestamp, now: Timestamp) -> i64 {
    match now.as_second().saturating_sub(then.as_second()) {
        age if age < -LEEWAY => i64::MAX,
        age => age.max(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::keys::Algorithm;
    use crate::token::keys::published::PublishedSet;

    const FETCHED: i64 = 1_795_338_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(FETCHED + second).unwrap()
    }

    fn set() -> KeySet {
        let jwk = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        PublishedSet::parse(jwk.as_bytes(), &[Algorithm::EdDSA]).unwrap().keys
    }

    #[test]
    fn when_an_issuer_is_asked() {
        use Plan::{Refresh, Use, Wait};
        for (name, fetched, failed, missed, key, now, want, known) in [
            ("nothing yet", None, None, None, "k", 0, Wait, false),
            ("nothing, and just failed", None, Some(0), None, "k", 4, Use, false),
            ("nothing, and failed a while ago", None, Some(0), None, "k", 5, Wait, false),
            ("just fetched", Some(0), None, None, "k", 0, Use, true),
            ("quiet", Some(0), None, None, "k", 239, Use, true),
            ("from here asked beside", Some(0), None, None, "k", 240, Refresh, true),
            ("still", Some(0), None, None, "k", 299, Refresh, true),
            ("from here waited for", Some(0), None, None, "k", 300, Wait, true),
            ("asked beside in vain", Some(0), Some(240), None, "k", 269, Use, true),
            ("and again", Some(0), Some(240), None, "k", 270, Refresh, true),
            ("old, and failed", Some(0), Some(300), None, "k", 329, Use, true),
            ("old, and asked again beside", Some(0), Some(300), None, "k", 330, Refresh, true),
            ("old, the last word", Some(0), Some(300), None, "k", 359, Refresh, true),
            ("old, and failed long ago", Some(0), Some(300), None, "k", 360, Wait, true),
            ("old, and another key missed", Some(0), None, Some(300), "k", 300, Wait, true),
            ("almost a day", Some(0), Some(86_300), None, "k", 86_399, Wait, true),
            ("a day", Some(0), Some(86_300), None, "k", 86_400, Wait, false),
            ("a day, and just failed", Some(0), Some(86_399), None, "k", 86_400, Use, false),
            ("another key at once", Some(0), None, None, "l", 0, Wait, true),
            ("another key, and missed", Some(0), None, Some(0), "l", 29, Use, true),
            ("another key, and missed a while ago", Some(0), None, Some(0), "l", 30, Wait, true),
            ("another key, and failed", Some(0), Some(100), None, "l", 129, Use, true),
            ("another key, and failed a while ago", Some(0), Some(100), None, "l", 130, Wait, true),
            ("another key of an old set", Some(0), None, None, "l", 400, Wait, true),
            ("the clock a little back", Some(0), None, None, "k", -60, Use, true),
            ("the clock far back", Some(0), None, None, "k", -61, Wait, false),
        ] {
            let mut ring = KeyRing::new(0);
            if let Some(fetched) = fetched {
                ring.take(set(), at(fetched), at(fetched));
            }
            if let Some(failed) = failed {
                ring.failed(at(failed), at(failed));
            }
            if let Some(missed) = missed {
                ring.missed(at(missed), at(missed));
            }
            assert_eq!(ring.plan(key, at(now)), want, "{name}");
            assert_eq!(ring.keys(at(now)).is_some(), known, "{name}");
        }
    }

    #[test]
    fn another_instances_failure_only_spares_the_wait() {
        for (name, fetched, key, now, want) in [
            ("no set", None, "k", 1000, Plan::Wait),
            ("quiet", Some(900), "k", 1000, Plan::Use),
            ("fresh", Some(750), "k", 1000, Plan::Refresh),
            ("old", Some(0), "k", 1000, Plan::Refresh),
            ("old, and a while ago", Some(0), "k", 1059, Plan::Refresh),
            ("old, and long ago", Some(0), "k", 1060, Plan::Wait),
            ("another key", Some(900), "l", 1000, Plan::Wait),
        ] {
            let mut ring = KeyRing::new(0);
            if let Some(fetched) = fetched {
                ring.fetched(set(), at(fetched));
            }
            ring.failed_elsewhere(at(1000), at(1000));
            assert_eq!(ring.plan(key, at(now)), want, "{name}");
        }
    }

    #[test]
    fn what_the_issuer_gave_is_taken() {
        let mut ring = KeyRing::new(0);
        ring.take(set(), at(60), at(0));
        ring.fetched(set(), at(1));
        assert_eq!(ring.set.map(|(_, fetched)| fetched), Some(at(1)), "though the other is newer");
    }

    #[test]
    fn the_last_moment_counts() {
        for (name, known, told, want) in [
            ("the first", None, 900, 900),
            ("a later one", Some(900), 950, 950),
            ("an earlier one", Some(950), 900, 950),
            ("of the far future", Some(900), 1061, 900),
            ("after one of the far future", Some(1061), 900, 900),
        ] {
            let [failed, failed_elsewhere, missed] = [known.map(at); 3];
            let mut ring = KeyRing { failed, failed_elsewhere, missed, ..KeyRing::new(0) };
            ring.failed(at(told), at(1000));
            ring.failed_elsewhere(at(told), at(1000));
            ring.missed(at(told), at(1000));
            let got = [ring.failed, ring.failed_elsewhere, ring.last_missed()];
            assert_eq!(got, [Some(at(want)); 3], "{name}");
        }
    }

    #[test]
    fn instances_ask_at_different_times() {
        for (random, quiet) in [(0, 240), (1, 239), (59, 181), (60, 240), (u64::MAX, 225)] {
            let mut ring = KeyRing::new(random);
            ring.take(set(), at(0), at(0));
            let plans = [quiet - 1, quiet].map(|now| ring.plan("k", at(now)));
            assert_eq!(plans, [Plan::Use, Plan::Refresh], "{random}");
        }
    }

    #[test]
    fn the_newest_set_is_kept() {
        let now = at(1000);
        for (name, known, fetched, taken) in [
            ("newer", 900, 950, true),
            ("as new", 900, 900, true),
            ("older", 900, 850, false),
            ("of the near future", 900, 1060, true),
            ("of the far future", 900, 1061, false),
            ("after one of the far future", 1061, 900, true),
        ] {
            let before = Arc::new(set());
            let known = Some((Arc::clone(&before), at(known)));
            let mut ring = KeyRing { set: known, ..KeyRing::new(0) };
            ring.take(set(), at(fetched), now);
            let kept = ring.set.is_some_and(|(set, _)| Arc::ptr_eq(&set, &before));
            assert_eq!(kept, !taken, "{name}");
        }
    }
}
