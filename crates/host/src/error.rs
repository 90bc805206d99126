//! Errors an operator reads.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a manifest, a configuration or a start failed: one sentence that names the place, and a remedy.
///
/// [`HostError::place`] carries what a diagnostic printer needs to point into the file.
#[derive(Debug, Clone)]
pub struct HostError {
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where in the manifest, if it is the manifest that is wrong.
    pub place: Option<Place>,
    /// It is that another process has the file.
    in_use: bool,
}

/// A position in a source file.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The file's whole text.
    pub text: Arc<str>,
    /// Byte range in `text`.
    pub span: Option<Range<usize>>,
}

impl Place {
    /// The 1-based line the span starts on.
    pub fn line(&self) -> Option<usize> {
        let start = self.span.as_ref()?.start;
        let before = self.text.as_bytes().get(..start)?;
        Some(before.split(|byte| *byte == b'\n').count())
    }
}

impl HostError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, place: None, in_use: false }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn in_use(mut self) -> Self {
        self.in_use = true;
        self
    }

    pub(crate) fn is_in_use(&self) -> bool {
        self.in_use
    }

    pub(crate) fn at(mut self, file: &Path, text: &Arc<str>, span: Option<Range<usize>>) -> Self {
        self.place = Some(Place { file: file.to_owned(), text: Arc::clone(text), span });
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}", place.file.display())?;
            if let Some(line) = place.line() {
                write!(f, ":{line}")?;
            }
            write!(f, ": ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, ". {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for HostError {}
