//! The files of a trail: one for each UTC day and for each so many bytes, `YYYY-MM-DD-NNNN.jsonl`.

use crate::error::{Error, Result};
use jiff::civil::Date;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".jsonl";

/// A file's place in the order of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// The UTC day on which its records were written, or a later one where the clock was set back.
    pub day: Date,
    /// Its number among those of that day; the first is 1.
    pub number: u32,
}

impl FileName {
    /// What the name of a file says, if it is one of a trail's.
    pub fn of(name: &str) -> Option<Self> {
        let (day, number) = name.strip_suffix(SUFFIX)?.rsplit_once('-')?;
        let name_is = Self { day: day.parse().ok()?, number: number.parse().ok()? };
        (name_is.to_string() == name).then_some(name_is)
    }

    /// The first name after this one on that day or later.
    #[must_use]
    pub fn next(self, today: Date) -> Self {
        if today > self.day {
            Self { day: today, number: 1 }
        } else {
            Self { day: self.day, number: self.number.saturating_add(1) }
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}{SUFFIX}", self.day, self.number)
    }
}

/// The files of a trail, in order.
pub fn files(directory: &Path) -> Result<Vec<(FileName, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(Error::of("read", directory))? {
        let entry = entry.map_err(Error::of("read", directory))?;
        if let Some(name) = entry.file_name().to_str().and_then(FileName::of) {
            files.push((name, entry.path()));
        }
    }
    files.sort_unstable_by_key(|(name, _)| *name);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn names_have_one_spelling_and_an_order() {
        for name in ["2026-11-28-0001.jsonl", "2026-11-28-9999.jsonl", "2026-11-28-10000.jsonl"] {
            assert_eq!(FileName::of(name).unwrap().to_string(), name);
        }
        for name in [
            "2026-11-28-1.jsonl",
            "2026-11-28-0001.json",
            "2026-11-31-0001.jsonl",
            "20261128-0001.jsonl",
            "head",
            ".jsonl",
        ] {
            assert_eq!(FileName::of(name), None, "{name}");
        }
        let directory = tempfile::tempdir().unwrap();
        for name in
            ["2026-11-28-10000.jsonl", "2026-11-28-9999.jsonl", "2026-11-27-0001.jsonl", "x"]
        {
            File::create(directory.path().join(name)).unwrap();
        }
        let numbers: Vec<u32> =
            files(directory.path()).unwrap().iter().map(|(name, _)| name.number).collect();
        assert_eq!(numbers, [1, 9999, 10000]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_earlier_file() {
        let name = FileName::of("2026-11-28-0007.jsonl").unwrap();
        let next = |day: &str| name.next(day.parse().unwrap()).to_string();
        assert_eq!(next("2026-11-28"), "2026-11-28-0008.jsonl");
        assert_eq!(next("2026-11-29"), "2026-11-29-0001.jsonl");
        assert_eq!(next("2026-11-20"), "2026-11-28-0008.jsonl");
    }
}
