//! Who makes the request.

use crate::token::kind::TokenType;
use std::sync::Arc;

/// Who makes the request: proven by a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) token_type: TokenType,
    pub(super) roles: Arc<[String]>,
    pub(super) groups: Arc<[String]>,
    pub(super) session: Option<String>,
    pub(super) issued_at: Option<i64>,
    pub(super) expires_at: i64,
}

impl Principal {
    /// The issuer's prefix and the token's subject claim: printable ASCII.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who issued the token, as the policy writes it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The kind of token; one without `typ` is a JWT.
    pub fn token_type(&self) -> TokenType {
        self.token_type
    }

    /// Role names, in the token's order.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Group names, in the token's order: any text of 1 to 256 bytes without control characters.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The directory's roles and groups in place of the token's.
    pub(crate) fn set_rights(&mut self, roles: Vec<String>, groups: Vec<String>) {
        self.roles = roles.into();
        self.groups = groups.into();
    }

    /// The session: `sid`, or where there is none `jti`.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// When the token was issued, in seconds since 1970.
    pub fn issued_at(&self) -> Option<i64> {
        self.issued_at
    }

    /// When the token expires, in seconds since 1970; it is accepted for the leeway longer.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }
}
