//! A checkpoint of the audit trail: the gateway's signed word on which records there were, and when.
//!
//! A compact JWS (RFC 7515, section 7.1) by the gateway's EdDSA key, with a `typ` of its own (RFC 8725, section 3.11).

use super::OwnKeys;
use crate::token::json;
use crate::token::jws::Unverified;
use crate::token::keys::{Algorithm, KeySet};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Its `typ`.
pub const TYPE: &str = "sekisho-checkpoint+jwt";

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The chain.
    pub chain: String,
    /// The number of the record that the checkpoint is.
    pub seq: u64,
    /// The SHA-256 of the record before it, in hexadecimal digits, which stands for all before it.
    pub prev: String,
    /// When, UTC.
    pub time: String,
}

impl Checkpoint {
    /// Signs it.
    ///
    /// # Errors
    /// The gateway has no EdDSA key.
    pub fn sign(&self, keys: &OwnKeys) -> Result<String, String> {
        keys.sign(Algorithm::EdDSA, TYPE, self)
    }

    /// What a signature by one of these keys is over.
    ///
    /// # Errors
    /// It is no signed checkpoint, or by none of these keys.
    pub fn verify(token: &str, keys: &KeySet) -> Result<Self, String> {
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err("its signature is no compact JWS".to_owned());
        };
        let header = object(header)?;
        let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default();
        // What the gateway writes, and nothing else that would have to be understood (section 4.1.11).
        let algorithm = Algorithm::EdDSA.name();
        if header.len() != 3 || text("typ") != TYPE || text("alg") != algorithm {
            return Err("its signature is not one of a checkpoint".to_owned());
        }
        let key_id = text("kid").to_owned();
        let signature = decoded(signature)?;
        let unverified = Unverified {
            token: Cow::Borrowed(token),
            signature,
            algorithm: algorithm.to_owned(),
            key_id: key_id.clone(),
            token_type: None,
            claims: Map::new(),
        };
        if !keys.names(&key_id) {
            return Err(format!("it is signed by {key_id:?}, which is none of the keys given"));
        }
        keys.verify(&unverified, Algorithm::EdDSA)
            .map_err(|_| format!("its signature by {key_id:?} does not hold"))?;
        serde_json::from_value(Value::Object(object(payload)?))
            .map_err(|_| "what is signed is no checkpoint".to_owned())
    }
}

fn decoded(segment: &str) -> Result<Vec<u8>, String> {
    let decoded = URL_SAFE_NO_PAD.decode(segment);
    decoded.map_err(|_| "its signature is not strict base64url".to_owned())
}

fn object(segment: &str) -> Result<Map<String, Value>, String> {
    json::object(&decoded(segment)?).map_err(|_| "its signature is not strict JSON".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::own::{Status, assertion, private_jwk};
    use serde_json::json;

    fn keys(id: &str, secret: u8) -> OwnKeys {
        let key = private_jwk(Algorithm::EdDSA, id, Status::Current, [secret; 32]).unwrap();
        OwnKeys::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_checkpoint_holds_by_its_key_alone() {
        let point = Checkpoint {
            chain: "c".to_owned(),
            seq: 7,
            prev: "p".to_owned(),
            time: "2026-11-28T09:00:00.000000Z".to_owned(),
        };
        let own = keys("a", 1);
        let token = point.sign(&own).unwrap();
        let checking = own.checking(&[Algorithm::EdDSA]).unwrap();
        assert_eq!(Checkpoint::verify(&token, checking), Ok(point.clone()));
        for other in [keys("a", 2), keys("b", 1)] {
            let checking = other.checking(&[Algorithm::EdDSA]).unwrap();
            assert!(Checkpoint::verify(&token, checking).is_err());
        }
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let forged = Checkpoint { seq: 8, ..point };
        parts[1] = URL_SAFE_NO_PAD.encode(serde_json::to_string(&forged).unwrap());
        assert!(Checkpoint::verify(&parts.join("."), checking).is_err());
        // Whatever else the same key signs is none.
        let assertion = own.sign(Algorithm::EdDSA, assertion::TYPE, &forged).unwrap();
        let unknown = own.sign(Algorithm::EdDSA, TYPE, &json!({"chain": "c"})).unwrap();
        for token in [assertion.as_str(), &unknown, "", "a.b.c", "a.b.c.d"] {
            assert!(Checkpoint::verify(token, checking).is_err(), "{token}");
        }
    }
}
