//! Where the chain is broken, and what was done to it there.
//!
//! A record is in its place when it has the number that is due and names the hash of the one before it. One with a
//! later number is a suspect until the next line has come: if that is chained to it, what lies between is missing; if
//! not, the suspect itself is the stranger. Strangers wait to be recognised: as a record that is missing elsewhere
//! (it was moved), as what stands in the place of a missing one (it was edited), or as none of the chain's.

use super::Known;
use super::fault::{Faults, Kind, Spot};
use crate::link::{Hash, Link};
use std::collections::BTreeMap;

/// The most strangers that wait to be recognised, and the most gaps that may still be filled.
const MOST: usize = 10_000;

/// A line with a link.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) spot: Spot,
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) hash: Hash,
}

/// The last record in its place.
struct Last {
    seq: u64,
    /// The lines that claim to be it; the next record says which one is.
    claims: Vec<(Hash, Spot)>,
    /// The hash that the first claim would have, if it named the right one before it, and that one's line.
    repaired: Option<(Hash, Spot)>,
}

pub(super) struct Order {
    chain: Option<String>,
    after: Option<Known>,
    first: Option<u64>,
    last: Option<Last>,
    suspect: Option<Seen>,
    /// Lines since the last record in its place that are in none.
    strangers: Vec<Spot>,
    /// Records that came too early, by their numbers.
    early: BTreeMap<u64, Spot>,
    /// Numbers that are missing, each range with the line after it.
    missing: Vec<(u64, u64, Spot)>,
    /// Records that must be there, and the lines that have their numbers.
    known: Vec<(Known, Option<Spot>, bool)>,
}

impl Order {
    /// Of this chain, or else of the first record's.
    pub(super) fn new(chain: Option<String>, after: Option<Known>, known: &[Known]) -> Self {
        Self {
            chain,
            after,
            first: None,
            last: None,
            suspect: None,
            strangers: Vec::new(),
            early: BTreeMap::new(),
            missing: Vec::new(),
            known: known.iter().map(|known| (*known, None, false)).collect(),
        }
    }

    pub(super) fn chain(&self) -> Option<&str> {
        self.chain.as_deref()
    }

    /// Whether this is the chain.
    pub(super) fn is_of(&mut self, chain: &str) -> bool {
        self.chain.get_or_insert_with(|| chain.to_owned()) == chain
    }

    /// The first and the last number.
    pub(super) fn span(&self) -> Option<(u64, u64)> {
        self.first.zip(self.last.as_ref().map(|last| last.seq))
    }

    fn due(&self) -> u64 {
        match &self.last {
            Some(last) => last.seq.saturating_add(1),
            None => self.after.map_or(1, |after| after.seq.saturating_add(1)),
        }
    }

    /// A line that is no record of this chain.
    pub(super) fn strange(&mut self, spot: Spot) {
        if self.strangers.len() < MOST {
            self.strangers.push(spot);
        }
    }

    /// The next line that is one.
    pub(super) fn next(&mut self, seen: Seen, line: &[u8], faults: &mut Faults) {
        for (known, spot, is_same) in &mut self.known {
            if known.seq == seen.seq && !*is_same {
                *spot = Some(seen.spot);
                *is_same = known.hash == seen.hash;
            }
        }
        if let Some(suspect) = self.suspect.take() {
            let is_chained = seen.seq == suspect.seq.saturating_add(1) && seen.prev == suspect.hash;
            let is_due = seen.seq == self.due() || seen.seq == self.due().saturating_add(1);
            if is_chained || !is_due {
                self.jump(suspect, faults);
            } else {
                self.strange(suspect.spot);
            }
        }
        match seen.seq.cmp(&self.due()) {
            std::cmp::Ordering::Equal => self.accept(seen, line, faults),
            std::cmp::Ordering::Greater => self.suspect = Some(seen),
            std::cmp::Ordering::Less => self.late(seen, faults),
        }
    }

