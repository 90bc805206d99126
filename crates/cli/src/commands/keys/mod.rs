//! `sekisho keys`: the gateway's own keys.

mod file;
mod new;
mod rotate;
mod session;
mod show;

use crate::exit::Exit;
use crate::report::Failure;
use clap::Subcommand;
use sekisho_core::token::own::OwnKeys;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  sekisho keys new keys.json              a current and a next key of each kind
  sekisho up --keys keys.json             sign with them; Spin: SPIN_VARIABLE_SEKISHO_KEYS
  sekisho keys rotate keys.json           the next keys become current, the current ones retired
  sekisho keys show keys.json             what each is there for; never a secret
  sekisho keys session keys.json --issuer https://gateway.example.jp --tenant acme --subject u-42

A rotation that nobody notices: rotate, and give the file to every gateway, in any order. Rotate again no
sooner than 10 minutes after every gateway has it, so that origins know the next key, and no sooner than
the longest session of the retired one has ended: it goes.";

/// The gateway's own keys, with which it signs assertions for origins and sessions.
///
/// A file of them is a secret: whoever has it can sign in as anybody. It stands in no policy.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Rotate(rotate::Rotate),
    Show(show::Show),
    Session(Box<session::Mint>),
}

/// The gateway's own keys in a file.
pub(in crate::commands) fn read(path: &Path) -> Result<OwnKeys, Failure> {
    file::read(path).map(|(_, keys)| keys)
}

impl Keys {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        match self.command {
            Command::New(new) => new.run(),
            Command::Rotate(rotate) => rotate.run(),
            Command::Show(show) => show.run(),
            Command::Session(mint) => mint.run(),
        }
    }
}
