//! The tokens of the demo's people.

use crate::report::Failure;
use sekisho_testing::clock;
use sekisho_testing::issuer::{Issuer, KeyError};

/// Long enough for a day's look around, in seconds.
const LIFETIME: u64 = 12 * 60 * 60;

/// One token for each thing that is shown.
#[derive(Debug)]
pub(super) struct Tokens {
    /// A member of Acme.
    pub(super) acme: String,
    /// A member of Globex.
    pub(super) globex: String,
    /// An administrator of Acme.
    pub(super) admin: String,
    /// Acme's, with a signature that is not the issuer's.
    pub(super) tampered: String,
}

/// Signs them.
pub(super) fn mint(issuer: &Issuer) -> Result<Tokens, Failure> {
    let sign = |tenant: &str, subject: &str, roles: &[&str]| {
        issuer
            .token(tenant)
            .subject(subject)
            .roles(roles.iter().copied())
            .issued_at(clock::unix_seconds())
            .expires_in(LIFETIME)
            .sign()
    };
    let all = || -> Result<Tokens, KeyError> {
        let acme = sign("acme", "u-42", &["member"])?;
        Ok(Tokens {
            globex: sign("globex", "u-7", &["member"])?,
            admin: sign("acme", "u-1", &["admin"])?,
            tampered: tamper(&acme),
            acme,
        })
    };
    all().map_err(|error| Failure::fault(error.to_string()))
}

/// Another first character of the signature: still base64url of the right length.
fn tamper(token: &str) -> String {
    match token.rsplit_once('.') {
        Some((signed, signature)) => {
            let mut characters = signature.chars();
            let other = if characters.next() == Some('A') { 'B' } else { 'A' };
            format!("{signed}.{other}{}", characters.as_str())
        }
        None => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tampering_changes_one_character_of_the_signature() {
        assert_eq!(tamper("h.p.Abc"), "h.p.Bbc");
        assert_eq!(tamper("h.p.xbc"), "h.p.Abc");
    }
}
