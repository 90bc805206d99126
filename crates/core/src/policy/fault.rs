//! A mistake in the policy: where it stands and what to do about it.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

/// The most faults with a place that are told of one file: a report shows the lines of each, and a
/// list of 100,000 blocks that lost their prefix lengths has as many.
pub const MAX_FAULTS: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// There is no policy with it.
    Error,
    /// There is one, and someone should look at it.
    Warning,
}

/// One mistake. `load` collects them all, so that one run shows them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A stable code, kebab-case.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
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
    /// Line and column of the place in this text, both from 1, the column in characters.
    pub fn position(&self, text: &str) -> Option<(usize, usize)> {
        position(text, self.span.as_ref()?.start)
    }

    /// Line and column behind the place's last character, counted as in [`Fault::position`].
    pub fn end(&self, text: &str) -> Option<(usize, usize)> {
        position(text, self.span.as_ref()?.end)
    }

    /// By file; in a file by place, what is about the whole file first.
    fn by_place(&self, other: &Self) -> Ordering {
        let key = |fault: &Self| fault.span.as_ref().map(|span| (span.start, span.end));
        (&self.file, key(self), self.code).cmp(&(&other.file, key(other), other.code))
    }
}

/// The faults in the order in which they are told, of each file those that come first.
pub(super) fn told(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by(Fault::by_place);
    let mut told: Vec<Fault> = Vec::new();
    let mut placed = 0;
    for fault in faults {
        if told.last().is_none_or(|last| last.file != fault.file) {
            placed = 0;
        }
        placed += usize::from(fault.span.is_some());
        match placed.cmp(&(MAX_FAULTS + 1)) {
            Ordering::Less => told.push(fault),
            Ordering::Equal => told.push(Fault {
                code: "faults-too-many",
                span: None,
                message: format!("the file has more than the {MAX_FAULTS} faults that are shown"),
                help: "mend these and check again".into(),
                ..fault
            }),
            Ordering::Greater => {}
        }
    }
    told.sort_by(Fault::by_place);
    told
}

fn position(text: &str, at: usize) -> Option<(usize, usize)> {
    let before = text.get(..at.min(text.len()))?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some((line, column))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]; {}", self.file, self.message, self.code, self.help)
    }
}
