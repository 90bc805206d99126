//! Session tokens that the gateway signs itself and takes back: a JWT with a `typ` of its own.
//!
//! EdDSA is for sessions that others check too, by the published keys; HS256 for those that only the
//! gateway does, whose check costs a twentieth
//! (docs/performance.md).

use super::OwnKeys;
use crate::token::claims;
use crate::token::keys::Algorithm;
use jiff::Timestamp;
use serde::Serialize;

/// Its `typ`.
pub const TYPE: &str = "sekisho-session+jwt";

/// The claim that names the tenant.
pub const TENANT: &str = "tenant";

/// What a session token says, but for the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The gateway, as the tenant's policy names it.
    pub iss: String,
    /// Whom it is meant for.
    pub aud: String,
    /// The user.
    pub sub: String,
    /// The tenant.
    pub tenant: String,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The session's identifier, by which it can be revoked.
    pub sid: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    #[serde(flatten)]
    session: &'a Session,
    iat: i64,
    exp: i64,
}

impl Session {
    /// Signs it now, to live so many seconds.
    ///
    /// # Errors
    /// The gateway has no key for the algorithm, or would not take the session back.
    pub fn sign(
        &self,
        keys: &OwnKeys,
        algorithm: Algorithm,
        lifetime: u32,
        now: Timestamp,
    ) -> Result<String, String> {
        claims::is_sound(&self.sub, &self.sid, &self.roles)?;
        let iat = now.as_second();
        let claims = Claims { session: self, iat, exp: iat.saturating_add(i64::from(lifetime)) };
        keys.sign(algorithm, TYPE, &claims)
    }
}
