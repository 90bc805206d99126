//! The newest records, page by page.

use super::backward::Backward;
use super::{Lines, Query, Record, is_too_late, within};
use crate::directory::{self, FileName};
use crate::error::{Error, Result};
use crate::link::Link;
use jiff::Timestamp;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The digits of a chain's identifier that a position has.
const DIGITS: usize = 8;
/// Which part of what may be looked at may be kept.
const KEPT: u64 = 8;

/// Where a page ended: the record that was looked at last. Its text is opaque to whoever keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The beginning of its chain's identifier: another trail has no such record.
    chain: String,
    file: FileName,
    /// Where in the file it begins.
    byte: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileName { day, number } = self.file;
        write!(f, "{}.{day}.{number}.{}", self.chain, self.byte)
    }
}

/// Why a text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no position in an audit trail")]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> std::result::Result<Self, NoPosition> {
        let parts: Vec<&str> = text.split('.').collect();
        let [chain, day, number, byte] = *parts.as_slice() else { return Err(NoPosition) };
        let position = Self {
            chain: chain.to_owned(),
            file: FileName {
                day: day.parse().map_err(|_| NoPosition)?,
                number: number.parse().map_err(|_| NoPosition)?,
            },
            byte: byte.parse().map_err(|_| NoPosition)?,
        };
        let is_spelled_so = chain.len() == DIGITS && position.to_string() == text;
        is_spelled_so.then_some(position).ok_or(NoPosition)
    }
}

/// How much of a trail one page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most records.
    pub records: usize,
    /// The most bytes that are looked at, to a line's end; an eighth of them are kept.
    pub bytes: u64,
}

/// Some records that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Their lines, the newest first.
    pub lines: Vec<Vec<u8>>,
    /// Where the next page goes on, if there is more to look at.
    pub next: Option<Position>,
    /// The time of the record that was looked at last, if there is more.
    pub reached: Option<Timestamp>,
    /// Lines that are no records.
    pub unreadable: u64,
}

