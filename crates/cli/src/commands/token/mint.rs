//! `sekisho token mint`: a signed token.

use super::Algorithm;
use crate::commands::principal::Principal;
use crate::commands::print;
use crate::exit::Exit;
use crate::input;
use crate::report::Failure;
use jiff::Timestamp;
use sekisho_testing::clock;
use sekisho_testing::issuer::{Issuer, SigningKey};
use serde_json::Value;
use std::path::PathBuf;

/// The largest key file, in bytes.
const MAX_KEY: usize = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  sekisho token mint --key test.pem --kid test-1 --issuer https://idp.example \\
      --tenant acme --subject u-42 --role member --expires-in 8h
  sekisho token mint … --claim sid='\"s-1\"' --claim exp=0      an expired token";

/// Sign a token.
///
/// It is valid from now on, or from --issued-at, has a random jti, and names the tenant in the claim "tenant" and the
/// roles in "roles".
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Mint {
    /// The private key, PEM
    #[arg(long, value_name = "KEY.pem")]
    key: PathBuf,
    /// The key's algorithm
    #[arg(long, value_name = "ALG", default_value = "ES256", ignore_case = true)]
    alg: Algorithm,
    /// The key's identifier, as in the issuer's key set
    #[arg(long, value_name = "ID")]
    kid: String,
    #[command(flatten)]
    of: Principal,
    /// When it is issued, RFC 3339; if not given, now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    issued_at: Option<u64>,
    /// Any other claim, its value as JSON; it wins over all above
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = claim)]
    claims: Vec<(String, Value)>,
}

impl Mint {
    /// Prints the token.
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let pem = input::bounded_file(&self.key, MAX_KEY)?;
        let pem = String::from_utf8_lossy(&pem);
        let key = SigningKey::from_pem(self.alg.into(), &self.kid, &pem)
            .map_err(|error| Failure::invalid(format!("{}: {error}", self.key.display())))?;
        let Principal { issuer, tenant, subject, roles, audience, expires_in } = self.of;
        let issuer = Issuer::new(issuer, vec![key]);
        let mut token = issuer
            .token(&tenant)
            .subject(&subject)
            .roles(roles.iter().map(String::as_str))
            .audience(&audience)
            .issued_at(self.issued_at.unwrap_or_else(clock::unix_seconds))
            .expires_in(expires_in);
        for (name, value) in self.claims {
            token = token.claim(&name, value);
        }
        let token = token.sign().map_err(|error| Failure::fault(error.to_string()))?;
        print(&format!("{token}\n"))?;
        Ok(Exit::Success)
    }
}

fn moment(text: &str) -> Result<u64, String> {
    let remedy = "write a time such as 2026-11-22T09:00:00Z";
    let time: Timestamp = text.parse().map_err(|_| remedy.to_owned())?;
    u64::try_from(time.as_second()).map_err(|_| remedy.to_owned())
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, json) = text.split_once('=').ok_or("write NAME=JSON")?;
    if name.is_empty() {
        return Err("the claim has no name".to_owned());
    }
    let value = serde_json::from_str(json).map_err(|error| {
        format!("the value is not JSON ({error}); a text needs its quotes: {name}='\"text\"'")
    })?;
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims() {
        assert_eq!(claim("n=1"), Ok(("n".into(), 1.into())));
        assert_eq!(claim("n=\"a=b\""), Ok(("n".into(), "a=b".into())));
        for text in ["n", "=1", "n=text", "n="] {
            assert!(claim(text).is_err(), "{text}");
        }
    }
}
