//! Tokens that are taken back before they expire.

use crate::edit::{Edit, TooLarge, Was};
use sekisho_core::records::key;
use sekisho_core::session::Revocation;

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked<'a> {
    /// Every token of the tenant.
    Tenant,
    /// Every token of a subject.
    Subject(&'a str),
    /// The tokens of a session: the token's `sid`, or where it has none its `jti`.
    Session(&'a str),
}

impl Revoked<'_> {
    /// The key of its record.
    pub fn key(&self, tenant: &str) -> String {
        match self {
            Self::Tenant => key::revoked_tenant(tenant),
            Self::Subject(subject) => key::revoked_subject(tenant, subject),
            Self::Session(session) => key::revoked_session(tenant, session),
        }
    }

    /// Takes back those that were issued at or before a moment (seconds since 1970), or all that there are and will be.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn revoke(&self, tenant: &str, before: Option<i64>) -> Result<Edit, TooLarge> {
        Edit::write(self.key(tenant), Was::Unknown, &Revocation { before, by: None })
    }

    /// Lets them be good again.
    pub fn restore(&self, tenant: &str) -> Edit {
        Edit::remove(self.key(tenant), Was::Unknown)
    }
}
