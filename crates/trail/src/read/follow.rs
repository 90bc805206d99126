//! Records that are still to come.

use super::query::Matcher;
use super::{Lines, Query, Record, from};
use crate::directory::FileName;
use crate::error::Result;
use std::path::{Path, PathBuf};

/// Reads on where it stopped, whenever it is asked.
pub struct Follower {
    directory: PathBuf,
    /// The file, and the byte in it, where the next line begins.
    at: Option<(FileName, u64)>,
}

impl Follower {
    /// From the end of the trail as it is now.
    pub fn from_end(directory: &Path) -> Result<Self> {
        let mut at = None;
        if let Some((name, path)) = from(directory, None)?.pop() {
            let mut lines = Lines::open(&path)?;
            let mut end = 0;
            while lines.next()?.is_some_and(|line| line.ended) {
                end = lines.position();
            }
            at = Some((name, end));
        }
        Ok(Self { directory: directory.to_owned(), at })
    }

    /// Calls `take` for each record that came since the last time and fits.
    pub fn poll(
        &mut self,
        query: &Query,
        mut take: impl FnMut(&[u8], &Record<'_>) -> bool,
    ) -> Result<bool> {
        let matcher = query.matcher();
        for (name, path) in from(&self.directory, self.at.map(|(name, _)| name))? {
            let begins = self.at.filter(|(known, _)| *known == name).map_or(0, |(_, byte)| byte);
            self.at = Some((name, begins));
            if !self.read(name, &path, begins, &matcher, &mut take)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read(
        &mut self,
        name: FileName,
        path: &Path,
        begins: u64,
        matcher: &Matcher<'_>,
        take: &mut impl FnMut(&[u8], &Record<'_>) -> bool,
    ) -> Result<bool> {
        let mut lines = Lines::open_at(path, begins)?;
        let mut more = true;
        while more {
            match lines.next()? {
                Some(line) if line.ended => {
                    if let Ok(Some(record)) = matcher.judge(line.bytes, line.ended) {
                        more = take(line.bytes, &record);
                    }
                }
                // What is being written is read when it has its end.
                _ => return Ok(true),
            }
            self.at = Some((name, lines.position()));
        }
        Ok(false)
    }
}