    /// A record in its place.
    fn accept(&mut self, seen: Seen, line: &[u8], faults: &mut Faults) {
        self.dismiss(seen.seq, faults);
        let mut repaired = None;
        if let Some(last) = self.last.take() {
            repaired = judge(&last, seen, line, faults);
        } else if seen.prev != self.after.map_or(Hash::NONE, |after| after.hash) {
            faults.add(Kind::Edited, seen.spot, "it does not name the record before it");
        }
        self.first.get_or_insert(seen.seq);
        let claims = vec![(seen.hash, seen.spot)];
        self.last = Some(Last { seq: seen.seq, claims, repaired });
    }

    /// A record that is known to be one, with others missing before it.
    fn jump(&mut self, seen: Seen, faults: &mut Faults) {
        if let Some(last) = self.last.take() {
            settle(&last, None, faults);
            choose(&last, None, faults);
            self.gap((last.seq.saturating_add(1), seen.seq - 1), seen.spot, faults);
        } else {
            let due = self.due();
            self.gap((due, seen.seq - 1), seen.spot, faults);
        }
        self.first.get_or_insert(seen.seq);
        let claims = vec![(seen.hash, seen.spot)];
        self.last = Some(Last { seq: seen.seq, claims, repaired: None });
    }

    /// A record with a number that has passed.
    fn late(&mut self, seen: Seen, faults: &mut Faults) {
        if let Some(last) = self.last.as_mut().filter(|last| last.seq == seen.seq) {
            if last.claims.len() < MOST {
                last.claims.push((seen.hash, seen.spot));
            }
            return;
        }
        let range = self.missing.iter().position(|(a, b, _)| (*a..=*b).contains(&seen.seq));
        let Some(range) = range else {
            self.strange(seen.spot);
            return;
        };
        let (first, last, spot) = self.missing.swap_remove(range);
        if first < seen.seq {
            self.missing.push((first, seen.seq - 1, spot));
        }
        if seen.seq < last {
            self.missing.push((seen.seq + 1, last, spot));
        }
        faults.add(Kind::Moved, seen.spot, "it stands after later ones");
    }

    /// Strangers where nothing is missing: one that came too early is recognised later.
    fn dismiss(&mut self, due: u64, faults: &mut Faults) {
        for spot in std::mem::take(&mut self.strangers) {
            match spot.seq {
                Some(seq)
                    if seq > due && self.early.len() < MOST && !self.early.contains_key(&seq) =>
                {
                    self.early.insert(seq, spot);
                }
                Some(_) => faults.add(Kind::Inserted, spot, "another record has its number"),
                None => faults.add(Kind::Inserted, spot, "it is no record of this chain"),
            }
        }
    }

    /// Records that are missing before a line: moved, edited past recognition, or gone.
    fn gap(&mut self, (first, last): (u64, u64), spot: Spot, faults: &mut Faults) {
        let mut here = std::mem::take(&mut self.strangers);
        here.retain(|stranger| match stranger.seq {
            Some(seq) if (first..=last).contains(&seq) && !self.early.contains_key(&seq) => {
                self.early.insert(seq, *stranger);
                false
            }
            _ => true,
        });
        let mut here = here.into_iter();
        let mut next = first;
        let early: Vec<u64> = self.early.range(first..=last).map(|(seq, _)| *seq).collect();
        for moved in early.into_iter().chain([last.saturating_add(1)]) {
            while next < moved {
                let Some(edited) = here.next() else { break };
                let edited = Spot { seq: Some(next), ..edited };
                faults.add(Kind::Edited, edited, "it is not what stood in this place");
                next += 1;
            }
            if next < moved && self.missing.len() < MOST {
                self.missing.push((next, moved - 1, spot));
            } else if next < moved {
                faults.missing(Kind::Removed, (next, moved - 1), spot, "they are missing");
            }
            if let Some(spot) = self.early.remove(&moved) {
                faults.add(Kind::Moved, spot, "it stands before earlier ones");
            }
            next = moved.saturating_add(1);
        }
        self.strangers = here.collect();
        self.dismiss(last, faults);
    }

