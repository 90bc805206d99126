//! Whether a trail is what was written: every run of faults, by kind and place.
//!
//! | what guards | finds |
//! | --- | --- |
//! | the chain | a record edited, removed, inserted or moved, where another one comes after it |
//! | the `head` file | the same of the end, unless whoever did it replaced `head` as well |
//! | signatures | a chain that was written anew as a whole, but for what came after the last one |
//! | a point that was kept elsewhere | the same, up to there, whoever has the keys |

mod fault;
mod order;

pub use fault::{Fault, Kind, Place};

use crate::directory;
use crate::error::Result;
use crate::event::CHECKPOINT;
use crate::head::{self, Point};
use crate::link::{Hash, Link};
use crate::read::{Line, Lines, Record};
use fault::{Faults, Spot};
use memchr::memmem::Finder;
use order::{Order, Seen};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a line may take to be written whole, where the disk takes it.
const MOMENT: Duration = Duration::from_millis(100);

/// Checks a signature: what it is over, or why it does not hold.
pub type Checker<'c> = &'c dyn Fn(&str) -> std::result::Result<Point, String>;

/// A record that is known from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub seq: u64,
    /// The hash of its line.
    pub hash: Hash,
}

/// What is known besides the directory.
#[derive(Clone, Default)]
pub struct Expected<'c> {
    /// Who checks signatures. Then the newest checkpoint must be signed, and every one after the first that is.
    pub checker: Option<Checker<'c>>,
    /// Records that must be there.
    pub known: Vec<Known>,
    /// The last record before the first one here, where earlier files were moved away.
    pub after: Option<Known>,
}

/// What verification found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The chain's identifier.
    pub chain: Option<String>,
    /// Files read.
    pub files: usize,
    /// Records read.
    pub records: u64,
    /// The numbers of the first and the last record.
    pub span: Option<(u64, u64)>,
    /// Checkpoints with a signature, and without.
    pub checkpoints: (u64, u64),
    /// The newest checkpoint, to be kept elsewhere, and when it was made.
    pub newest: Option<(Known, String)>,
    /// Records after it, which nothing but the chain guards yet.
    pub unguarded: u64,
    /// Unfinished lines that were set aside at a start.
    pub torn: u64,
    /// What is wrong, in the order of the files.
    pub faults: Vec<Fault>,
    /// Runs of faults beyond those.
    pub more: u64,
}

