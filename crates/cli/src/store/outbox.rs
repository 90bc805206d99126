//! Records of what commands change, on their way to an audit trail.
//!
//! A trail is its gateway's, and a command may be on another machine. So the records stand in the store, written in one
//! change with what they tell of: nothing is changed without its record. A gateway that runs takes them into its trail,
//! and only then out of the store: two gateways that look in the same moment, or an end between the two, record one
//! twice, by one `id`, and none not at all.

use jiff::Timestamp;
use sekisho_host::{Change, Conflict, Expected, KeyValue, KeyValueError, Made};
use serde_json::json;

/// Where they stand: one JSON line each.
const KEY: &str = "administration";

/// The most that may wait, in bytes, before commands change anything more.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// The most that a store takes as one value, with room for what is behind it.
const MAX_VALUE: usize = 15 * 1024 * 1024;

/// How often it is tried again that crosses another writer.
const TRIES: usize = 100;

/// What a command changes, in a word and of whom.
#[derive(Debug)]
pub struct Event {
    /// A stable word, such as `user-left`.
    pub action: &'static str,
    /// The user, assistant, network or session; empty for the tenant.
    pub target: String,
}

impl Event {
    /// One of these.
    pub fn new(action: &'static str, target: impl Into<String>) -> Self {
        Self { action, target: target.into() }
    }
}

/// Makes the changes together with the records of them.
pub(super) async fn change(
    store: &dyn KeyValue,
    tenant: &str,
    changes: Vec<Change>,
    events: &[Event],
) -> Result<Made, KeyValueError> {
    let lines = lines(tenant, events);
    for _ in 0..TRIES {
        let waiting = store.get(KEY).await?;
        if waiting.as_ref().is_some_and(|waiting| waiting.len() > MAX_WAITING) {
            return Err(KeyValueError::new(format!(
                "more audit records wait in {KEY:?} than may: start a gateway, which takes them into its trail"
            )));
        }
        let value = [waiting.as_deref().unwrap_or_default(), lines.as_bytes()].concat();
        if value.len() > MAX_VALUE {
            return Err(KeyValueError::new(
                "more is changed at once than can be recorded: change it in parts".to_owned(),
            ));
        }
        let expected = waiting.map_or(Expected::Absent, Expected::Value);
        let mut all = changes.clone();
        all.push(Change { key: KEY.to_owned(), expected, value: Some(value) });
        match store.change(all).await? {
            // Another command, or a gateway that took what was there.
            Err(Conflict(key)) if key == KEY => {}
            made => return Ok(made),
        }
    }
    Ok(Err(Conflict(KEY.to_owned())))
}

/// What of the records that wait is kept already.
#[derive(Debug, Default)]
pub struct Kept(Vec<u8>);

/// What has become of records that were to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They were not taken.
    No,
    /// They were taken, and wait to be written.
    Waits,
    /// They are written, and so is all that was taken before.
    Written,
}

/// Hands the records that wait, each a line, to `keep`, and removes them when they are written. What was taken before is
/// not handed to it again; then it is asked about nothing.
pub async fn drain(
    store: &dyn KeyValue,
    kept: &mut Kept,
    mut keep: impl FnMut(&str) -> Keep,
) -> Result<(), KeyValueError> {
    for _ in 0..TRIES {
        let Some(waiting) = store.get(KEY).await? else {
            kept.0.clear();
            return Ok(());
        };
        // Others are only ever added behind those that are there, until a gateway takes them: then all are others.
        let new = waiting.strip_prefix(kept.0.as_slice()).unwrap_or(&waiting);
        match keep(&String::from_utf8_lossy(new)) {
            Keep::No => return Ok(()),
            Keep::Waits => {
                kept.0 = waiting;
                return Ok(());
            }
            Keep::Written => kept.0.clone_from(&waiting),
        }
        let removal =
            Change { key: KEY.to_owned(), expected: Expected::Value(waiting), value: None };
        if store.change(vec![removal]).await?.is_ok() {
            kept.0.clear();
            return Ok(());
        }
    }
    Ok(())
}

