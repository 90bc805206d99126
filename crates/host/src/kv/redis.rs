//! A store in a Redis, which the gateways of a fleet share.
//!
//! Keys and values stand in the database as Spin's own Redis backend writes them: the one store, `default`, is the
//! whole database, so that `sekisho up` and Spin can share one.
//!
//! A Redis that can't be reached is no reason not to start: whoever needs a record is told so, and the connection is
//! tried again with each question.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, ErrorKind, IntoConnectionInfo, RedisError, ScanOptions};

use super::{
    Change, Conflict, Entries, Expected, KeyValue, KeyValueError, MAX_VALUE, Made, check_change,
    check_entry, check_key,
};
use crate::HostError;

/// The label of the one store.
pub(super) const LABEL: &str = "default";

/// Time for a connection and for an answer. A request waits for both, at most.
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(1);
/// Time for an answer that no request waits for: a change of many keys.
const CHANGED: Duration = Duration::from_secs(30);
/// Keys that one step of a listing looks at.
const STEP: usize = 1000;

/// Makes changes together or not at all, which a script is the one way to do by what keys have now. Four arguments of
/// each key: what is expected (`*`, `-` for none, `=`) and that value, what is done (`+`, `-`) and that value. It
/// returns the first key that has another value than expected.
const CHANGE: &str = "\
for i, key in ipairs(KEYS) do
  local expected = ARGV[4 * i - 3]
  if expected ~= '*' then
    local value = redis.call('GET', key)
    if (expected == '-' and value) or (expected == '=' and value ~= ARGV[4 * i - 2]) then
      return key
    end
  end
end
for i, key in ipairs(KEYS) do
  if ARGV[4 * i - 1] == '+' then
    redis.call('SET', key, ARGV[4 * i])
  else
    redis.call('DEL', key)
  end
end
return false";

pub(crate) struct Redis {
    client: Client,
    connection: OnceLock<ConnectionManager>,
    /// One that waits for longer answers.
    patient: OnceLock<ConnectionManager>,
    /// The address without a password.
    place: String,
}

impl Redis {
    /// Reads the address. Nothing is connected before the first question.
    pub(crate) fn new(url: &str) -> Result<Self, HostError> {
        let no_address = |reason: String| {
            HostError::new(format!("the address of the Redis cannot be used: {reason}"))
                .help("Write redis://[user:password@]host[:port][/database], or rediss:// for TLS")
        };
        let info = url.into_connection_info().map_err(|error| no_address(told(&error)))?;
        let place = info.addr().to_string();
        let client = Client::open(info).map_err(|error| no_address(told(&error)))?;
        Ok(Self { client, connection: OnceLock::new(), patient: OnceLock::new(), place })
    }

    /// A handle to the shared connection, which opens itself again when it broke.
    fn connection(&self) -> Result<ConnectionManager, KeyValueError> {
        self.connected(&self.connection, ANSWER)
    }

    fn connected(
        &self,
        kept: &OnceLock<ConnectionManager>,
        answer: Duration,
    ) -> Result<ConnectionManager, KeyValueError> {
        if let Some(connection) = kept.get() {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(self.client.clone(), config)
            .map_err(|error| self.failed(&error))?;
        Ok(kept.get_or_init(|| connection).clone())
    }

    /// The keys that start with `prefix`, in steps: one listing of all would hold up every gateway of the fleet.
    async fn list(&self, prefix: &str) -> Result<BTreeSet<String>, KeyValueError> {
        let mut connection = self.connection()?;
        let options = ScanOptions::default().with_count(STEP).with_pattern(pattern(prefix));
        let mut found = connection
            .scan_options::<String>(options)
            .await
            .map_err(|error| self.failed(&error))?;
        // A step may bring a key again.
        let mut keys = BTreeSet::new();
        while let Some(key) = found.next().await {
            keys.insert(key.map_err(|error| self.failed(&error))?);
        }
        Ok(keys)
    }

    fn failed(&self, error: &RedisError) -> KeyValueError {
        KeyValueError(format!("the Redis at {}: {}", self.place, told(error)))
    }
}

/// A glob that every key with this prefix matches, and no other.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('*');
    pattern
}

/// What happened, without what a server said about it: that may quote a command.
fn told(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::AuthenticationFailed => "it does not accept the user or the password".to_owned(),
        ErrorKind::Io if error.is_timeout() => "no answer in time".to_owned(),
        ErrorKind::Io if error.is_connection_refusal() => "the connection was refused".to_owned(),
        ErrorKind::Io => "the connection failed".to_owned(),
        _ => error.category().to_owned(),
    }
}

impl KeyValue for Redis {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async move {
            check_key(key)?;
            let value: Option<Vec<u8>> =
                self.connection()?.get(key).await.map_err(|error| self.failed(&error))?;
            match value {
                Some(value) if value.len() > MAX_VALUE => Err(KeyValueError(format!(
                    "the Redis at {} has a value of more than {MAX_VALUE} bytes",
                    self.place
                ))),
                value => Ok(value),
            }
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            check_entry(key, &value)?;
            self.connection()?.set(key, value).await.map_err(|error| self.failed(&error))
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            check_key(key)?;
            self.connection()?.del(key).await.map_err(|error| self.failed(&error))
        })
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<String>, KeyValueError>> {
        Box::pin(async move { Ok(self.list("").await?.into_iter().collect()) })
    }

    fn entries<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Entries, KeyValueError>> {
        Box::pin(async move {
            let keys: Vec<String> = self.list(prefix).await?.into_iter().collect();
            let mut connection = self.connection()?;
            let mut entries = Vec::with_capacity(keys.len());
            for keys in keys.chunks(STEP) {
                let values: Vec<Option<Vec<u8>>> =
                    connection.mget(keys).await.map_err(|error| self.failed(&error))?;
                // One that was removed since is no entry.
                let pairs = keys.iter().zip(values);
                entries.extend(pairs.filter_map(|(key, value)| Some((key.clone(), value?))));
            }
            Ok(entries)
        })
    }

    fn change(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Made, KeyValueError>> {
        Box::pin(async move {
            changes.iter().try_for_each(check_change)?;
            let mut script = redis::cmd("EVAL");
            script.arg(CHANGE).arg(changes.len());
            for change in &changes {
                script.arg(&change.key);
            }
            for Change { expected, value, .. } in &changes {
                let (mode, expected) = match expected {
                    Expected::Anything => ("*", &[][..]),
                    Expected::Absent => ("-", &[][..]),
                    Expected::Value(value) => ("=", value.as_slice()),
                };
                script.arg(mode).arg(expected);
                script.arg(if value.is_some() { "+" } else { "-" });
                script.arg(value.as_deref().unwrap_or_default());
            }
            let unmet: Option<String> = script
                .query_async(&mut self.connected(&self.patient, CHANGED)?)
                .await
                .map_err(|error| self.failed(&error))?;
            Ok(unmet.map_or(Ok(()), |key| Err(Conflict(key))))
        })
    }
}
