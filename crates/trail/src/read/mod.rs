//! Reading a trail, also while it is written.

mod follow;
mod lines;
mod query;

pub use follow::Follower;
pub use lines::{LONGEST_LINE, Line, Lines};
pub use query::{Query, REQUEST, Record};

use crate::directory::{self, FileName};
use crate::error::{Error, Result};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

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
    for path in within(directory, query)? {
        let mut lines = Lines::open(&path)?;
        while let Some(line) = lines.next()? {
            match matcher.judge(&line) {
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

/// The last so many records that fit, in order: their lines.
pub fn last(directory: &Path, query: &Query, count: usize) -> Result<VecDeque<Vec<u8>>> {
    let mut all: VecDeque<Vec<u8>> = VecDeque::new();
    let matcher = query.matcher();
    for path in within(directory, query)?.into_iter().rev() {
        let wanted = count - all.len();
        if wanted == 0 {
            break;
        }
        let mut these = VecDeque::new();
        let mut lines = Lines::open(&path)?;
        while let Some(line) = lines.next()? {
            if let Ok(Some(_)) = matcher.judge(&line) {
                if these.len() == wanted {
                    these.pop_front();
                }
                these.push_back(line.bytes.to_vec());
            }
        }
        these.append(&mut all);
        all = these;
    }
    Ok(all)
}

/// The files that may have records of the query's time. A file's name is no earlier than its records; that it may be
/// later, where a clock was wrong, is why its first record says whether it is too late.
fn within(directory: &Path, query: &Query) -> Result<Vec<PathBuf>> {
    let since = query.since.map(|since| since.to_zoned(TimeZone::UTC).date());
    let until = query.until.and_then(|until| until.checked_add(LATE).ok());
    let mut paths = Vec::new();
    for (name, path) in directory::files(directory)? {
        if since.is_some_and(|since| name.day < since) {
            continue;
        }
        let begins = match until {
            Some(_) => first_time(&path)?,
            None => None,
        };
        if begins.zip(until).is_none_or(|(begins, until)| begins <= until) {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn first_time(path: &Path) -> Result<Option<Timestamp>> {
    let mut lines = Lines::open(path)?;
    let first = lines.next()?;
    Ok(first.and_then(|line| Record::of(line.bytes).ok()?.time()))
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
