//! A file's lines, without a copy of each.

use super::{CHUNK, open};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The longest line that is read, in bytes; the writer's are much shorter.
pub const LONGEST_LINE: usize = 1024 * 1024;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes without the line feed; of a longer one than [`LONGEST_LINE`], none.
    pub bytes: &'a [u8],
    /// Its number in the file, from 1.
    pub number: u64,
    /// Whether it has its line feed.
    pub ended: bool,
}

/// The lines of a file.
pub struct Lines {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// What of the buffer was not handed out yet.
    start: usize,
    /// How much of the rest has no line feed.
    searched: usize,
    number: u64,
    /// Where in the file the next line begins, in bytes.
    position: u64,
    at_end: bool,
}

impl Lines {
    /// From the first line on.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_at(path, 0)
    }

    /// From this byte on, where a line begins; it gets the number 1.
    pub(super) fn open_at(path: &Path, position: u64) -> Result<Self> {
        let mut file = open(path)?;
        file.seek(SeekFrom::Start(position)).map_err(Error::of("read", path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            number: 0,
            position,
            at_end: false,
        })
    }

    /// Where the next line begins, in bytes.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next line, if there is one.
    #[expect(
        clippy::should_implement_trait,
        reason = "it lends from its buffer, which Iterator can't"
    )]
    pub fn next(&mut self) -> Result<Option<Line<'_>>> {
        let mut skipped = 0;
        loop {
            let rest = self.buffer.get(self.start + self.searched..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', rest) {
                let length = self.searched + found;
                return Ok(Some(self.hand_out(skipped, length, true)));
            }
            self.searched += rest.len();
            if self.at_end {
                let length = self.searched;
                if length == 0 && skipped == 0 {
                    return Ok(None);
                }
                return Ok(Some(self.hand_out(skipped, length, false)));
            }
            if self.searched > LONGEST_LINE {
                skipped += self.searched;
                self.start = self.buffer.len();
                self.searched = 0;
            }
            self.fill()?;
        }
    }

    fn hand_out(&mut self, skipped: usize, length: usize, ended: bool) -> Line<'_> {
        let begins = self.start;
        self.start += length + usize::from(ended);
        self.searched = 0;
        self.number += 1;
        let whole = skipped + length + usize::from(ended);
        self.position += u64::try_from(whole).unwrap_or_default();
        let is_kept = skipped == 0 && length <= LONGEST_LINE;
        let length = if is_kept { length } else { 0 };
        let bytes = self.buffer.get(begins..begins + length).unwrap_or_default();
        Line { bytes, number: self.number, ended }
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + CHUNK, 0);
        let room = self.buffer.get_mut(before..).unwrap_or_default();
        let read = loop {
            match self.file.read(room) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.map_err(Error::of("read", &self.path)),
            }
        };
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        self.at_end = read? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<(Vec<u8>, u64, bool)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.bytes.to_vec(), line.number, line.ended));
        }
        assert_eq!(lines.position(), text.len() as u64);
        all
    }

    #[test]
    fn a_line_that_is_too_long_is_none_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; LONGEST_LINE];
        text.push(b'\n');
        text.extend(vec![b'y'; 3 * LONGEST_LINE]);
        text.extend(b"\nz");
        let lengths: Vec<_> = all(&text)
            .into_iter()
            .map(|(line, number, ended)| (line.len(), number, ended))
            .collect();
        assert_eq!(lengths, [(LONGEST_LINE, 1, true), (0, 2, true), (1, 3, false)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn lines_are_those_of_the_file(
            lines in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 0..100_000), 0..12),
            ends in any::<bool>(),
        ) {
            let mut text = lines.join(&b'\n');
            if ends && !lines.is_empty() {
                text.push(b'\n');
            }
            let want: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let read = all(&text);
            prop_assert_eq!(read.len(), want.len());
            for ((line, _, ended), want) in read.iter().zip(want) {
                prop_assert_eq!(line.as_slice(), want.strip_suffix(b"\n").unwrap_or(want));
                prop_assert_eq!(*ended, want.ends_with(b"\n"));
            }
        }
    }
}
