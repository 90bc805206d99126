//! What is wrong, and where.

use crate::error::Result;
use crate::read::{Lines, Record};
use serde::Serialize;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The most runs of faults that are told.
const MOST: usize = 1000;

/// What was done to records, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A record is not what it was.
    Edited,
    /// Records are missing between others, or before the first.
    Removed,
    /// A line is none of the chain's records.
    Inserted,
    /// A record stands elsewhere than it was written.
    Moved,
    /// Records are missing at the end.
    Truncated,
    /// The last line has no end: what was being written when the gateway or the disk broke off, or cut off later.
    Torn,
    /// A checkpoint's signature does not hold.
    Signature,
    /// There is no head to hold the end to.
    Head,
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Removed => "removed",
            Self::Inserted => "inserted",
            Self::Moved => "moved",
            Self::Truncated => "truncated",
            Self::Torn => "torn",
            Self::Signature => "signature",
            Self::Head => "head",
        }
    }
}

/// Where a line is, and what it says of itself, which may be forged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The line's number, from 1; 0 where there is none.
    pub line: u64,
    /// The record's number.
    pub seq: Option<u64>,
    /// The request.
    pub request_id: Option<String>,
    /// The time, UTC.
    pub time: Option<String>,
}

/// A run of neighbours with one fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What was done.
    pub kind: Kind,
    /// Why it is known.
    pub why: String,
    /// How many records or lines.
    pub count: u64,
    /// The numbers of the first and the last of them; of what is missing as well.
    pub seqs: Option<(u64, u64)>,
    /// The first line; of what is missing, the one after it.
    pub first: Place,
    /// The last line.
    pub last: Place,
}

/// A line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    /// Its file, by its place among the files.
    pub(super) file: usize,
    pub(super) line: u64,
    pub(super) seq: Option<u64>,
}

impl Spot {
    fn is(self, other: Self) -> bool {
        (self.file, self.line) == (other.file, other.line)
    }
}

struct Run {
    kind: Kind,
    why: String,
    count: u64,
    seqs: Option<(u64, u64)>,
    first: Spot,
    last: Spot,
    /// What the neighbour that would come next is counted by.
    next: u64,
}

/// The runs of faults so far.
#[derive(Default)]
pub(super) struct Faults {
    runs: Vec<Run>,
    more: u64,
}

impl Faults {
    /// A fault of one line; its neighbour is the next record, or the next line.
    pub(super) fn add(&mut self, kind: Kind, spot: Spot, why: &str) {
        self.add_at(kind, spot, spot.seq.unwrap_or(spot.line), why);
    }

    /// A fault of one line, which is counted among its kind by this.
    pub(super) fn add_at(&mut self, kind: Kind, spot: Spot, at: u64, why: &str) {
        let of_kind = self.runs.iter_mut().rev().find(|run| run.kind == kind);
        if of_kind.as_ref().is_some_and(|run| run.last.is(spot)) {
            return;
        }
        if let Some(run) = of_kind.filter(|run| run.next == at && run.why == why) {
            run.count += 1;
            run.next = run.next.saturating_add(1);
            run.last = spot;
            run.seqs = run.seqs.zip(spot.seq).map(|((first, _), last)| (first, last));
            return;
        }
        let seqs = spot.seq.map(|seq| (seq, seq));
        self.push(Run {
            kind,
            why: why.to_owned(),
            count: 1,
            seqs,
            first: spot,
            last: spot,
            next: at.saturating_add(1),
        });
    }

    /// Whether a line that has this number has this fault already.
    pub(super) fn has(&self, kind: Kind, seq: u64) -> bool {
        let covers = |run: &Run| run.seqs.is_some_and(|(a, b)| (a..=b).contains(&seq));
        self.runs.iter().any(|run| run.kind == kind && covers(run))
    }

    /// Records that are not there, before this line.
    pub(super) fn missing(&mut self, kind: Kind, (first, last): (u64, u64), spot: Spot, why: &str) {
        self.push(Run {
            kind,
            why: why.to_owned(),
            count: (last - first).saturating_add(1),
            seqs: Some((first, last)),
            first: spot,
            last: spot,
            next: 0,
        });
    }

    fn push(&mut self, run: Run) {
        if self.runs.len() < MOST {
            self.runs.push(run);
        } else {
            self.more += 1;
        }
    }

    /// The faults in the order of the files, with what each line says of itself.
    pub(super) fn located(mut self, files: &[PathBuf]) -> Result<(Vec<Fault>, u64)> {
        self.runs.sort_by_key(|run| (run.first.file, run.first.line));
        let mut faults = Vec::with_capacity(self.runs.len());
        let mut firsts = Places::default();
        let mut lasts = Places::default();
        for run in self.runs {
            faults.push(Fault {
                kind: run.kind,
                why: run.why,
                count: run.count,
                seqs: run.seqs,
                first: firsts.of(run.first, files)?,
                last: lasts.of(run.last, files)?,
            });
        }
        Ok((faults, self.more))
    }
}

/// Reads lines again; in the order of the files, each file once.
#[derive(Default)]
struct Places {
    open: Option<(usize, Lines)>,
    place: Place,
}

impl Places {
    fn of(&mut self, spot: Spot, files: &[PathBuf]) -> Result<Place> {
        let Some(path) = files.get(spot.file).filter(|_| spot.line > 0) else {
            return Ok(Place::default());
        };
        let is_past = self.place.line > spot.line;
        let mut lines = match self.open.take() {
            Some((file, lines)) if file == spot.file && !is_past => lines,
            _ => {
                self.place = Place { file: name(path), ..Place::default() };
                Lines::open(path)?
            }
        };
        while self.place.line < spot.line {
            let Some(line) = lines.next()? else { break };
            self.place.line = line.number;
            if line.number == spot.line {
                let record = Record::of(line.bytes).unwrap_or_default();
                self.place.request_id = record.request_id.map(Cow::into_owned);
                self.place.time = record.time.map(Cow::into_owned);
            }
        }
        self.open = Some((spot.file, lines));
        self.place.seq = spot.seq;
        Ok(self.place.clone())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
