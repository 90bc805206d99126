//! Records of what commands change, on their way to an audit trail.
//!
//! A trail is its gateway's, and a command may be on another machine. So the records stand in the store, written in one
//! change with what they tell of: nothing is changed without its record. A gateway that runs takes them into its trail,
//! and only then out of the store; what a crash comes between is recorded twice, never not at all.

use jiff::Timestamp;
use sekisho_host::{Change, Conflict, Expected, KeyValue, KeyValueError, Made};
use serde_json::json;

/// Where they stand: one JSON line each.
const KEY: &str = "administration";

/// The most that may wait, in bytes, for a gateway to take it.
const MAX_WAITING: usize = 8 * 1024 * 1024;

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
        let value = [waiting.as_deref().unwrap_or_default(), lines.as_bytes()].concat();
        if value.len() > MAX_WAITING {
            return Err(KeyValueError::new(format!(
                "more audit records wait in {KEY:?} than may: start a gateway, which takes them into its trail"
            )));
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

/// Hands the records that wait, each a line, to `keep`, and removes them where that says that they are kept.
pub async fn drain(
    store: &dyn KeyValue,
    mut keep: impl FnMut(&str) -> bool,
) -> Result<(), KeyValueError> {
    let mut kept = 0;
    for _ in 0..TRIES {
        let Some(waiting) = store.get(KEY).await? else { return Ok(()) };
        let text = String::from_utf8_lossy(&waiting);
        // Lines are only ever added behind those that are there, until another gateway takes them.
        if !keep(text.get(kept..).unwrap_or(&text)) {
            return Ok(());
        }
        kept = text.len();
        let expected = Expected::Value(waiting.clone());
        let removal = Change { key: KEY.to_owned(), expected, value: None };
        if store.change(vec![removal]).await?.is_ok() {
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
            "v": 1, "event": "administration", "time": time, "tenant": tenant, "by": "command", "uid": uid,
            "action": action, "target": target,
        });
        lines.push_str(&record.to_string());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_host::{Opened, State};
    use std::sync::Arc;

    fn keep(taken: &mut Vec<String>, text: &str) -> bool {
        taken.extend(text.lines().map(str::to_owned));
        true
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_record_is_lost_however_many_write_and_take() {
        let Opened::Store(store) = sekisho_host::open(&State::Memory).unwrap() else { panic!() };
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for n in 0..25 {
                        let name = format!("{writer}-{n}");
                        let value = Some(b"x".to_vec());
                        let one = Change { key: name.clone(), expected: Expected::Absent, value };
                        let events = [Event::new("test", name)];
                        change(&*store, "acme", vec![one], &events).await.unwrap().unwrap();
                    }
                })
            })
            .collect();
        let mut taken = Vec::new();
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            drain(&*store, |text| keep(&mut taken, text)).await.unwrap();
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert!(drain(&*store, |_| false).await.is_ok(), "what is not kept stays");
        drain(&*store, |text| keep(&mut taken, text)).await.unwrap();
        taken.sort();
        let all = taken.len();
        taken.dedup();
        assert_eq!((taken.len(), store.keys().await.unwrap().len()), (100, 100), "of {all}");
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