    /// The end of the last file.
    pub(super) fn finish(&mut self, faults: &mut Faults) {
        let furthest = self.known.iter().map(|(known, ..)| known.seq).max();
        if let Some(suspect) = self.suspect.take() {
            if furthest.is_some_and(|seq| seq < suspect.seq) && furthest == Some(self.due()) {
                self.strange(suspect.spot);
            } else {
                self.jump(suspect, faults);
            }
        }
        let (due, end) = (self.due(), Spot { line: u64::MAX, ..self.end() });
        if let Some(last) = &self.last {
            let known = self.known.iter().find(|(known, ..)| known.seq == last.seq);
            let hash = known.map(|(known, ..)| known.hash);
            if settle(last, hash, faults) {
                choose(last, hash, faults);
            }
        }
        let gone = furthest.filter(|furthest| *furthest >= due);
        if let Some(furthest) = gone {
            let before = self.missing.len();
            self.gap((due, furthest), end, faults);
            for (first, last, _) in self.missing.split_off(before) {
                let why = "the head, or a point that was given, is further on";
                faults.missing(Kind::Truncated, (first, last), self.end(), why);
            }
        }
        self.dismiss(due, faults);
        for (_, spot) in std::mem::take(&mut self.early) {
            faults.add(Kind::Inserted, spot, "it has no place in the chain");
        }
        self.missing.sort_unstable_by_key(|(first, ..)| *first);
        for (first, last, spot) in std::mem::take(&mut self.missing) {
            faults.missing(Kind::Removed, (first, last), spot, "they are missing before this line");
        }
        for (known, spot, is_same) in &self.known {
            let told = *is_same || faults.has(Kind::Edited, known.seq);
            if let Some(spot) = spot.filter(|_| !told) {
                let why = "it is not the record that the head, or the point that was given, names";
                faults.add(Kind::Edited, spot, why);
            }
        }
    }

    /// The last line that was in its place.
    fn end(&self) -> Spot {
        let claim = self.last.as_ref().and_then(|last| last.claims.last());
        claim.map(|(_, spot)| *spot).unwrap_or_default()
    }
}

/// Says which claim to the last place is the one that `seen` is chained to. Where none is, `seen` may have been edited itself:
/// then the record after it names the hash that it would have otherwise.
fn judge(last: &Last, seen: Seen, line: &[u8], faults: &mut Faults) -> Option<(Hash, Spot)> {
    if !settle(last, Some(seen.prev), faults) {
        return None;
    }
    if choose(last, Some(seen.prev), faults) {
        return None;
    }
    let (hash, before) = last.claims.first()?;
    Some((Hash::of(&Link::mended(line, *hash)?), *before))
}

/// Where the last record does not name the one before it: says which of the two was edited, by the hash that the next record
/// has for the last one. Whether the last one may be what it was.
fn settle(last: &Last, hash: Option<Hash>, faults: &mut Faults) -> bool {
    let Some((repaired, before)) = last.repaired else { return true };
    let is_last = hash == Some(repaired);
    let claim = last.claims.first().filter(|_| is_last);
    let spot = claim.map_or(before, |(_, spot)| *spot);
    faults.add(Kind::Edited, spot, "the record after it was chained to another");
    !is_last
}

/// Whether one of the claims has this hash; the others, or all but the first, are inserted.
fn choose(last: &Last, hash: Option<Hash>, faults: &mut Faults) -> bool {
    let chosen = last.claims.iter().position(|(claim, _)| Some(*claim) == hash);
    for (position, (_, spot)) in last.claims.iter().enumerate() {
        if position != chosen.unwrap_or_default() {
            faults.add(Kind::Inserted, *spot, "another record has its number");
        }
    }
    chosen.is_some()
}
