//! A mistake in the policy: where it stands and what to do about it.

use std::fmt;
use std::ops::Range;

/// One mistake. `load` collects them all, so that one run shows them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable code, kebab-case.
    pub code: &'static str,
    /// The file, relative to the policy directory.
    pub file: String,
    /// The place in the file, in bytes; `None` for the whole file.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Fault {
    /// Line and column, from 1, of the place in this text.
    pub fn position(&self, text: &str) -> Option<(usize, usize)> {
        let start = self.span.as_ref()?.start.min(text.len());
        let before = text.get(..start)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some((line, column))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]; {}", self.file, self.message, self.code, self.help)
    }
}
