//! `sekisho keys new`: a first set.

use super::file;
use crate::commands::print;
use crate::exit::Exit;
use crate::report::Failure;
use sekisho_core::token::own::Status;
use std::path::PathBuf;

/// Make a set: of each kind (EdDSA, which others can check, and HS256) a current key and the next.
///
/// The file may not be there already: a key that was overwritten can't be had back. It is readable
/// for you alone.
#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// Where to write it
    #[arg(value_name = "KEYS.json")]
    file: PathBuf,
}

impl New {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut keys = Vec::new();
        for algorithm in file::KINDS {
            for status in [Status::Current, Status::Next] {
                keys.push(file::key(algorithm, status)?);
            }
        }
        file::create(&self.file, &keys)?;
        print(&format!("{} is secret: give it to the gateway alone\n", self.file.display()))?;
        Ok(Exit::Success)
    }
}
