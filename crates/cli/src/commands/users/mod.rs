//! `sekisho users`: the directory of a tenant.

mod export;
mod import;
mod list;
mod standing;

use super::block_on;
use crate::exit::Exit;
use crate::report::{Failure, Style};
use clap::Subcommand;

const EXAMPLES: &str = "\
Examples:
  sekisho users import staff.csv --tenant acme --dry-run    what would change, and nothing does
  sekisho users import staff.csv --tenant acme --complete   whoever is not in the file has left
  sekisho users leave u-42 --tenant acme                    out at once, on open streams too
  sekisho users list --tenant acme --standing suspended
  sekisho users export --tenant acme -o staff.csv

A file's first line names its columns, in English or Japanese: user_id (ユーザーID), email (メールアドレス), name
(氏名), roles (ロール), groups (グループ), state (状態). Several roles or groups are written a;b. It is UTF-8 or
Shift_JIS. What has no column stays as it is.";

/// The users of a tenant: who may come, and with which roles and groups.
///
/// What is changed holds at every gateway from the next request on, and on open streams within two seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Users {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Import),
    Export(export::Export),
    List(list::List),
    /// Let nobody in under this name until `users return`; his sessions end and his tokens are taken back
    Suspend(standing::User),
    /// The user has left: his sessions end, his tokens are taken back, and no new one is good
    Leave(standing::User),
    /// Let the user in again, with tokens that are issued from now on
    Return(standing::User),
}

impl Users {
    /// Runs the command.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        use sekisho_core::directory::State;
        block_on(async {
            match self.command {
                Command::Import(import) => import.run(style).await,
                Command::Export(export) => export.run().await,
                Command::List(list) => list.run().await,
                Command::Suspend(user) => user.becomes(State::Suspended).await,
                Command::Leave(user) => user.becomes(State::Left).await,
                Command::Return(user) => user.becomes(State::Active).await,
            }
        })
    }
}
