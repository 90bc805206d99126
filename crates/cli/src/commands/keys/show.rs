//! `sekisho keys show`: what is known of the keys without their secrets.

use super::file;
use crate::commands::print;
use crate::exit::Exit;
use crate::report::Failure;
use std::fmt::Write as _;
use std::path::PathBuf;

/// List the keys: status, algorithm and kid; or print what the gateway publishes of them.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The file
    #[arg(value_name = "KEYS.json")]
    file: PathBuf,
    /// The public part, as a JWK Set
    #[arg(long)]
    jwks: bool,
}

impl Show {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let (_, keys) = file::read(&self.file)?;
        let mut text = String::new();
        if self.jwks {
            text = keys.published();
            text.push('\n');
        } else {
            for (id, algorithm, status) in keys.list() {
                // Writing to a String can't fail.
                let _ = writeln!(text, "{:<8} {:<6} {id}", status.name(), algorithm.name());
            }
        }
        print(&text)?;
        Ok(Exit::Success)
    }
}
