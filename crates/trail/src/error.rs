//! Why something was not done.

use std::io;
use std::path::{Path, PathBuf};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another program writes this trail.
    #[error("the audit trail {0} is written by another program")]
    Locked(PathBuf),
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {why}")]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A position is of another trail, or what was there was moved away.
    #[error("the audit trail has no such position")]
    Elsewhere,
}

/// What came of it.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What turns an error of the system's into one of these.
    pub(crate) fn of<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Self + 'a {
        move |source| Self::System { what, path: path.to_owned(), source }
    }

    #[cfg(unix)]
    pub(crate) fn unsound(path: &Path, why: impl Into<String>) -> Self {
        Self::Unsound { path: path.to_owned(), why: why.into() }
    }
}
