//! The claims of a verified token (RFC 7519, section 4.1).
//!
//! In evaluation order, with a leeway of 60 s for clocks:
//!
//! 1. `aud` has one of the issuer's audiences (section 4.1.3).
//! 2. `exp` is there and has not passed (4.1.4); `nbf` (4.1.5) and `iat` (4.1.6), if there, have.
//! 3. `sub` is there and can stand in a header and in a record.
//! 4. The tenant claim equals the tenant, or the issuer is declared to serve this tenant alone.
//! 5. Roles, if any, are a list of names.

use super::keys::Verified;
use crate::denial::{Denial, Reason};
use crate::policy::{Issuer, TenantId, TenantProof};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// How far a clock may be off, in seconds.
pub const LEEWAY: i64 = 60;

/// Who makes the request: proven by a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    subject: String,
    roles: Vec<String>,
    groups: Vec<String>,
    issuer: String,
    session: Option<String>,
    issued_at: Option<i64>,
}

impl Principal {
    /// The token's `sub`: printable ASCII.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Role names, in the token's order.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Group names.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The issuer's name: the exact `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The directory's roles and groups in place of the token's.
    pub(crate) fn set_rights(&mut self, roles: Vec<String>, groups: Vec<String>) {
        self.roles = roles;
        self.groups = groups;
    }

    /// The session: `sid`, or where there is none `jti`.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// When the token was issued, in seconds since 1970.
    pub fn issued_at(&self) -> Option<i64> {
        self.issued_at
    }
}

/// Judges a verified token's claims.
pub fn judge(
    verified: &Verified,
    issuer: &Issuer,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Principal, Denial> {
    let claims = &verified.claims;
    audience(claims, issuer)?;
    let issued_at = times(claims, now.as_second())?;
    let subject = name(claims, "sub", 255)?.ok_or_else(|| invalid("no sub"))?;
    belongs_to(claims, issuer, tenant)?;
    let session = match name(claims, "sid", 128)? {
        Some(session) => Some(session),
        None => name(claims, "jti", 128)?,
    };
    Ok(Principal {
        subject,
        roles: roles(claims, issuer)?,
        groups: Vec::new(),
        issuer: issuer.name().to_owned(),
        session,
        issued_at,
    })
}

fn audience(claims: &Map<String, Value>, issuer: &Issuer) -> Result<(), Denial> {
    let ours = |value: &Value| {
        value
            .as_str()
            .is_some_and(|name| issuer.audiences().iter().any(|audience| audience == name))
    };
    let held = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(ours),
        Some(audience) => ours(audience),
        None => false,
    };
    held.then_some(()).ok_or_else(|| {
        Denial::new(Reason::TokenAudienceMismatch, "aud has none of the issuer's audiences")
    })
}

/// Judges `exp`, `nbf` and `iat`; returns `iat`.
fn times(claims: &Map<String, Value>, now: i64) -> Result<Option<i64>, Denial> {
    let expires = numeric_date(claims, "exp")?.ok_or_else(|| invalid("no exp"))?;
    // Section 4.1.4: "on or after" exp it must not be accepted.
    if expires.saturating_add(LEEWAY) <= now {
        return Err(Denial::new(
            Reason::TokenExpired,
            format!("expired {} s ago", now.saturating_sub(expires)),
        ));
    }
    let issued_at = numeric_date(claims, "iat")?;
    for (claim, time) in [("nbf", numeric_date(claims, "nbf")?), ("iat", issued_at)] {
        if time.is_some_and(|time| time > now.saturating_add(LEEWAY)) {
            return Err(Denial::new(
                Reason::TokenNotYetValid,
                format!("{claim} lies in the future"),
            ));
        }
    }
    Ok(issued_at)
}

/// A `NumericDate` (RFC 7519, section 2) of whole or fractional seconds from 1970 to year 9999;
/// fractions are cut off.
fn numeric_date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Denial> {
    const YEAR_9999: i64 = 253_402_300_799;
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
            .filter(|seconds| (0.0..=YEAR_9999 as f64).contains(seconds))
            .map(|seconds| seconds as i64),
    };
    match seconds.filter(|seconds| (0..=YEAR_9999).contains(seconds)) {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(invalid("a time that is no NumericDate")),
    }
}

/// A text claim of printable ASCII without spaces: it stands in a header, a key and a log.
fn name(claims: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<String>, Denial> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text))
            if (1..=longest).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(Denial::new(
            Reason::TokenClaimsInvalid,
            format!("{name} is not 1 to {longest} printable ASCII characters"),
        )),
    }
}

fn belongs_to(
    claims: &Map<String, Value>,
    issuer: &Issuer,
    tenant: &TenantId,
) -> Result<(), Denial> {
    match issuer.tenant_proof() {
        TenantProof::SoleTenant => Ok(()),
        TenantProof::Claim(claim) => match claims.get(claim) {
            Some(Value::String(named)) if named == tenant.as_str() => Ok(()),
            Some(_) => Err(Denial::new(
                Reason::TokenTenantMismatch,
                "the token's tenant is not the tenant of the host",
            )),
            None => Err(invalid("no tenant claim")),
        },
    }
}

fn roles(claims: &Map<String, Value>, issuer: &Issuer) -> Result<Vec<String>, Denial> {
    let Some(value) = claims.get(issuer.roles_claim()) else {
        return Ok(Vec::new());
    };
    let names = value.as_array().ok_or_else(|| invalid("roles are not a list"))?;
    if names.len() > 64 {
        return Err(invalid("more than 64 roles"));
    }
    names
        .iter()
        .map(|role| {
            role.as_str()
                .filter(|role| is_role(role))
                .map(str::to_owned)
                .ok_or_else(|| invalid("a role that is no name"))
        })
        .collect()
}

/// A role name: it stands in a comma-separated header, so it has no comma and no space.
pub fn is_role(role: &str) -> bool {
    (1..=64).contains(&role.len())
        && role
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/'))
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::TokenClaimsInvalid, detail)
}
