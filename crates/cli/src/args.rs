//! What can be written on the command line.

use crate::commands::assistants::Assistants;
use crate::commands::audit::Audit;
use crate::commands::check::Check;
use crate::commands::compile::Compile;
use crate::commands::completions::Completions;
use crate::commands::demo::Demo;
use crate::commands::diff::Diff;
use crate::commands::explain::Explain;
use crate::commands::keys::Keys;
use crate::commands::networks::Networks;
use crate::commands::revoke::Revoke;
use crate::commands::schema::Schema;
use crate::commands::sessions::Sessions;
use crate::commands::test::Test;
use crate::commands::token::Token;
use crate::commands::up::Up;
use crate::commands::users::Users;
use clap::{ColorChoice, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  sekisho demo                        everything on this machine, with commands to paste
  sekisho check policy                every mistake of a policy, with line and remedy
  sekisho compile policy              the policy as the one file that is deployed
  sekisho up --build                  build the gateway and run it on https://127.0.0.1:3443
  sekisho explain --policy policy request.json
                                      why a request is permitted or denied
  sekisho test policy                 the cases beside a policy, before it is deployed
  sekisho diff old new                what a change of policy opens and closes
  sekisho users leave u-42 --tenant acme
                                      out at once, on open streams too
  sekisho audit report --since 2h     who was affected, since when

Exit codes:
  0  done; for explain, permitted
  1  a fault of this program or of the machine
  2  wrong arguments, a wrong file or policy, or an address that is taken
  3  denied; for test, a case fails; for diff, a recorded request gets another verdict; for audit verify, the
     trail was tampered with

Every command explains itself: sekisho help <command>";

/// The checkpoint in front of your AI services: a multi-tenant edge gateway.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Args {
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help = "When to use colours; NO_COLOR in the environment is honoured"
    )]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Also into a file or pipe
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "each command's own type says what it does, here and to clap")]
pub enum Command {
    Up(Up),
    Demo(Demo),
    Check(Check),
    Schema(Schema),
    Compile(Compile),
    Explain(Explain),
    Test(Test),
    Diff(Diff),
    Token(Token),
    Keys(Keys),
    Users(Users),
    Sessions(Sessions),
    Revoke(Revoke),
    Assistants(Assistants),
    Networks(Networks),
    Audit(Audit),
    Completions(Completions),
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// The colour choice of a command line that may not be well-formed, so that the message that says
/// so has the right colours too.
pub fn color_of(arguments: &[OsString]) -> Color {
    let mut chosen = Color::default();
    let mut words = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None if word == "--" => break,
            None => None,
        };
        if let Some(Ok(color)) = value.map(|value| Color::from_str(value, false)) {
            chosen = color;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn colour_is_found_before_parsing() {
        for (arguments, want) in [
            (&["sekisho", "check"][..], Color::Auto),
            (&["sekisho", "--color", "never", "check"], Color::Never),
            (&["sekisho", "check", "--color=always"], Color::Always),
            (&["sekisho", "--color", "sometimes"], Color::Auto),
            (&["sekisho", "--", "--color=never"], Color::Auto),
            (&["sekisho", "--color"], Color::Auto),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(color_of(&arguments), want, "{arguments:?}");
        }
    }
}
