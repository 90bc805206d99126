//! `sekisho users list`.

use crate::commands::of::Of;
use crate::commands::{print, print_json};
use crate::exit::Exit;
use crate::report::Failure;
use crate::text::printable;
use clap::ValueEnum;
use sekisho_core::directory::State;
use serde_json::json;

/// Show the users, a line each
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    of: Of,
    /// Only those who stand so
    #[arg(long)]
    standing: Option<Which>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Active,
    Suspended,
    Left,
}

impl List {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let (_, store) = self.of.open().await?;
        let tenant = self.of.users(&store).await?;
        let wanted = self.standing.map(|standing| match standing {
            Which::Active => State::Active,
            Which::Suspended => State::Suspended,
            Which::Left => State::Left,
        });
        for (subject, entry) in tenant.roster.iter() {
            let user = &entry.user;
            if wanted.is_some_and(|wanted| wanted != user.state) {
                continue;
            }
            if self.json {
                print_json(&json!({
                    "user_id": subject, "state": user.state, "email": user.email, "name": user.name,
                    "roles": user.roles, "groups": user.groups, "since": user.since,
                    "sessions": tenant.sessions.of(subject).count(),
                }))?;
                continue;
            }
            let line = format!(
                "{subject}\t{}\t{}\t{}\t{}\t{}\n",
                user.state.name(),
                user.email.as_deref().unwrap_or("-"),
                user.name.as_deref().unwrap_or("-"),
                listed(&user.roles),
                listed(&user.groups),
            );
            print(&printable(&line))?;
        }
        Ok(Exit::Success)
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(";") }
}
