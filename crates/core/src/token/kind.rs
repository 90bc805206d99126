//! What kind of token it is: the header's `typ`.

use super::own::session;
use crate::denial::{Denial, Reason};
use crate::policy::{Issuer, KeySource};
use serde::{Deserialize, Serialize};

/// A kind of token (RFC 8725, section 3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TokenType {
    /// A JWT (RFC 7519, section 5.1), which is what a token without `typ` is, too.
    #[serde(rename = "jwt")]
    Jwt,
    /// An access token of the JWT profile (RFC 9068).
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// A session that the gateway signed itself.
    #[serde(skip)]
    Session,
}

impl TokenType {
    /// The kind that this `typ` names: `JWT`, or `at+jwt` with or without `application/` (RFC 9068,
    /// section 2.1), in any case. `application/jwt` would be `JWT` written out (RFC 7515, section
    /// 4.1.9), but nobody writes it. Any other is a token for another
    /// purpose (RFC 8725, section 2.8), such as `logout+jwt` or `dpop+jwt`.
    pub(super) fn of(typ: &str) -> Option<Self> {
        if typ.eq_ignore_ascii_case("jwt") {
            return Some(Self::Jwt);
        }
        if typ == session::TYPE {
            return Some(Self::Session);
        }
        ["at+jwt", "application/at+jwt"]
            .iter()
            .any(|name| typ.eq_ignore_ascii_case(name))
            .then_some(Self::AccessToken)
    }

    /// The name in the policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::AccessToken => "at+jwt",
            Self::Session => session::TYPE,
        }
    }
}

/// Refuses a kind that the issuer does not issue. RFC 9068, section 4: an `at+jwt` says so.
pub(super) fn judge(said: Option<TokenType>, issuer: &Issuer) -> Result<(), Denial> {
    // Only the gateway itself makes sessions, and it signs other things with the same keys.
    if (said == Some(TokenType::Session)) != matches!(issuer.keys(), KeySource::Own) {
        return Err(Denial::new(
            Reason::TokenTypeNotAllowed,
            "the gateway's own sessions, and nothing else, are of typ sekisho-session+jwt",
        ));
    }
    match issuer.token_type() {
        Some(wanted) if said.unwrap_or(TokenType::Jwt) != wanted => Err(Denial::new(
            Reason::TokenTypeNotAllowed,
            format!("the issuer's tokens are of typ {}", wanted.name()),
        )),
        _ => Ok(()),
    }
}
