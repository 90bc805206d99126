//! The claims of a verified token (RFC 7519, section 4.1).
//!
//! In evaluation order, with a leeway of 60 s for clocks:
//!
//! 1. `sub`, `jti` and `nonce`, if there, are texts (RFC 7519, sections 4.1.2 and 4.1.7; OpenID Connect
//!    Core, section 2), also where nobody asks for them: an issuer that writes them otherwise is
//!    not understood.
//! 2. `aud` is a text or a list of texts, and has one of the issuer's audiences (section 4.1.3).
//! 3. `exp` is there and has not passed (4.1.4); `nbf` (4.1.5) and `iat` (4.1.6), if there, have; the
//!    token is not older than the issuer's `max_age_s` (`times`).
//! 4. An issuer of `at+jwt` alone must have all claims that RFC 9068 section 2.2 requires.
//! 5. The subject is there and, with the issuer's prefix before it, can stand in a header and in a
//!    record.
//! 6. The tenant claim equals the tenant, or the issuer is declared to serve this tenant alone.
//! 7. It is no security event token (RFC 8417, section 2.2), such as a logout token of an issuer
//!    that gives no `typ`: nobody signs in by one (RFC 8725, section 2.8).
//! 8. The session, the roles and the groups, if any, have the form of names (`names`).

mod names;
mod principal;
mod times;

pub use names::{MAX_NAME, MAX_NAMES, MAX_ROLES, is_name, is_role};
pub use principal::Principal;
pub use times::LEEWAY;

use super::keys::Verified;
use super::kind::TokenType;
use crate::denial::{Denial, Reason};
use crate::policy::{Issuer, TenantId, TenantProof};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The longest subject, in bytes, its prefix with it.
pub const MAX_SUBJECT: usize = 255;

/// The longest session identifier, in bytes.
pub const MAX_SESSION: usize = 128;

type Claims = Map<String, Value>;

/// Judges a verified token's claims.
pub fn judge(
    verified: &Verified,
    issuer: &Issuer,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Principal, Denial> {
    let claims = &verified.claims;
    if ["sub", "jti", "nonce"].iter().any(|name| claims.get(*name).is_some_and(|c| !c.is_string()))
    {
        return Err(invalid("sub, jti or nonce is no text"));
    }
    audience(claims, issuer)?;
    let times = times::judge(claims, issuer.max_age(), now.as_second())?;
    if issuer.token_type() == Some(TokenType::AccessToken) {
        access_token(claims)?;
    }
    let subject = subject(claims, issuer)?;
    belongs_to(claims, issuer, tenant)?;
    if claims.contains_key("events") {
        return Err(invalid("a security event token is nobody's sign-in"));
    }
    let session = match text(claims.get("sid"), "sid", MAX_SESSION)? {
        Some(session) => Some(session),
        None => text(claims.get("jti"), "jti", MAX_SESSION)?,
    };
    Ok(Principal {
        subject,
        issuer: issuer.name().to_owned(),
        token_type: verified.token_type,
        roles: names::roles(claims, issuer)?.into(),
        groups: names::groups(claims, issuer)?.into(),
        session: session.map(str::to_owned),
        issued_at: times.issued_at,
        expires_at: times.expires_at,
    })
}

/// Whether [`judge`] would take a subject, session and roles of these names.
pub(super) fn is_sound(subject: &str, session: &str, roles: &[String]) -> Result<(), String> {
    if !is_text(subject, MAX_SUBJECT) {
        return Err(format!("the subject is not 1 to {MAX_SUBJECT} printable ASCII characters"));
    }
    if !is_text(session, MAX_SESSION) {
        return Err(format!("the session is not 1 to {MAX_SESSION} printable ASCII characters"));
    }
    if roles.len() > MAX_ROLES {
        return Err(format!("more than {MAX_ROLES} roles"));
    }
    match roles.iter().find(|role| !is_role(role)) {
        Some(role) => Err(format!("{role:?} is not 1 to 64 letters, digits and - _ . : /")),
        None => Ok(()),
    }
}

fn audience(claims: &Claims, issuer: &Issuer) -> Result<(), Denial> {
    let given = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.as_slice(),
        Some(audience) => std::slice::from_ref(audience),
        None => &[],
    };
    if !given.iter().all(Value::is_string) {
        return Err(invalid("aud is neither a text nor a list of texts"));
    }
    let ours = |given: &Value| issuer.audiences().iter().any(|audience| *given == **audience);
    given.iter().any(ours).then_some(()).ok_or_else(|| {
        Denial::new(Reason::TokenAudienceMismatch, "aud has none of the issuer's audiences")
    })
}

/// RFC 9068, section 2.2. `iss`, `exp` and `aud` have been judged by now.
fn access_token(claims: &Claims) -> Result<(), Denial> {
    for name in ["sub", "client_id", "jti"] {
        let there = claims.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !there {
            return Err(invalid(format!("an at+jwt without {name} (RFC 9068, section 2.2)")));
        }
    }
    if !claims.contains_key("iat") {
        return Err(invalid("an at+jwt without iat (RFC 9068, section 2.2)"));
    }
    Ok(())
}

fn subject(claims: &Claims, issuer: &Issuer) -> Result<String, Denial> {
    let (claim, prefix) = (issuer.subject_claim(), issuer.subject_prefix());
    let longest = MAX_SUBJECT.saturating_sub(prefix.len());
    let subject = text(claim.find(claims)?, "the subject", longest)?
        .ok_or_else(|| invalid(format!("no {claim}")))?;
    Ok([prefix, subject].concat())
}

fn belongs_to(claims: &Claims, issuer: &Issuer, tenant: &TenantId) -> Result<(), Denial> {
    match issuer.tenant_proof() {
        TenantProof::SoleTenant => Ok(()),
        TenantProof::Claim(claim) => match claim.find(claims)? {
            Some(Value::String(named)) if named == tenant.as_str() => Ok(()),
            Some(_) => Err(Denial::new(
                Reason::TokenTenantMismatch,
                "the token's tenant is not the tenant of the host",
            )),
            None => Err(invalid("no tenant claim")),
        },
    }
}

fn is_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A text claim of printable ASCII without spaces: it stands in a header, a key and a log.
fn text<'c>(
    claim: Option<&'c Value>,
    name: &str,
    longest: usize,
) -> Result<Option<&'c str>, Denial> {
    match claim {
        None => Ok(None),
        Some(Value::String(text)) if is_text(text, longest) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is not 1 to {longest} printable ASCII characters"))),
    }
}

fn invalid(detail: impl Into<Cow<'static, str>>) -> Denial {
    Denial::new(Reason::TokenClaimsInvalid, detail)
}