/// The newest records that fit, or those before a position, as far as the bounds.
///
/// # Errors
/// The trail can't be read; or it has no such position ([`Error::Elsewhere`]).
pub fn newest(
    directory: &Path,
    query: &Query,
    before: Option<&Position>,
    bounds: Bounds,
) -> Result<Page> {
    if let Some(position) = before {
        check(directory, position)?;
    }
    let matcher = query.matcher();
    let mut page = Page::default();
    if bounds.records == 0 {
        return Ok(page);
    }
    let (mut looked_at, mut kept) = (0, 0);
    for (file, path) in within(directory, query)?.into_iter().rev() {
        let end = match before {
            Some(position) if file > position.file => continue,
            Some(position) if file == position.file => Some(position.byte),
            _ => None,
        };
        if is_too_late(&path, query)? {
            continue;
        }
        let mut lines = Backward::open(&path, end)?;
        loop {
            let from = lines.position();
            // What has no place in the chain is no record, nor a place to stop at.
            let is_record = lines.next(|bytes, ended| {
                let is_record = Link::of(bytes).is_some();
                match matcher.judge(bytes, ended) {
                    Ok(Some(_)) if is_record => {
                        kept += u64::try_from(bytes.len()).unwrap_or_default();
                        page.lines.push(bytes.to_vec());
                    }
                    Ok(_) => {}
                    Err(_) => page.unreadable += 1,
                }
                is_record
            })?;
            let Some(is_record) = is_record else { break };
            looked_at += from - lines.position();
            let is_full = page.lines.len() >= bounds.records
                || looked_at >= bounds.bytes
                || kept >= bounds.bytes / KEPT;
            if is_full && is_record {
                let (chain, reached) = told(&path, lines.position())?;
                page.reached = reached;
                page.next = Some(Position { chain, file, byte: lines.position() });
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// What a record says of its chain and its time.
fn told(path: &Path, byte: u64) -> Result<(String, Option<Timestamp>)> {
    let mut lines = Lines::open_at(path, byte)?;
    let line = lines.next()?;
    let bytes = line.map_or(&b""[..], |line| line.bytes);
    let chain = Link::of(bytes).and_then(|link| link.chain.get(..DIGITS)).unwrap_or_default();
    Ok((chain.to_owned(), Record::of(bytes).ok().and_then(|record| record.time())))
}

/// Whether a record of that chain begins there.
fn check(directory: &Path, position: &Position) -> Result<()> {
    let files = directory::files(directory)?;
    let path = files.iter().find(|(name, _)| *name == position.file).map(|(_, path)| path);
    let path = path.ok_or(Error::Elsewhere)?;
    // The byte before ends the line before.
    let (from, skipped) = match position.byte.checked_sub(1) {
        Some(before) => (before, true),
        None => (0, false),
    };
    let mut lines = Lines::open_at(path, from)?;
    if skipped && lines.next()?.is_none_or(|line| !line.bytes.is_empty() || !line.ended) {
        return Err(Error::Elsewhere);
    }
    let is_there = lines.next()?.and_then(|line| {
        Link::of(line.bytes).map(|link| line.ended && link.chain.starts_with(&position.chain))
    });
    if is_there == Some(true) { Ok(()) } else { Err(Error::Elsewhere) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Hash;
    use std::fs;

    const CHAIN: &str = "0123456789abcdef0123456789abcdef";

    /// Files of twenty records each, of acme and globex in turns, one a minute.
    fn trail(files: u32) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let mut seq = 0;
        for number in 1..=files {
            let mut text = Vec::new();
            for _ in 0..20 {
                seq += 1;
                let tenant = if seq % 2 == 0 { "acme" } else { "globex" };
                let (hour, minute) = (seq / 60, seq % 60);
                let line = format!(
                    r#"{{"time":"2026-11-28T{hour:02}:{minute:02}:00.000000Z","tenant":"{tenant}","request_id":"r-{seq}""#
                );
                let place = Link { chain: CHAIN, seq, prev: Hash::NONE };
                text.extend(place.complete(line.into_bytes()));
                text.push(b'\n');
            }
            let day = "2026-11-28".parse().unwrap();
            fs::write(directory.path().join(FileName { day, number }.to_string()), text).unwrap();
        }
        directory
    }

    fn acme() -> Query {
        Query { tenant: Some("acme".to_owned()), ..Query::default() }
    }

    fn ids(page: &Page) -> Vec<String> {
        let id = |line: &Vec<u8>| Record::of(line).unwrap().request_id.unwrap().into_owned();
        page.lines.iter().map(id).collect()
    }

    #[test]
    fn pages_have_each_record_once_the_newest_first_whatever_bounds_them() {
        let directory = trail(3);
        let want: Vec<String> = (1..=30).rev().map(|n| format!("r-{}", 2 * n)).collect();
        for (records, bytes) in [(1, u64::MAX), (7, u64::MAX), (1000, 1), (1000, 500), (5, 700)] {
            let (mut found, mut before, mut pages) = (Vec::new(), None, 0);
            loop {
                let bounds = Bounds { records, bytes };
                let page = newest(directory.path(), &acme(), before.as_ref(), bounds).unwrap();
                assert!(page.lines.len() <= records);
                found.extend(ids(&page));
                pages += 1;
                let Some(next) = page.next else { break };
                assert!(page.reached.is_some());
                before = Some(next.to_string().parse().unwrap());
            }
            assert_eq!(found, want);
            assert!(pages > 4, "{pages}");
        }
        let none = newest(directory.path(), &acme(), None, Bounds { records: 0, bytes: 1 });
        assert_eq!(none.unwrap(), Page::default());
    }

    #[test]
    fn a_time_bounds_it() {
        let directory = trail(3);
        let query = Query {
            since: "2026-11-28T00:20:00Z".parse().ok(),
            until: "2026-11-28T00:26:00Z".parse().ok(),
            ..acme()
        };
        let bounds = Bounds { records: 100, bytes: u64::MAX };
        let page = newest(directory.path(), &query, None, bounds).unwrap();
        assert_eq!(ids(&page), ["r-24", "r-22", "r-20"]);
        assert_eq!(page.next, None);
    }

    #[test]
    fn a_record_after_midnight_is_found_in_the_file_that_could_not_be_turned() {
        let directory = trail(1);
        let path = directory.path().join("2026-11-28-0001.jsonl");
        fs::rename(&path, directory.path().join("2026-11-27-0001.jsonl")).unwrap();
        let query = Query { since: "2026-11-28T00:18:00Z".parse().ok(), ..acme() };
        let bounds = Bounds { records: 100, bytes: u64::MAX };
        let page = newest(directory.path(), &query, None, bounds).unwrap();
        assert_eq!(ids(&page), ["r-20", "r-18"]);
    }

    #[test]
    fn lines_without_a_place_in_the_chain_are_no_records_and_what_is_kept_is_bounded() {
        let directory = trail(1);
        let path = directory.path().join("2026-11-28-0001.jsonl");
        let text = fs::read(&path).unwrap();
        let unchained = "{\"tenant\":\"acme\",\"request_id\":\"x\"}\n".repeat(50);
        fs::write(&path, [&text[..], unchained.as_bytes()].concat()).unwrap();
        let bounds = Bounds { records: 2, bytes: u64::MAX };
        let page = newest(directory.path(), &acme(), None, bounds).unwrap();
        assert_eq!(ids(&page), ["r-20", "r-18"]);
        // Two records of some 200 bytes are more than an eighth of this.
        let bounds = Bounds { records: 100, bytes: 3_200 };
        let page = newest(directory.path(), &acme(), None, bounds).unwrap();
        assert_eq!(ids(&page), ["r-20", "r-18"]);
        assert!(page.next.is_some());
    }

    #[test]
    fn what_is_being_written_and_what_is_no_record_is_left_out() {
        let directory = trail(1);
        let path = directory.path().join("2026-11-28-0001.jsonl");
        let mut text = fs::read(&path).unwrap();
        text.extend(b"{\"tenant\":\"acme\",\n{\"tenant\":\"acme\"");
        fs::write(&path, text).unwrap();
        let bounds = Bounds { records: 2, bytes: 1 };
        let page = newest(directory.path(), &acme(), None, bounds).unwrap();
        assert_eq!((ids(&page), page.unreadable), (vec!["r-20".to_owned()], 1));
    }

    #[test]
    fn a_position_is_of_its_trail_alone() {
        let directory = trail(2);
        let bounds = Bounds { records: 3, bytes: u64::MAX };
        let next = newest(directory.path(), &acme(), None, bounds).unwrap().next.unwrap();
        let text = next.to_string();
        let from =
            |text: &str| newest(directory.path(), &acme(), Some(&text.parse().unwrap()), bounds);
        assert!(from(&text).is_ok());
        let byte = text.rsplit('.').next().unwrap();
        let ends = |end: &str| text.strip_suffix(byte).unwrap().to_owned() + end;
        for other in [
            text.replace("01234567", "76543210"),
            text.replace("11-28.2", "11-28.3"),
            text.replace("11-28", "11-27"),
            ends("1"),
            ends("99999999"),
        ] {
            assert!(matches!(from(&other), Err(Error::Elsewhere)), "{other}");
        }
        assert!(from(&ends("0")).unwrap().lines.len() == 3);
        for none in ["", "a.b.c.d", "01234567.2026-11-28.1", "0123456.2026-11-28.1.0"] {
            assert_eq!(none.parse::<Position>(), Err(NoPosition), "{none}");
        }
        assert_eq!(text.replace(".2.", ".02.").parse::<Position>(), Err(NoPosition));
        assert_eq!(format!("{text}0").parse::<Position>().unwrap().to_string(), format!("{text}0"));
    }
}
