//! `sekisho keys session`: a session token of the gateway's own.

use super::file;
use crate::commands::print;
use crate::exit::Exit;
use crate::report::Failure;
use clap::ValueEnum;
use jiff::Timestamp;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::session::Session;
use sekisho_testing::clock;
use std::path::PathBuf;

/// Sign a session token, such as for a test or a machine.
///
/// The tenant's policy must have an issuer of this name with `own_keys = true`, for this audience and
/// algorithm.
#[derive(Debug, clap::Args)]
pub(super) struct Mint {
    /// The gateway's keys
    #[arg(value_name = "KEYS.json")]
    file: PathBuf,
    /// Who issues it (iss), exactly as the policy writes it
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Whose it is
    #[arg(long)]
    tenant: String,
    /// The user (sub)
    #[arg(long)]
    subject: String,
    /// A role; may be given more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Who it is meant for (aud)
    #[arg(long, default_value = "sekisho")]
    audience: String,
    /// The session's identifier, by which it can be revoked; random, if not given
    #[arg(long, value_name = "ID")]
    sid: Option<String>,
    /// How long it lives: 90s, 30m, 12h
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = crate::input::lifetime)]
    expires_in: u64,
    /// HS256, which the gateway alone can check, or EdDSA
    #[arg(long, value_name = "ALG", default_value = "HS256", ignore_case = true)]
    alg: Kind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    #[value(name = "HS256")]
    Hs256,
    #[value(name = "EdDSA")]
    EdDsa,
}

impl Mint {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let (_, keys) = file::read(&self.file)?;
        let algorithm = match self.alg {
            Kind::Hs256 => Algorithm::HS256,
            Kind::EdDsa => Algorithm::EdDSA,
        };
        let sid = match self.sid {
            Some(sid) => sid,
            None => format!("{:032x}", u128::from_ne_bytes(file::random()?)),
        };
        let session = Session {
            iss: self.issuer,
            aud: self.audience,
            sub: self.subject,
            tenant: self.tenant,
            roles: self.roles,
            sid,
        };
        let lifetime = u32::try_from(self.expires_in)
            .map_err(|_| Failure::invalid("a session can't live that long"))?;
        let now = i64::try_from(clock::unix_seconds()).ok();
        let now = now.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let now = now.ok_or_else(|| Failure::fault("the clock is beyond what can be told"))?;
        let token = session.sign(&keys, algorithm, lifetime, now).map_err(Failure::invalid)?;
        print(&format!("{token}\n"))?;
        Ok(Exit::Success)
    }
}
