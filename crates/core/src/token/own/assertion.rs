//! `Sekisho-Assertion`: the gateway's signed word to an origin on whose request it forwards.
//!
//! It is a JWT (RFC 7519) by the gateway's EdDSA key, for one origin, of one tenant and principal, for
//! two minutes at most. It has a `typ` of its own (RFC 8725, section 3.11), so that nobody takes it for
//! a session or an access token. While it is fresh, an instance sends the same one again for the same
//! origin, tenant and principal; `jti` is the request that it was signed for.

use super::OwnKeys;
use crate::token::keys::Algorithm;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The header field that carries it.
pub const HEADER: &str = "sekisho-assertion";

/// Its `typ`.
pub const TYPE: &str = "sekisho-assertion+jwt";

/// The shortest and the longest life, in seconds. One that is shorter has expired where a clock is off, or
/// before a slow request arrives.
pub const LIFETIMES: RangeInclusive<u32> = 10..=120;

/// How many an instance keeps.
const MAX_KEPT: usize = 256;

/// What the policy says of assertions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssertionRules {
    pub(crate) issuer: String,
    pub(crate) lifetime: u32,
}

impl AssertionRules {
    /// The value of `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How long one lives, in seconds: one of [`LIFETIMES`].
    pub fn lifetime(&self) -> u32 {
        self.lifetime
    }
}

/// What is asserted, but for the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assertion {
    /// The gateway.
    pub iss: String,
    /// The origin, by its identifier in the policy.
    pub aud: String,
    /// The principal.
    pub sub: String,
    /// The tenant.
    pub tenant: String,
    /// The principal's roles.
    pub roles: Vec<String>,
    /// The digest of the policy that permitted the request.
    pub policy: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    #[serde(flatten)]
    assertion: &'a Assertion,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

impl Assertion {
    /// Signs it now, for this request.
    ///
    /// # Errors
    /// The gateway has no EdDSA key.
    pub fn sign(
        &self,
        keys: &OwnKeys,
        request_id: &str,
        lifetime: u32,
        now: Timestamp,
    ) -> Result<String, String> {
        let iat = now.as_second();
        let exp = iat.saturating_add(i64::from(lifetime.min(*LIFETIMES.end())));
        let claims = Claims { assertion: self, jti: request_id, iat, exp };
        keys.sign(Algorithm::EdDSA, TYPE, &claims)
    }
}

/// Assertions that an instance has signed, to be sent again while they are fresh.
#[derive(Debug, Default)]
pub struct Signed(VecDeque<Kept>);

#[derive(Debug)]
struct Kept {
    assertion: Assertion,
    lifetime: u32,
    signed: i64,
    token: String,
}

impl Signed {
    /// The token that says this, signed less than half its life ago or else now.
    ///
    /// # Errors
    /// The gateway has no EdDSA key.
    pub fn token(
        &mut self,
        assertion: &Assertion,
        keys: &OwnKeys,
        request_id: &str,
        lifetime: u32,
        now: Timestamp,
    ) -> Result<String, String> {
        let is_fresh = |kept: &Kept| {
            let age = now.as_second().saturating_sub(kept.signed);
            (0..i64::from(lifetime.div_ceil(2))).contains(&age) && kept.lifetime == lifetime
        };
        self.0.retain(is_fresh);
        if let Some(kept) = self.0.iter().find(|kept| kept.assertion == *assertion) {
            return Ok(kept.token.clone());
        }
        let token = assertion.sign(keys, request_id, lifetime, now)?;
        if self.0.len() >= MAX_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Kept {
            assertion: assertion.clone(),
            lifetime,
            signed: now.as_second(),
            token: token.clone(),
        });
        Ok(token)
    }
}