impl Findings {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Verifies a directory, also while it is written.
pub fn verify(directory: &Path, expected: &Expected<'_>) -> Result<Findings> {
    // Before the files, which only grow.
    let head = head::read(directory)?;
    let files: Vec<PathBuf> =
        directory::files(directory)?.into_iter().map(|(_, path)| path).collect();
    let mut known = expected.known.clone();
    known.extend(head.as_ref().map(|point| Known { seq: point.seq, hash: point.hash }));
    let mut faults = Faults::default();
    let mut findings = Findings { files: files.len(), ..Findings::default() };
    let mut checkpoints = Checkpoints::new(expected.checker);
    let chain = head.as_ref().map(|head| head.chain.clone());
    let mut order = Order::new(chain, expected.after, &known);
    for (number, path) in files.iter().enumerate() {
        let mut lines = Lines::open(path)?;
        let mut torn = None;
        while let Some(line) = lines.next()? {
            let spot = Spot { file: number, line: line.number, seq: None };
            if line.ended {
                one(&line, spot, &mut order, &mut checkpoints, &mut findings, &mut faults);
            } else {
                torn = Some(spot);
            }
        }
        if let Some(spot) = torn.filter(|_| !grows(path, lines.position())) {
            faults.add(Kind::Torn, spot, "the line has no end");
        }
    }
    order.finish(&mut faults);
    checkpoints.finish(&mut findings, &mut faults);
    if head.is_none() {
        faults.add(Kind::Head, Spot::default(), "there is no head: the end may be cut off");
    }
    findings.chain = order.chain().map(str::to_owned);
    findings.span = order.span();
    findings.unguarded = match (&findings.newest, findings.span) {
        (Some((newest, _)), Some((_, last))) => last.saturating_sub(newest.seq),
        _ => findings.records,
    };
    (findings.faults, findings.more) = faults.located(&files)?;
    Ok(findings)
}

/// Whether a file gets longer than this in a moment: then its last line was being written.
fn grows(path: &Path, size: u64) -> bool {
    std::thread::sleep(MOMENT);
    path.metadata().is_ok_and(|file| file.len() > size)
}

fn one(
    line: &Line<'_>,
    spot: Spot,
    order: &mut Order,
    checkpoints: &mut Checkpoints<'_>,
    findings: &mut Findings,
    faults: &mut Faults,
) {
    findings.records += 1;
    let Some(chained) = Link::of(line.bytes).filter(|of| order.is_of(of.chain)) else {
        order.strange(spot);
        return;
    };
    let spot = Spot { seq: Some(chained.seq), ..spot };
    let hash = Hash::of(line.bytes);
    checkpoints.look(line, &chained, hash, spot, findings, faults);
    order.next(Seen { spot, seq: chained.seq, prev: chained.prev, hash }, line.bytes, faults);
}

/// The checkpoints on the way.
struct Checkpoints<'c> {
    checker: Option<Checker<'c>>,
    event: Finder<'static>,
    torn: Finder<'static>,
    last: Option<Spot>,
    is_last_signed: bool,
    count: u64,
}

impl<'c> Checkpoints<'c> {
    fn new(checker: Option<Checker<'c>>) -> Self {
        Self {
            checker,
            event: Finder::new("\"event\":\"checkpoint\""),
            torn: Finder::new("\"event\":\"torn\""),
            last: None,
            is_last_signed: false,
            count: 0,
        }
    }

    fn look(
        &mut self,
        line: &Line<'_>,
        chained: &Link<'_>,
        hash: Hash,
        spot: Spot,
        findings: &mut Findings,
        faults: &mut Faults,
    ) {
        if self.event.find(line.bytes).is_none() {
            findings.torn += u64::from(self.torn.find(line.bytes).is_some());
            return;
        }
        let Some(record) = Record::of(line.bytes).ok().filter(|record| {
            record.event.as_deref() == Some(CHECKPOINT) && record.component.is_none()
        }) else {
            return;
        };
        self.count += 1;
        self.last = Some(spot);
        let time = record.time.as_deref().unwrap_or_default().to_owned();
        findings.newest = Some((Known { seq: chained.seq, hash }, time));
        match (&record.signature, self.checker) {
            (Some(signature), checker) => {
                findings.checkpoints.0 += 1;
                self.is_last_signed = true;
                let held = checker.map_or(Ok(()), |check| {
                    let point = check(signature)?;
                    let is_this = point.chain == chained.chain
                        && point.seq == chained.seq
                        && point.hash == chained.prev
                        && record.time() == Some(point.time);
                    if is_this { Ok(()) } else { Err("it was signed for other records".to_owned()) }
                });
                if let Err(why) = held {
                    faults.add_at(Kind::Signature, spot, self.count, &why);
                }
            }
            (None, checker) => {
                findings.checkpoints.1 += 1;
                if checker.is_some() && self.is_last_signed {
                    let why = "it is not signed, and one before it is";
                    faults.add_at(Kind::Signature, spot, self.count, why);
                }
            }
        }
    }

    fn finish(&self, findings: &mut Findings, faults: &mut Faults) {
        if self.checker.is_some() && findings.checkpoints.0 == 0 {
            let why = "no checkpoint is signed, so keys prove nothing";
            faults.add(Kind::Signature, self.last.unwrap_or_default(), why);
        }
    }
}

#[cfg(test)]
mod tests;
