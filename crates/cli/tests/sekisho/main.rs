//! The program as its users run it: arguments in; output, files and exit codes out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions; these are the tests' helpers"
)]

mod audit;
mod check;
mod compile;
mod diff;
mod explain;
mod help;
mod keys;
mod people;
mod reload;
mod schema;
mod test;
mod token;
mod up;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The program, without what the developer's environment says about colours and logs.
fn sekisho() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.env_remove("NO_COLOR").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// What came of it.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Asserts the exit code and that standard error has these texts; no backtrace, ever.
    #[track_caller]
    fn failed(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in: {}", self.err);
        }
        assert!(!self.err.contains("panicked") && !self.err.contains("backtrace"), "{}", self.err);
    }

    #[track_caller]
    fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "stdout: {}\nstderr: {}", self.out, self.err);
        self.out
    }
}

fn run(arguments: &[&str]) -> Ran {
    Ran::of(&sekisho().args(arguments).output().unwrap())
}

fn run_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = sekisho()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let ran = Ran::of(&child.wait_with_output().unwrap());
    // A program that refuses its input early may close it.
    let _ = writer.join().unwrap();
    ran
}

/// A directory with a copy of the example policy, to be broken.
struct PolicyCopy(tempfile::TempDir);

impl PolicyCopy {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = sekisho::policy_dir::read(&root().join("policy")).unwrap();
        sekisho::policy_dir::write(directory.path(), &files).unwrap();
        Self(directory)
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(file), bytes).unwrap();
    }

    /// Replaces a text that must be there.
    #[track_caller]
    fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.0.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in {file}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }
}
