//! `sekisho revoke`: tokens that are taken back before they expire.

use super::of::{Of, now, too_large};
use super::{block_on, print};
use crate::exit::Exit;
use crate::report::{Failure, say};
use crate::store::Event;
use jiff::Timestamp;
use sekisho_core::records::key;
use sekisho_directory::revocations::Revoked;

const EXAMPLES: &str = "\
Examples:
  sekisho revoke --tenant acme --user u-42            his tokens of until now, whoever issued them
  sekisho revoke --tenant acme --user u-42 --for-good also those that he will get
  sekisho revoke --tenant acme --all                  everybody signs in anew
  sekisho revoke --tenant acme --session 5f0c…        the sid of a token, or where it has none its jti
  sekisho revoke --tenant acme --user u-42 --undo";

/// Take tokens back: from the next request on at every gateway, and on open streams within two seconds.
///
/// Without --for-good a token is taken back by when it was issued (iat, by its issuer's clock, which may be a minute ahead):
/// those of until now, by the clock of this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Revoke {
    #[command(flatten)]
    of: Of,
    /// Those of a user (the token's subject, with the issuer's prefix)
    #[arg(long, group = "whose")]
    user: Option<String>,
    /// Those of a session: the token's sid, or where it has none its jti
    #[arg(long, group = "whose")]
    session: Option<String>,
    /// Those of everybody of the tenant
    #[arg(long, group = "whose")]
    all: bool,
    /// Also those that are issued later
    #[arg(long, conflicts_with = "undo")]
    for_good: bool,
    /// Let them be good again
    #[arg(long)]
    undo: bool,
}

impl Revoke {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        block_on(async {
            let revoked = match (&self.user, &self.session) {
                (Some(user), _) => Revoked::Subject(user),
                (None, Some(session)) => Revoked::Session(session),
                (None, None) if self.all => Revoked::Tenant,
                (None, None) => {
                    return Err(
                        Failure::invalid("whose tokens?").help("give --user, --session or --all")
                    );
                }
            };
            let (policy, store) = self.of.open().await?;
            if !policy.checks_revocation() {
                say("warning: the policy has revocation = false: no gateway asks what is revoked");
            }
            let tenant = &self.of.tenant;
            let edit = if self.undo {
                revoked.restore(tenant)
            } else {
                // A session has one user, and a later token of its is the same session.
                let before = (!self.for_good && self.session.is_none()).then(now);
                revoked.revoke(tenant, before).map_err(|error| too_large(&error))?
            };
            // An identifier of a session is nobody's to read.
            let (action, target) = match (&self.user, &self.session) {
                (Some(user), _) => ("user", user.clone()),
                (None, Some(session)) => ("session", key::digest(session)),
                (None, None) => ("tenant", String::new()),
            };
            let action = match (action, self.undo) {
                ("user", false) => "user-revoked",
                ("user", true) => "user-restored",
                ("session", false) => "session-revoked",
                ("session", true) => "session-restored",
                (_, false) => "tenant-revoked",
                (_, true) => "tenant-restored",
            };
            store.make(tenant, vec![edit], &[Event::new(action, target)]).await?;
            print(&match (self.undo, self.for_good || self.session.is_some()) {
                (true, _) => "restored\n".to_owned(),
                (false, true) => "revoked, also what is issued later\n".to_owned(),
                (false, false) => format!("revoked, what was issued until {}\n", Timestamp::now()),
            })?;
            Ok(Exit::Success)
        })
    }
}
