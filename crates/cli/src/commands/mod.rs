//! One module a command.

pub mod assistants;
pub mod audit;
pub mod check;
pub mod compile;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod explain;
pub mod keys;
pub mod networks;
mod of;
mod principal;
pub mod revoke;
pub mod schema;
pub mod sessions;
pub mod test;
pub mod token;
pub mod up;
pub mod users;

use crate::args::Command;
use crate::exit::Exit;
use crate::report::{Failure, Style};
use serde::Serialize;
use std::io::{self, Write as _};

/// Runs a command.
pub fn run(command: Command, style: Style) -> Result<Exit, Failure> {
    match command {
        Command::Up(up) => up.run(style),
        Command::Demo(demo) => demo.run(style),
        Command::Check(check) => check.run(style),
        Command::Schema(schema) => schema.run(),
        Command::Compile(compile) => compile.run(),
        Command::Explain(explain) => explain.run(style),
        Command::Test(test) => test.run(style),
        Command::Diff(diff) => diff.run(style),
        Command::Token(token) => token.run(),
        Command::Keys(keys) => keys.run(),
        Command::Users(users) => users.run(style),
        Command::Sessions(sessions) => sessions.run(),
        Command::Revoke(revoke) => revoke.run(),
        Command::Assistants(assistants) => assistants.run(style),
        Command::Networks(networks) => networks.run(),
        Command::Audit(audit) => audit.run(style),
        Command::Completions(completions) => completions.run(),
    }
}

/// Writes to standard output. A reader that has seen enough and closed it is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::fault(format!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes one line of JSON to standard output.
fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(value)
        .map_err(|error| Failure::fault(format!("cannot write JSON: {error}")))?;
    print(&format!("{json}\n"))
}

/// Runs what serves to its end. Work that it left behind, such as a compilation that a signal
/// interrupted, does not hold up the program's end.
fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::fault(format!("cannot start the threads that serve: {error}")))?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}
