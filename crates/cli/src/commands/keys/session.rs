//! `sekisho keys session`: a session token of the gateway's own.

use super::file;
use crate::commands::principal::Principal;
use crate::commands::{block_on, print};
use crate::exit::Exit;
use crate::report::{Failure, say};
use crate::store::{self, Event, Place};
use clap::ValueEnum;
use jiff::Timestamp;
use sekisho_core::policy::Issuer;
use sekisho_core::session::record::SessionRecord;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::session::Session;
use sekisho_directory::sessions;
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
    #[command(flatten)]
    of: Principal,
    /// The session's identifier, by which it can be revoked; random, if not given
    #[arg(long, value_name = "ID")]
    sid: Option<String>,
    /// HS256, which the gateway alone can check, or EdDSA
    #[arg(long, value_name = "ALG", default_value = "HS256", ignore_case = true)]
    alg: Kind,
    /// Also write the session's record, without which it is refused where the policy has [sessions]
    #[arg(long)]
    record: bool,
    #[command(flatten)]
    place: Place,
}

fn begin(place: &Place, session: &Session, created: i64) -> Result<(), Failure> {
    let policy = place.policy()?;
    let tenant = store::tenant(&policy, &session.tenant)?;
    let issuer = tenant.issuers().iter().find(|issuer| issuer.name() == session.iss);
    let prefix = issuer.map_or("", Issuer::subject_prefix);
    let subject = [prefix, &session.sub].concat();
    let record = SessionRecord { subject, created, client: None, agent: None };
    let edit = sessions::begin(&session.tenant, &session.sid, &record)
        .map_err(|error| Failure::invalid(error.to_string()))?;
    if policy.sessions().is_none() {
        say("the policy has no [sessions]: nobody asks for the record");
    }
    block_on(async {
        let event = Event::new("session-begun", &session.sub);
        place.open().await?.make(&session.tenant, vec![edit], &[event]).await?;
        Ok(Exit::Success)
    })?;
    Ok(())
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
        let Principal { issuer, tenant, subject, roles, audience, expires_in } = self.of;
        let session = Session { iss: issuer, aud: audience, sub: subject, tenant, roles, sid };
        let lifetime = u32::try_from(expires_in)
            .map_err(|_| Failure::invalid("a session can't live that long"))?;
        let now = i64::try_from(clock::unix_seconds()).ok();
        let now = now.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let now = now.ok_or_else(|| Failure::fault("the clock is beyond what can be told"))?;
        let token = session.sign(&keys, algorithm, lifetime, now).map_err(Failure::invalid)?;
        if self.record {
            begin(&self.place, &session, now.as_second())?;
        }
        print(&format!("{token}\n"))?;
        Ok(Exit::Success)
    }
}
