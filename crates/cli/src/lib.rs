//! The command line of Sekisho: run the gateway, ask it, and prepare what it needs.
//!
//! | place | what |
//! | --- | --- |
//! | [`args`] | what can be written on the command line |
//! | [`commands`] | one module a command |
//! | [`policy_dir`] | a policy directory as the values that core compiles |
//! | [`policy_test`] | the cases beside a policy, and what they cover |
//! | [`policy_diff`] | what changed between two policies, in words |
//! | [`replay`] | recorded requests under two policies |
//! | [`test_key`] | a throw-away key that stands in for a policy's issuers |
//! | [`snapshot`] | a checked copy of it, which no edit reaches |
//! | [`store`] | the state, as commands reach it |
//! | [`gateway`] | a manifest, a snapshot and listeners: a running gateway |
//! | [`audit`] | the audit trail that it writes, and its backups |
//! | `own` | the gateway's own keys, as they are given to it |
//! | [`component`] | building the gateway's WebAssembly |
//! | [`telemetry`] | metrics and traces of a running gateway |
//! | [`report`] | how mistakes are shown |
//! | [`exit`] | what the exit code says |

pub mod args;
pub mod audit;
pub mod commands;
pub mod component;
pub mod exit;
pub mod gateway;
pub mod input;
pub mod outbound;
mod own;
pub mod policy_diff;
pub mod policy_dir;
pub mod policy_test;
pub mod replay;
pub mod report;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod test_key;
pub mod text;

use clap::{CommandFactory as _, FromArgMatches as _};
use exit::Exit;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments, the first of which is its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let color = args::color_of(&arguments);
    let command = args::Args::command().color(color.into());
    let parsed = command
        .try_get_matches_from(arguments)
        .and_then(|matches| args::Args::from_arg_matches(&matches));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => {
            // A closed standard error leaves nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Invalid.into() } else { Exit::Success.into() };
        }
    };
    let style = report::Style::of(color);
    report::log(style);
    match commands::run(args.command, style) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.show(style);
            failure.exit().into()
        }
    }
}
