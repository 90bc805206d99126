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
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes that are read at a time.
const CHUNK: usize = 256 * 1024;
/// How many lines are read to learn when a file begins.
const LOOKED_AT: usize = 100;
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
        if is_too_late(&path, query)? {
            continue;
        }
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

/// The files that may have records from the query's beginning on. A record may stand in the file of the day before, where
/// no new file could be made at midnight.
fn within(directory: &Path, query: &Query) -> Result<Vec<(FileName, PathBuf)>> {
    let since = query.since.map(|since| since.to_zoned(TimeZone::UTC).date());
    let mut files = directory::files(directory)?;
    files.retain(|(name, _)| {
        since.is_none_or(|since| name.day.tomorrow().is_ok_and(|day| day >= since))
    });
    Ok(files)
}

/// Whether a file begins so long after the query's end that none of its records fits: by the first that the gateway has
/// printed. What the trail says itself is of when it was written, which for a log that was piped in later is long after.
fn is_too_late(path: &Path, query: &Query) -> Result<bool> {
    let Some(end) = query.until.and_then(|until| until.checked_add(LATE).ok()) else {
        return Ok(false);
    };
    let mut lines = Lines::open(path)?;
    for _ in 0..LOOKED_AT {
        let Some(line) = lines.next()? else { break };
        let record = Record::of(line.bytes).unwrap_or_default();
        let is_own = record.event.as_deref().is_some_and(|event| OWN.contains(&event));
        if let Some(time) = record.time().filter(|_| !is_own && record.component.is_none()) {
            return Ok(time > end);
        }
    }
    Ok(false)
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
