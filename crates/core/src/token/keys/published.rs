//! What an issuer publishes: its discovery document and its JWK Set. Neither is the operator's, so
//! a key that can't be used is left out and told, and the others serve.

use super::super::json;
use super::{Algorithm, Key, KeySet, MAX_SET, jwks_of, keys_of};
use crate::policy::WebAddress;
use crate::records::MAX_RECORD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The usable keys of a published set.
#[derive(Debug)]
pub struct PublishedSet {
    /// The keys; there may be none.
    pub keys: KeySet,
    /// Why each of the others is not among them. Foreign text in it is quoted.
    pub refused: Vec<String>,
    /// The usable keys as a JWK Set of as many bytes as they need, to be kept.
    pub jwks: Value,
}

impl PublishedSet {
    /// Reads a JWK Set (RFC 7517, section 5) that an issuer publishes. Left out are keys for other
    /// algorithms than these, and with a word in `refused` those that are unusable, private or
    /// secret, and all of a `kid` that stands twice for one algorithm: nobody could say which is
    /// meant. A set without a usable key is one: the issuer has withdrawn them.
    ///
    /// # Errors
    /// It is no JWK Set, or larger than [`MAX_SET`] bytes or
    /// [`MAX_KEYS`](super::MAX_KEYS) keys.
    pub fn parse(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Self, String> {
        let jwks = jwks_of(bytes, 0).map_err(|why| format!("the key set: {why}"))?;
        let mut refused = Vec::new();
        let mut read: Vec<(&Value, Vec<Key>)> = Vec::new();
        for (position, jwk) in jwks.iter().enumerate() {
            match keys_of(jwk, algorithms, false) {
                Ok(keys) => read.push((jwk, keys)),
                Err(why) => refused.push(format!("key {}: {why}", position + 1)),
            }
        }
        let all: Vec<(String, Algorithm)> =
            read.iter().flat_map(|(_, keys)| keys).map(Key::identity).collect();
        let twice = |key: &Key| all.iter().filter(|other| **other == key.identity()).count() > 1;
        read.retain(|(_, keys)| match keys.iter().find(|key| twice(key)) {
            Some(key) => {
                refused.push(format!("kid {:?} stands twice", key.id));
                false
            }
            None => !keys.is_empty(),
        });
        let jwks: Vec<Value> = read.iter().map(|(jwk, _)| essential(jwk)).collect();
        let keys = read.into_iter().flat_map(|(_, keys)| keys).collect();
        Ok(Self { keys: KeySet::of(keys), refused, jwks: json!({ "keys": jwks }) })
    }
}

/// A JWK without what no check looks at, such as a chain of certificates.
fn essential(jwk: &Value) -> Value {
    const MEMBERS: [&str; 10] = ["kty", "kid", "use", "key_ops", "alg", "crv", "x", "y", "n", "e"];
    let mut members = jwk.as_object().cloned().unwrap_or_else(Map::new);
    members.retain(|name, _| MEMBERS.contains(&name.as_str()));
    Value::Object(members)
}

/// The address of an issuer's key set, as its discovery document has it that was found at this
/// address (OpenID Connect Discovery 1.0, sections 3 and 4.3).
///
/// # Errors
/// It is no such document, is another issuer's, or names another server: whoever runs an issuer must
/// not be able to send the gateway anywhere, least of all to what trusts the gateway.
pub fn jwks_address(bytes: &[u8], issuer: &str, found: &WebAddress) -> Result<WebAddress, String> {
    if bytes.len() > MAX_SET {
        return Err(format!("the discovery document is larger than {MAX_SET} bytes"));
    }
    let document = json::object(bytes).map_err(|_| "the discovery document is not strict JSON")?;
    if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err("the discovery document is another issuer's".into());
    }
    let address = document.get("jwks_uri").and_then(Value::as_str).and_then(WebAddress::parse);
    let address = address.ok_or("the discovery document names no address as jwks_uri")?;
    if address.origin() != found.origin() {
        return Err("the discovery document names another server for its keys: if that is right, \
                    write its jwks_uri as jwks_url in place of discovery = true"
            .into());
    }
    Ok(address)
}

/// A published set as the store keeps it, so that an instance that starts need not ask the issuer.
#[derive(Debug)]
pub struct KeptSet {
    /// The keys.
    pub keys: KeySet,
    /// When they were fetched.
    pub fetched: Timestamp,
    /// When a set did not have the `kid` that it was asked for last.
    pub missed: Option<Timestamp>,
}

impl KeptSet {
    /// The state record of a set (`PublishedSet::jwks`) that came of this address. `None` where it
    /// would be larger than a record may be.
    pub fn to_record(
        jwks: &Value,
        asked: &WebAddress,
        fetched: Timestamp,
        missed: Option<Timestamp>,
    ) -> Option<Vec<u8>> {
        let record = json!({
            "v": 1, "asked": asked.to_string(), "fetched": fetched.as_second(),
            "missed": missed.map(Timestamp::as_second), "jwks": jwks,
        });
        let bytes = record.to_string().into_bytes();
        (bytes.len() <= MAX_RECORD).then_some(bytes)
    }

    /// Reads a state record. `None` for one that is none, or that came of another address, which the
    /// policy named before.
    pub fn from_record(bytes: &[u8], asked: &WebAddress, algorithms: &[Algorithm]) -> Option<Self> {
        let record = read_record(bytes, asked)?;
        let jwks = record.get("jwks")?.to_string();
        let set = PublishedSet::parse(jwks.as_bytes(), algorithms).ok()?;
        let (fetched, missed) = (moment(&record, "fetched")?, moment(&record, "missed"));
        Some(Self { keys: set.keys, fetched, missed })
    }
}

/// A question that the issuer did not answer, as a state record, so that no other instance waits for
/// the same.
pub fn failure_to_record(asked: &WebAddress, at: Timestamp) -> Vec<u8> {
    let record = json!({"v": 1, "asked": asked.to_string(), "failed": at.as_second()});
    record.to_string().into_bytes()
}

/// When the issuer did not answer last. `None` as with [`KeptSet::from_record`].
pub fn failure_from_record(bytes: &[u8], asked: &WebAddress) -> Option<Timestamp> {
    moment(&read_record(bytes, asked)?, "failed")
}

fn read_record(bytes: &[u8], asked: &WebAddress) -> Option<Map<String, Value>> {
    if bytes.len() > MAX_RECORD {
        return None;
    }
    let record = json::object(bytes).ok()?;
    let is_ours = record.get("v").and_then(Value::as_u64) == Some(1)
        && record.get("asked").and_then(Value::as_str) == Some(&asked.to_string());
    is_ours.then_some(record)
}

fn moment(record: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    Timestamp::from_second(record.get(name).and_then(Value::as_i64)?).ok()
}
