//! `sekisho users suspend`, `leave` and `return`.

use crate::commands::of::{Of, now, too_large};
use crate::commands::print;
use crate::exit::Exit;
use crate::report::{Failure, say};
use crate::store::Event;
use crate::text::printable;
use sekisho_core::directory::State;
use sekisho_directory::standing;

/// A user.
#[derive(Debug, clap::Args)]
pub(super) struct User {
    /// The user, as tokens have him (their subject, with the issuer's prefix)
    #[arg(value_name = "USER")]
    subject: String,
    #[command(flatten)]
    of: Of,
}

impl User {
    pub(super) async fn becomes(self, state: State) -> Result<Exit, Failure> {
        let (policy, store) = self.of.open().await?;
        self.of.warn(&policy);
        let tenant = self.of.user(&store, &self.subject).await?;
        let entry = tenant.roster.get(&self.subject).ok_or_else(|| {
            Failure::invalid(format!("{:?} is no user of {}", self.subject, self.of.tenant)).help(
                "sekisho users list shows them; whoever is in no directory is shut out by sekisho revoke --for-good",
            )
        })?;
        let sessions = tenant.sessions.of(&self.subject).count();
        let edits = standing::set(&tenant, &self.subject, entry, state, now());
        let action = match state {
            State::Active => "user-returned",
            State::Suspended => "user-suspended",
            State::Left => "user-left",
        };
        let edits = edits.map_err(|error| too_large(&error))?;
        let event = Event::new(action, &self.subject);
        store.make(&self.of.tenant, edits, &[event]).await?;
        if state == State::Active && standing::is_revoked_for_good(&tenant, &self.subject) {
            say("his tokens stay revoked for good: sekisho revoke --undo takes that back");
        }
        let ended = match (state, sessions) {
            (State::Active, _) | (_, 0) => String::new(),
            (_, 1) => ", and a session has ended".to_owned(),
            (_, sessions) => format!(", and {sessions} sessions have ended"),
        };
        print(&format!("{} is {}{ended}\n", printable(&self.subject), state.name()))?;
        Ok(Exit::Success)
    }
}
