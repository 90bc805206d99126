//! From a file's text to its type, with every fault of form.
//!
//! 1. Syntax: the TOML reader goes on after an error, so a file shows one fault for each line that
//!    has one. Such a file is read no further: what it was meant to say would be a guess.
//! 2. Keys and types: serde stops at its first error. What that error points at is mended (an
//!    unknown key renamed to its nearest known one or cut out, a wrong value cut out, a missing key
//!    filled in) and the file is read again, until nothing is wrong or [`MAX_FLAWS`] are found.
//!
//! A mended file is good for one thing: finding what else is wrong in it.

use super::mend::{Mender, is_filler};
use super::suggest::{nearest, quoted, suggestion};
use crate::policy::fault::MAX_FAULTS;
use crate::policy::{Fault, Severity};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::de::{DeTable, Deserializer, Error};

/// The most faults of form that are looked for in one file.
const MAX_FLAWS: usize = MAX_FAULTS;

/// How often a file is read to find them: some need several tries at a filler.
const MAX_READINGS: usize = 4 * MAX_FLAWS;

/// A fault of form.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) code: &'static str,
    pub(super) span: Option<Range<usize>>,
    pub(super) message: String,
    pub(super) help: String,
}

impl Flaw {
    pub(super) fn of(self, file: &str) -> Fault {
        let Self { code, span, message, help } = self;
        Fault { code, severity: Severity::Error, file: file.to_owned(), span, message, help }
    }
}

/// Reads a file. With flaws, the value is that of the mended file, if it could be mended.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Flaw>) {
    // A sound file is read once, without the copies that mending needs.
    if let Ok(value) = toml::from_str(text) {
        return (Some(value), Vec::new());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return (None, syntax(text, &errors));
    }
    let mut mender = Mender::new(table);
    let mut flaws = Vec::new();
    for _ in 0..MAX_READINGS {
        let error = match T::deserialize(Deserializer::from(mender.table().clone())) {
            Ok(value) => return (Some(value), flaws),
            Err(error) => error,
        };
        if flaws.len() == MAX_FLAWS {
            break;
        }
        let told = flaws.len();
        if !mend(&mut mender, &error, &mut flaws) {
            if flaws.len() == told {
                flaws.push(invalid(&error));
            }
            return (None, flaws);
        }
    }
    flaws.push(Flaw {
        code: "faults-too-many",
        span: None,
        message: format!("the file has more than the {} faults that are shown", flaws.len()),
        help: "mend these and check again".into(),
    });
    (None, flaws)
}

/// One flaw a line: what follows on the same line is mostly the same slip.
fn syntax(text: &str, errors: &[Error]) -> Vec<Flaw> {
    let line = |error: &Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        text.bytes().take(start).filter(|byte| *byte == b'\n').count()
    };
    let mut lines = BTreeSet::new();
    errors
        .iter()
        .filter(|error| lines.insert(line(error)))
        .take(MAX_FLAWS)
        .map(|error| {
            let message = error.message().to_owned();
            let help = match message.as_str() {
                "duplicate key" => "a table or key stands once: keep one of them".into(),
                other => suggestion(other),
            };
            Flaw { code: "toml-invalid", span: error.span(), message, help }
        })
        .collect()
}

/// Tells of the error, unless an earlier mending caused it, and mends what it points at; false if
/// that can't be done.
fn mend(mender: &mut Mender<'_>, error: &Error, flaws: &mut Vec<Flaw>) -> bool {
    let Some(span) = error.span() else { return false };
    let message = error.message();
    let mut names = quoted(message);
    if is_filler(&span) {
        return mender.refill(&span, message);
    }
    if message.starts_with("unknown field") {
        let unknown = names.next().unwrap_or_default();
        flaws.push(Flaw {
            code: "key-unknown",
            span: Some(span.clone()),
            message: format!("there is no key {unknown:?} here"),
            help: suggestion(message),
        });
        return mender.rename_or_cut(&span, nearest(unknown, names));
    }
    if message.starts_with("missing field") {
        let key = names.next().unwrap_or_default();
        if !mender.has_cut(&span, key) {
            flaws.push(Flaw {
                code: "key-missing",
                // The top of a file has no header to point at.
                span: (!span.is_empty()).then(|| span.clone()),
                message: format!("the key {key:?} is missing"),
                help: format!("write {key} = ... here; sekisho schema says what it may be"),
            });
        }
        return mender.fill(&span, key);
    }
    if !mender.is_guess(&span) {
        flaws.push(invalid(error));
    }
    mender.cut(&span)
}

fn invalid(error: &Error) -> Flaw {
    let message = error.message().to_owned();
    let help = suggestion(&message);
    Flaw { code: "value-invalid", span: error.span(), message, help }
}
