//! When a token may be used, by `exp`, `nbf`, `iat` and its age.

use super::{Claims, invalid};
use crate::denial::{Denial, Reason};

/// How far a clock may be off, in seconds.
pub const LEEWAY: i64 = 60;

/// 9999-12-31T23:59:59Z, in seconds since 1970.
const END: i64 = 253_402_300_799;

/// What the times of a token say, in seconds since 1970.
pub(super) struct Times {
    pub(super) issued_at: Option<i64>,
    pub(super) expires_at: i64,
}

/// Judges the times at this moment. `max_age`, in seconds, is the issuer's.
pub(super) fn judge(claims: &Claims, max_age: Option<u32>, now: i64) -> Result<Times, Denial> {
    let expires_at = numeric_date(claims, "exp")?.ok_or_else(|| invalid("no exp"))?;
    let not_before = numeric_date(claims, "nbf")?;
    let issued_at = numeric_date(claims, "iat")?;
    // RFC 7519, section 4.1.4: "on or after" exp it must not be accepted.
    if expires_at.saturating_add(LEEWAY) <= now {
        let ago = now.saturating_sub(expires_at);
        return Err(Denial::new(Reason::TokenExpired, format!("expired {ago} s ago")));
    }
    for (claim, time) in [("nbf", not_before), ("iat", issued_at)] {
        if time.is_some_and(|time| time > now.saturating_add(LEEWAY)) {
            return Err(Denial::new(
                Reason::TokenNotYetValid,
                format!("{claim} lies in the future"),
            ));
        }
    }
    if let Some(max_age) = max_age.map(i64::from) {
        let age = now - issued_at.ok_or_else(|| invalid("no iat, and the issuer has max_age_s"))?;
        if age > max_age + LEEWAY {
            return Err(Denial::new(
                Reason::TokenTooOld,
                format!("issued {age} s ago; the issuer's max_age_s is {max_age}"),
            ));
        }
    }
    Ok(Times { issued_at, expires_at })
}

/// A `NumericDate` (RFC 7519, section 2) of whole or fractional seconds from 1970 to year 9999;
/// fractions are cut off.
fn numeric_date(claims: &Claims, name: &str) -> Result<Option<i64>, Denial> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = match value.as_i64() {
        Some(seconds) => Some(seconds),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "the range is checked before the cast, and fractions are meant to go"
        )]
        None => value
            .as_f64()
            .filter(|seconds| (0.0..=END as f64).contains(seconds))
            .map(|seconds| seconds as i64),
    };
    match seconds.filter(|seconds| (0..=END).contains(seconds)) {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(invalid("a time that is no NumericDate")),
    }
}
