//! Reading a trail, also while it is written.

mod backward;
mod follow;
mod lines;
mod newest;
mod query;

pub use follow::Follower;
pub use lines::{LONGEST_LINE, Line, Lines};
pub use newest::{Bounds, NoPosition, Page, Position, newest};
pub use query::{Query, REQUEST, Record};

use crate::directory::{self, FileName};
use crate::error::{Error, Result};
use crate::event::OWN;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes that are read at a time.
const CHUNK: usize = 256 * 1024;
/// How much later than its request's time a record may be written.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// What reading came across.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Records that fit.
    pub found: u64,
    /// Lines that are no records; verification says which.
    pub unreadable: u64,
}

/// Calls `take` for each record that fits, in order, with its line. `take` says whether it wants more.
///
/// Records are in the order in which they were written; `time` of a request is when it arrived.
pub fn records(
    directory: &Path,
    query: &Query,
    mut take: impl FnMut(&[u8], &Record<'_>) -> bool,
) -> Result<Seen> {
    let mut seen = Seen::default();
    let matcher = query.matcher();
    for (_, path) in within(directory, query)? {
        let mut lines = Lines::open(&path)?;
        while let Some(line) = lines.next()? {
            match matcher.judge(line.bytes, line.ended) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    seen.found += 1;
                    if !take(line.bytes, &record) {
                        return Ok(seen);
                    }
                }
                Err(_) => seen.unreadable += 1,
            }
        }
    }
    Ok(seen)
}

/// The files that may have records of the query's time. A file's name is no earlier than its records; that it may be
/// later, where a clock was wrong, is why its first record says whether it is too late.
fn within(directory: &Path, query: &Query) -> Result<Vec<(FileName, PathBuf)>> {
    let since = query.since.map(|since| since.to_zoned(TimeZone::UTC).date());
    let until = query.until.and_then(|until| until.checked_add(LATE).ok());
    let mut files = Vec::new();
    for (name, path) in directory::files(directory)? {
        if since.is_some_and(|since| name.day < since) {
            continue;
        }
        let begins = match until {
            Some(_) => first_time(&path)?,
            None => None,
        };
        if begins.zip(until).is_none_or(|(begins, until)| begins <= until) {
            files.push((name, path));
        }
    }
    Ok(files)
}

/// The time of the first record that somebody else than the trail has printed: what the trail says itself is of when it was
/// written, which for a log that was piped in later is long after.
fn first_time(path: &Path) -> Result<Option<Timestamp>> {
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        let record = Record::of(line.bytes).unwrap_or_default();
        let is_own = record.event.as_deref().is_some_and(|event| OWN.contains(&event));
        if !is_own && record.time().is_some() {
            return Ok(record.time());
        }
    }
    Ok(None)
}

/// Opens a file of the trail.
fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(Error::of("open", path))
}

/// Files from this one on.
fn from(directory: &Path, first: Option<FileName>) -> Result<Vec<(FileName, PathBuf)>> {
    let mut files = directory::files(directory)?;
    files.retain(|(name, _)| first.is_none_or(|first| *name >= first));
    Ok(files)
}
