//! What is asked: a request as data, and the state that a store would hold.

use crate::records::key::is_key;
use crate::records::{Record, Records};
use crate::request::{Headers, Request, Scheme};
use crate::token::own::OwnKeys;
use jiff::Timestamp;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// A request as data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The method.
    pub method: String,
    /// `https` or `http`: how it reached the host.
    pub scheme: QuestionScheme,
    /// The host's word for `:authority`, where it keeps it apart from the header fields.
    pub authority: Option<String>,
    /// The request target.
    pub target: String,
    /// Header fields in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The peer's address and port.
    pub peer: Option<SocketAddr>,
    /// How many requests for the same host are in flight, this one among them.
    pub in_flight: Option<u32>,
    /// The moment of judgement, RFC 3339.
    pub now: Timestamp,
}

/// How a request as data reached the host.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionScheme {
    /// Over TLS.
    Https,
    /// In the clear.
    Http,
}

impl QuestionScheme {
    /// The scheme.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Https => Scheme::Https,
            Self::Http => Scheme::Http,
        }
    }
}

impl Question {
    /// Parses one question.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The request, with an identifier.
    pub fn request(&self, request_id: &str) -> Request {
        Request {
            method: self.method.clone(),
            scheme: self.scheme.scheme(),
            authority: self.authority.clone(),
            target: self.target.clone(),
            headers: Headers::new(
                self.headers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect(),
            ),
            peer: self.peer,
            in_flight: self.in_flight,
            request_id: request_id.to_owned(),
            trace_ratio: None,
        }
    }
}

/// State as data: what a store would hold, by key. A key that is not there is absent. One that no
/// record has, or that stands twice, is refused: a revocation with a slip in its key would be none.
/// Beside it, where somebody has them, the gateway's own keys.
#[derive(Clone, Debug, Default)]
pub struct State {
    records: BTreeMap<String, Value>,
    own_keys: Option<Arc<OwnKeys>>,
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ByKey)
    }
}

struct ByKey;

impl<'de> Visitor<'de> for ByKey {
    type Value = State;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of records by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<State, A::Error> {
        let mut records = BTreeMap::new();
        while let Some((key, record)) = map.next_entry::<String, Value>()? {
            if !is_key(&key) {
                return Err(A::Error::custom(format!(
                    "{key:?} is no record's key, such as \"t/acme/user/u-42\""
                )));
            }
            if records.contains_key(&key) {
                return Err(A::Error::custom(format!("{key:?} stands twice")));
            }
            records.insert(key, record);
        }
        Ok(State { records, own_keys: None })
    }
}

impl State {
    /// The same, where the gateway has these own keys.
    #[must_use]
    pub fn with_own_keys(self, keys: OwnKeys) -> Self {
        Self { own_keys: Some(Arc::new(keys)), ..self }
    }

    pub(super) fn own_keys(&self) -> Option<&OwnKeys> {
        self.own_keys.as_deref()
    }

    /// The records of these keys.
    pub fn records(&self, keys: &[String]) -> Records {
        let record = |key: &String| match self.records.get(key) {
            Some(value) => Record::Found(value.to_string().into_bytes()),
            None => Record::Absent,
        };
        keys.iter().map(|key| (key.clone(), record(key))).collect()
    }
}
