//! `sekisho audit`: the record of what the gateway decided.

mod backup;
mod filter;
mod report;
mod show;
mod table;
mod verify;
mod when;
mod write;

use crate::component;
use crate::exit::Exit;
use crate::gateway;
use crate::report::{Failure, Style, say};
use clap::Subcommand;
use sekisho_host::Manifest;
use sekisho_trail::read::Seen;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  sekisho audit show --since 2h --tenant acme --decision deny
  sekisho audit show --follow                          what happens now
  sekisho audit report --since 2026-11-20 --origin assistant
                                                       who was affected, since when
  sekisho audit verify --keys public.json              whether anybody edited it; 3 if so
  sekisho audit backup --to /mnt/other/audit           sekisho up --audit-backup does it daily
  sekisho audit restore /mnt/other/audit/2026-11-28T00-00-12.000000Z .sekisho/audit

People are shown JST, or another zone by --tz; inside everything is UTC.";

/// The audit trail: show, verify, report, back up, restore.
///
/// `sekisho up` writes it: one record for each decision, chained to the one before it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Show),
    Report(report::Report),
    Verify(verify::Verify),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Write(write::Write),
}

impl Audit {
    /// Runs the command.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        match self.command {
            Command::Show(show) => show.run(style),
            Command::Report(report) => report.run(style),
            Command::Verify(verify) => verify.run(style),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Write(write) => write.run(),
        }
    }
}

/// The trail that is meant: this one, or that of the nearest manifest.
fn directory(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let directory = match given {
        Some(directory) => directory,
        None => gateway::audit_directory(&Manifest::load(&component::nearest_manifest()?)?),
    };
    if sekisho_trail::directory::files(&directory)?.is_empty() {
        return Err(Failure::invalid(format!("{} has no audit trail", directory.display())).help(
            "sekisho up writes one, in .sekisho/audit beside the manifest or where --audit says",
        ));
    }
    Ok(directory)
}

/// What is no record is told, so that nobody takes what was found for all.
fn tell_of_unreadable(seen: Seen) {
    if seen.unreadable > 0 {
        let count = seen.unreadable;
        say(format_args!("{count} lines are no records: sekisho audit verify says which"));
    }
}
