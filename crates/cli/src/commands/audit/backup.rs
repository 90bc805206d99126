//! `sekisho audit backup` and `restore`.

use crate::commands::print;
use crate::exit::Exit;
use crate::report::Failure;
use jiff::Timestamp;
use sekisho_trail::backup;
use std::path::PathBuf;

/// Copy the trail into a new generation; of complete ones, two are kept.
///
/// Works while the gateway writes. The copy is verified: one whose chain does not hold is kept, and does not push out
/// the newest one that holds.
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The trail; if not given, .sekisho/audit beside the nearest spin.toml
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Where the generations are
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let directory = super::directory(self.directory)?;
        let made = backup::backup(&directory, &self.to, Timestamp::now())?;
        let path = made.generation.path.display();
        if !made.generation.sound {
            return Err(Failure::invalid(format!(
                "{path} is complete, but its chain does not hold"
            ))
            .help(format!(
                "sekisho audit verify {path} says where; the newest that holds is kept"
            )));
        }
        let records = made.findings.records;
        print(&format!("{path}: {records} records; the chain holds\n"))?;
        Ok(Exit::Success)
    }
}

/// Bring a generation back into a directory that is empty or not there.
///
/// Every file is held to the manifest, and the chain is verified, before the directory appears. A gateway goes on
/// with it; what was recorded after the backup is not in it.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The generation, a directory that `sekisho audit backup` made
    #[arg(value_name = "GENERATION")]
    generation: PathBuf,
    /// Where the trail will be
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Restore {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let findings = backup::restore(&self.generation, &self.directory)?;
        let (directory, records) = (self.directory.display(), findings.records);
        print(&format!("{directory}: {records} records; the chain holds\n"))?;
        Ok(Exit::Success)
    }
}
