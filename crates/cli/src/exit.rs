//! What the exit code says to a script.

use std::process::ExitCode;

/// How a command ended. Deny is not failure: a script must be able to tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; for `explain`, permitted.
    Success,
    /// 1: a fault of this program or of the machine it runs on.
    Fault,
    /// 2: the command line, a file, the policy or the place to listen is wrong.
    Invalid,
    /// 3: denied; for `test`, a case fails; for `diff`, a recorded request gets another verdict; for
    /// `audit verify`, the trail was tampered with.
    Deny,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Fault => 1,
            Exit::Invalid => 2,
            Exit::Deny => 3,
        })
    }
}
