//! `sekisho check`: every mistake of a policy, with line and remedy.

use crate::exit::Exit;
use crate::policy_dir;
use crate::report::Failure;
use sekisho_core::policy::{self, Fault, Files};
use serde::Serialize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  sekisho check policy
  sekisho check policy.sekisho            a compiled policy, down to its last byte
  sekisho check --json policy | jq -r '.[] | \"\\(.file):\\(.line): \\(.message)\"'

Exit codes: 0 the policy is sound, 2 it is not.";

/// Find every mistake in a policy.
///
/// Reads gateway.toml, tenants/*.toml and keys/*.json, as the gateway does when it starts, and
/// shows each mistake with its place and what to do about it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The policy: a directory, or a compiled file
    #[arg(value_name = "DIR|FILE")]
    directory: PathBuf,
    /// Print the mistakes as one JSON array, empty if there is none
    #[arg(long)]
    json: bool,
}

/// A mistake for programs.
#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
    help: &'a str,
}

impl Check {
    /// Checks the policy.
    pub fn run(self) -> Result<Exit, Failure> {
        let files = policy_dir::read(&self.directory)?;
        let checked = policy::load(&files);
        if self.json {
            let faults = checked.as_ref().err().map(Vec::as_slice).unwrap_or_default();
            super::print(&json(&files, faults)?)?;
            return Ok(if checked.is_ok() { Exit::Success } else { Exit::Invalid });
        }
        let policy = checked.map_err(|faults| Failure::policy(&self.directory, &files, &faults))?;
        super::print(&format!(
            "policy {} is sound: {}, {}, {}, digest {}\n",
            self.directory.display(),
            count(policy.tenants().len(), "tenant"),
            count(policy.routes().len(), "route"),
            count(policy.origins().count(), "origin"),
            policy.digest(),
        ))?;
        Ok(Exit::Success)
    }
}

fn json(files: &Files, faults: &[Fault]) -> Result<String, Failure> {
    let entries: Vec<Entry<'_>> = faults
        .iter()
        .map(|fault| {
            let text = files.get(&fault.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let (line, column) = text.and_then(|text| fault.position(text)).unzip();
            let Fault { code, file, message, help, .. } = fault;
            Entry { code, file, line, column, message, help }
        })
        .collect();
    let mut json = serde_json::to_string_pretty(&entries)
        .map_err(|error| Failure::fault(format!("cannot write JSON: {error}")))?;
    json.push('\n');
    Ok(json)
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