fn lines(tenant: &str, events: &[Event]) -> String {
    let time = format!("{:.6}", Timestamp::now());
    let uid = rustix::process::getuid().as_raw();
    let mut lines = String::new();
    for Event { action, target } in events {
        let record = json!({
            "v": 1, "event": "administration", "id": id(), "time": time, "tenant": tenant, "by": "command",
            "uid": uid, "action": action, "target": target,
        });
        lines.push_str(&record.to_string());
        lines.push('\n');
    }
    lines
}

/// By which a record that was kept twice is known to be one.
fn id() -> String {
    let mut bytes = [0; 8];
    // Without any, two records could be told apart by nothing but what they say.
    let _ = getrandom::fill(&mut bytes);
    format!("{:016x}", u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_host::{Opened, State};
    use std::sync::Arc;

    /// Takes what waits, as a gateway with a trail of its own.
    async fn takes(store: &dyn KeyValue, kept: &mut Kept, trail: &mut Vec<String>) {
        let keep = |text: &str| {
            trail.extend(text.lines().map(str::to_owned));
            Keep::Written
        };
        drain(store, kept, keep).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_record_is_lost_however_many_write_and_take() {
        let Opened::Store(store) = sekisho_host::open(&State::Memory).unwrap() else { panic!() };
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for n in 10..60 {
                        let name = format!("{writer}-{n}");
                        let value = Some(b"x".to_vec());
                        let one = Change { key: name.clone(), expected: Expected::Absent, value };
                        // Of equal length, so that one can be taken for another.
                        let events = [Event::new("test", name)];
                        change(&*store, "acme", vec![one], &events).await.unwrap().unwrap();
                    }
                })
            })
            .collect();
        let gateways: Vec<_> = (0..2)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let (mut kept, mut trail) = (Kept::default(), Vec::new());
                    for _ in 0..400 {
                        takes(&*store, &mut kept, &mut trail).await;
                        tokio::task::yield_now().await;
                    }
                    trail
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let mut taken = Vec::new();
        for gateway in gateways {
            taken.extend(gateway.await.unwrap());
        }
        let mut kept = Kept::default();
        drain(&*store, &mut kept, |_| Keep::No).await.unwrap();
        takes(&*store, &mut kept, &mut taken).await;
        assert!(taken.iter().all(|line| line.starts_with('{') && line.ends_with('}')));
        taken.sort();
        taken.dedup();
        assert_eq!((taken.len(), store.keys().await.unwrap().len()), (200, 200));
    }

    #[tokio::test]
    async fn what_is_kept_already_is_not_handed_on_again() {
        let Opened::Store(store) = sekisho_host::open(&State::Memory).unwrap() else { panic!() };
        let events = [Event::new("test", "a")];
        change(&*store, "acme", Vec::new(), &events).await.unwrap().unwrap();
        let waiting = store.get(KEY).await.unwrap().unwrap();
        let (mut kept, mut trail) = (Kept::default(), Vec::new());
        drain(&*store, &mut kept, |_| Keep::Waits).await.unwrap();
        assert!(store.get(KEY).await.unwrap().is_some(), "nothing is written yet");
        takes(&*store, &mut kept, &mut trail).await;
        assert!(trail.is_empty() && store.get(KEY).await.unwrap().is_none());
        // What another gateway took and others wrote since begins anew.
        change(&*store, "acme", Vec::new(), &events).await.unwrap().unwrap();
        takes(&*store, &mut Kept(waiting), &mut trail).await;
        assert_eq!(trail.len(), 1);
    }

    #[tokio::test]
    async fn what_is_not_changed_is_not_recorded() {
        let Opened::Store(store) = sekisho_host::open(&State::Memory).unwrap() else { panic!() };
        let one =
            Change { key: "a".into(), expected: Expected::Value(b"another".to_vec()), value: None };
        let made = change(&*store, "acme", vec![one], &[Event::new("test", "a")]).await.unwrap();
        assert_eq!(made, Err(Conflict("a".into())));
        assert!(store.keys().await.unwrap().is_empty());
    }
}
