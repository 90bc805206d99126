//! `sekisho check`: every mistake of a policy, with line and remedy.

use crate::exit::Exit;
use crate::policy_dir;
use crate::report::{Failure, Style, warn};
use sekisho_core::policy::{self, Checked, Fault, Files, Severity};
use serde::Serialize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  sekisho check policy
  sekisho check --deny-warnings policy
  sekisho check policy.sekisho            a compiled policy, down to its last byte
  sekisho check --json policy | jq -r '.[] | \"\\(.file):\\(.line): \\(.message)\"'

With --json, an array by file and place, empty if nothing is wrong, of
  {\"code\": \"key-unknown\", \"severity\": \"error\" or \"warning\", \"file\": \"gateway.toml\",
   \"line\": 3, \"column\": 1, \"end_line\": 3, \"end_column\": 7, \"message\": ..., \"help\": ...}
Lines and columns count from 1, columns in characters; the end is behind the last character. The
four are null where a fault is about a whole file.

Exit codes: 0 the policy is sound, 2 it is not, or --deny-warnings and there are warnings.";

/// Find every mistake in a policy.
///
/// Reads gateway.toml, tenants/*.toml and keys/*.json, as the gateway does when it starts, and
/// shows each mistake with its place and what to do about it. Of a sound policy it shows what is
/// dangerous in it: docs/lints.md has the list.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The policy: a directory, or a compiled file
    #[arg(value_name = "DIR|FILE")]
    directory: PathBuf,
    /// Print the mistakes as one JSON array, empty if there is none
    #[arg(long)]
    json: bool,
    /// Take a policy with warnings for one that is not sound
    #[arg(long)]
    deny_warnings: bool,
}

/// A mistake for programs.
#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    severity: &'static str,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    message: &'a str,
    help: &'a str,
}

impl Check {
    /// Checks the policy.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        let files = policy_dir::read(&self.directory)?;
        let Checked { policy, faults } = policy::check(&files);
        let policy = policy.filter(|_| !self.deny_warnings || faults.is_empty());
        if self.json {
            super::print(&json(&files, &faults)?)?;
            return Ok(if policy.is_some() { Exit::Success } else { Exit::Invalid });
        }
        let Some(policy) = policy else {
            return Err(Failure::policy(&self.directory, &files, &faults));
        };
        warn(&self.directory, &files, &faults, style);
        let warnings = match faults.len() {
            0 => String::new(),
            number => format!("{}, ", count(number, "warning")),
        };
        super::print(&format!(
            "policy {} is sound: {}, {}, {}, {warnings}digest {}\n",
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
            let (end_line, end_column) = text.and_then(|text| fault.end(text)).unzip();
            let Fault { code, file, message, help, .. } = fault;
            let severity = match fault.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            Entry { code, severity, file, line, column, end_line, end_column, message, help }
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
