//! The end of a chain, in memory and in the file that grows.

use super::Signer;
use crate::directory::FileName;
use crate::disk;
use crate::error::{Error, Result};
use crate::event;
use crate::head::Point;
use crate::link::{Hash, Link};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Chain {
    id: String,
    /// The number and the hash of the last record.
    seq: u64,
    prev: Hash,
    name: FileName,
    file: Arc<File>,
    size: u64,
    /// When the file's day ends.
    midnight: Timestamp,
    /// Whole records, but for the first bytes of the first, that the disk has not taken.
    pub(super) waiting: Vec<u8>,
    /// Records since the last checkpoint, and when that was.
    pub(super) unchecked: u64,
    pub(super) checked: Instant,
    pub(super) unsynced: Unsynced,
}

/// What the system has and the disk may not have yet.
#[derive(Default)]
pub(super) struct Unsynced {
    /// Files with new bytes.
    pub(super) files: Vec<Arc<File>>,
    /// A file is new in the directory.
    pub(super) directory: bool,
    /// A checkpoint that is not in the head yet.
    pub(super) head: Option<Point>,
}

impl Unsynced {
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && !self.directory && self.head.is_none()
    }

    /// Puts back what could not be made durable.
    pub(super) fn put_back(&mut self, other: Self) {
        for file in other.files {
            self.add(&file);
        }
        self.directory |= other.directory;
        self.head = self.head.take().or(other.head);
    }

    fn add(&mut self, file: &Arc<File>) {
        if !self.files.iter().any(|known| Arc::ptr_eq(known, file)) {
            self.files.push(Arc::clone(file));
        }
    }
}

/// The last record of a chain.
pub(super) struct End {
    pub(super) chain: String,
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

impl Chain {
    /// Goes on after this record in this file, which has so many bytes.
    pub(super) fn resume(end: End, name: FileName, file: File, size: u64) -> Self {
        Self {
            id: end.chain,
            seq: end.seq,
            prev: end.hash,
            name,
            file: Arc::new(file),
            size,
            midnight: midnight_after(name),
            waiting: Vec::new(),
            unchecked: 0,
            checked: Instant::now(),
            unsynced: Unsynced { directory: true, ..Unsynced::default() },
        }
    }

    /// Chains a record, whose last brace is not there yet, and lets it wait.
    pub(super) fn push(&mut self, object: Vec<u8>) {
        // A head that was tampered with may be as far on as numbers go.
        self.seq = self.seq.saturating_add(1);
        let line = Link { chain: &self.id, seq: self.seq, prev: self.prev }.complete(object);
        self.prev = Hash::of(&line);
        self.waiting.extend_from_slice(&line);
        self.waiting.push(b'\n');
        self.unchecked += 1;
    }

    /// Gives the file what waits, as far as it takes it.
    pub(super) fn write(&mut self, write: &super::Write) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.unsynced.add(&self.file);
        }
        while !self.waiting.is_empty() {
            match write(&self.file, &self.waiting) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.size += u64::try_from(written).unwrap_or_default();
                    self.waiting.drain(..written.min(self.waiting.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether a new file is due.
    pub(super) fn is_full(&self, now: Timestamp, largest: u64) -> bool {
        self.size > 0 && (now >= self.midnight || self.size >= largest)
    }

    /// Begins a new file; nothing may wait.
    pub(super) fn turn(&mut self, directory: &Path, now: Timestamp) -> Result<()> {
        let name = self.name.next(now.to_zoned(TimeZone::UTC).date());
        let path = directory.join(name.to_string());
        let file = disk::private().create_new(true).append(true).open(&path);
        self.file = Arc::new(file.map_err(Error::of("create", &path))?);
        self.name = name;
        self.size = 0;
        self.midnight = midnight_after(name);
        self.unsynced.directory = true;
        Ok(())
    }

    /// Chains a checkpoint: a signed one, unless nobody signs or who does can't.
    pub(super) fn checkpoint(
        &mut self,
        now: Timestamp,
        signer: Option<&Signer>,
    ) -> std::result::Result<(), String> {
        // As precise as the record says it, which is what the signature is over.
        let time = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let mut point = Point {
            chain: self.id.clone(),
            seq: self.seq.saturating_add(1),
            hash: self.prev,
            time,
        };
        let signature = signer.map(|sign| sign(&point)).transpose();
        let mut object = format!(
            r#"{{"v":1,"event":"{}","time":"{time:.6}","records":{}"#,
            event::CHECKPOINT,
            self.unchecked
        );
        if let Ok(Some(signature)) = &signature {
            // Writing to a String can't fail.
            let _ = write!(object, r#","signature":{}"#, json!(signature));
        }
        self.push(object.into_bytes());
        point.hash = self.prev;
        self.unchecked = 0;
        self.checked = Instant::now();
        self.unsynced.head = Some(point);
        signature.map(drop)
    }
}

/// The end of a file's day, or of time.
fn midnight_after(name: FileName) -> Timestamp {
    let next = name.day.checked_add(1.day()).and_then(|day| day.to_zoned(TimeZone::UTC));
    next.map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}
