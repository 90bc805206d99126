//! A file's lines from the last one to the first, without a copy of each.

use super::{CHUNK, LONGEST_LINE, open};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The lines of a file, backwards.
pub(super) struct Backward {
    path: PathBuf,
    file: File,
    /// What of the file was read and not handed out yet: its first bytes stand in the file at `begins`.
    buffer: Vec<u8>,
    begins: u64,
    /// How much of the end of the buffer has no line feed but the one that ends the line.
    searched: usize,
}

impl Backward {
    /// From the line that ends before this byte; from the last one, where no byte is named.
    pub(super) fn open(path: &Path, end: Option<u64>) -> Result<Self> {
        let file = open(path)?;
        let length = file.metadata().map_err(Error::of("read", path))?.len();
        let begins = end.map_or(length, |end| end.min(length));
        Ok(Self { path: path.to_owned(), file, buffer: Vec::new(), begins, searched: 0 })
    }

    /// Where the last line that was handed out begins, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.begins + u64::try_from(self.buffer.len()).unwrap_or_default()
    }

    /// Gives the line before, if there is one, to a function: its bytes without the line feed, of one that is longer than
    /// [`LONGEST_LINE`] none, and whether it has its line feed.
    pub(super) fn next<T>(&mut self, take: impl FnOnce(&[u8], bool) -> T) -> Result<Option<T>> {
        if self.buffer.is_empty() && !self.fill()? {
            return Ok(None);
        }
        let is_ended = self.buffer.ends_with(b"\n");
        let mut feed = usize::from(is_ended);
        let mut skips = false;
        let start = loop {
            let unsearched = self.buffer.len().saturating_sub(self.searched.max(feed));
            let text = self.buffer.get(..unsearched).unwrap_or_default();
            if let Some(found) = memchr::memrchr(b'\n', text) {
                break found + 1;
            }
            self.searched = self.buffer.len();
            if self.searched > LONGEST_LINE + feed {
                skips = true;
                self.buffer.clear();
                self.searched = 0;
                feed = 0;
            }
            if !self.fill()? {
                break 0;
            }
        };
        let line = self.buffer.get(start..self.buffer.len().saturating_sub(feed));
        let line = line.filter(|line| !skips && line.len() <= LONGEST_LINE).unwrap_or_default();
        let taken = take(line, is_ended);
        self.buffer.truncate(start);
        self.searched = 0;
        Ok(Some(taken))
    }

    /// Reads what stands before the buffer, and says whether there was anything.
    fn fill(&mut self) -> Result<bool> {
        let size = u64::try_from(CHUNK).unwrap_or(u64::MAX).min(self.begins);
        if size == 0 {
            return Ok(false);
        }
        let before = self.begins - size;
        let mut read = || -> io::Result<Vec<u8>> {
            self.file.seek(SeekFrom::Start(before))?;
            let mut chunk = vec![0; usize::try_from(size).unwrap_or_default()];
            self.file.read_exact(&mut chunk)?;
            Ok(chunk)
        };
        let mut chunk = read().map_err(Error::of("read", &self.path))?;
        chunk.append(&mut self.buffer);
        self.buffer = chunk;
        self.begins = before;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8], end: Option<u64>) -> Vec<(Vec<u8>, bool, u64)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut lines = Backward::open(file.path(), end).unwrap();
        let mut all = Vec::new();
        while let Some((line, ended)) = lines.next(|line, ended| (line.to_vec(), ended)).unwrap() {
            all.push((line, ended, lines.position()));
        }
        all
    }

    #[test]
    fn a_line_that_is_too_long_is_none_and_those_around_it_are_whole() {
        let longest = vec![b'x'; LONGEST_LINE];
        let text = [b"a\n", &*longest, b"\n", &*longest, &*longest, &*longest, b"y\nz"].concat();
        let lengths: Vec<_> =
            all(&text, None).into_iter().map(|(line, ended, _)| (line.len(), ended)).collect();
        assert_eq!(lengths, [(1, false), (0, true), (LONGEST_LINE, true), (1, true)]);
    }

    #[test]
    fn a_long_line_that_begins_where_it_is_let_go_takes_no_other_with_it() {
        let long = vec![b'x'; 5 * CHUNK - 1];
        let text = [b"a\n", &*long, b"\n"].concat();
        let lengths: Vec<_> = all(&text, None).into_iter().map(|(line, ..)| line.len()).collect();
        assert_eq!(lengths, [0, 1]);
    }

    #[test]
    fn the_lines_before_a_byte_are_those() {
        let text = b"one\ntwo\nthree\n";
        assert_eq!(all(text, Some(8)), [(b"two".to_vec(), true, 4), (b"one".to_vec(), true, 0)]);
        assert!(all(text, Some(0)).is_empty());
        assert!(all(b"", None).is_empty());
        assert_eq!(all(text, Some(99)).len(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn lines_are_those_of_the_file_turned_round(
            lines in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 0..100_000), 0..12),
            ends in any::<bool>(),
        ) {
            let mut text = lines.join(&b'\n');
            if ends && !lines.is_empty() {
                text.push(b'\n');
            }
            let mut begins = text.len() as u64;
            let want: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').rev().map(|line| {
                begins -= line.len() as u64;
                (line.strip_suffix(b"\n").unwrap_or(line).to_vec(), line.ends_with(b"\n"), begins)
            }).collect();
            prop_assert_eq!(all(&text, None), want);
        }
    }
}
