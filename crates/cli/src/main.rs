//! The `sekisho` program; everything is in the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    sekisho::run(std::env::args_os())
}
