//! Sessions that are over, out of the store: nobody ends those that are only forgotten.

use sekisho_core::policy::Sessions;
use sekisho_core::records::{decode, key};
use sekisho_core::session::record::{Seen, SessionRecord};
use sekisho_host::{Change, Expected, KeyValue, KeyValueError};
use std::collections::BTreeSet;

/// Removes the records of sessions that are over by these rules, and says how many there were. Every gateway of a
/// fleet may do so at once.
pub async fn sweep(
    store: &dyn KeyValue,
    rules: Sessions,
    now: i64,
) -> Result<usize, KeyValueError> {
    let keys: BTreeSet<String> = store.keys().await?.into_iter().collect();
    let mut swept = 0;
    for session in &keys {
        let Some((tenant, kind, digest)) = parts(session) else { continue };
        let seen = key::seen(tenant, digest);
        let changes = match kind {
            "session" => over(store, session, &seen, rules, now).await?,
            // What a request left behind that crossed the end of its session.
            "seen" if !keys.contains(&key::session(tenant, digest)) => {
                let last = store.get(&seen).await?.and_then(|value| decode::<Seen>(&value).ok());
                let is_old = |seen: &Seen| now.saturating_sub(seen.at) > i64::from(rules.idle_s);
                last.filter(is_old).map(|_| vec![remove(&seen, Expected::Anything)])
            }
            _ => None,
        };
        if let Some(changes) = changes {
            // Of one that was used meanwhile, the next sweep judges anew.
            swept += usize::from(store.change(changes).await?.is_ok());
        }
    }
    Ok(swept)
}

fn parts(key: &str) -> Option<(&str, &str, &str)> {
    let mut parts = key.split('/');
    let ("t", tenant, kind, digest, None) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    key::is_digest(digest).then_some((tenant, kind, digest))
}

async fn over(
    store: &dyn KeyValue,
    session: &str,
    seen: &str,
    rules: Sessions,
    now: i64,
) -> Result<Option<Vec<Change>>, KeyValueError> {
    let (value, used) = (store.get(session).await?, store.get(seen).await?);
    let record = value.as_ref().and_then(|value| decode::<SessionRecord>(value).ok());
    let (Some(value), Some(record)) = (value, record) else { return Ok(None) };
    let last = used.as_ref().and_then(|value| decode::<Seen>(value).ok());
    if record.over(last, rules, now).is_none() {
        return Ok(None);
    }
    let used = used.map_or(Expected::Absent, Expected::Value);
    Ok(Some(vec![remove(session, Expected::Value(value)), remove(seen, used)]))
}

fn remove(key: &str, expected: Expected) -> Change {
    Change { key: key.to_owned(), expected, value: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_host::{Opened, State};

    #[tokio::test]
    async fn only_what_is_over_goes() {
        let Opened::Store(store) = sekisho_host::open(&State::Memory).unwrap() else { panic!() };
        let rules = Sessions { idle_s: 60, absolute_s: 300 };
        let set = async |key: String, value: String| {
            store.set(&key, value.into_bytes()).await.unwrap();
        };
        for (name, created, seen) in [
            ("new", 990, None),
            ("used", 900, Some(980)),
            ("idle", 900, Some(940)),
            ("never used", 900, None),
            ("old", 600, Some(999)),
        ] {
            let digest = key::digest(name);
            let record = format!(r#"{{"v":1,"subject":"{name}","created":{created}}}"#);
            set(key::session("acme", &digest), record).await;
            if let Some(at) = seen {
                set(key::seen("acme", &digest), format!(r#"{{"v":1,"at":{at}}}"#)).await;
            }
        }
        set(key::seen("acme", &key::digest("ended")), r#"{"v":1,"at":900}"#.into()).await;
        set(key::seen("acme", &key::digest("just ended")), r#"{"v":1,"at":999}"#.into()).await;
        set(key::session("acme", &key::digest("broken")), "x".into()).await;
        set("t/acme/user/u-1".into(), r#"{"v":1,"state":"left"}"#.into()).await;
        assert_eq!(sweep(&*store, rules, 1000).await.unwrap(), 4);
        let mut kept = [
            key::session("acme", &key::digest("new")),
            key::session("acme", &key::digest("used")),
            key::seen("acme", &key::digest("used")),
            key::seen("acme", &key::digest("just ended")),
            key::session("acme", &key::digest("broken")),
            "t/acme/user/u-1".to_owned(),
        ];
        kept.sort();
        assert_eq!(store.keys().await.unwrap(), kept);
        assert_eq!(sweep(&*store, rules, 1000).await.unwrap(), 0);
    }
}
