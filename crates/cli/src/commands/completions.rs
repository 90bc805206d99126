//! `sekisho completions`: a script for a shell.

use crate::args::Args;
use crate::exit::Exit;
use crate::report::Failure;
use clap::CommandFactory as _;
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  sekisho completions bash > ~/.local/share/bash-completion/completions/sekisho
  sekisho completions zsh > \"${fpath[1]}/_sekisho\"
  sekisho completions fish > ~/.config/fish/completions/sekisho.fish";

/// Write a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Writes the script to standard output.
    pub fn run(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "sekisho", &mut script);
        super::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Success)
    }
}
