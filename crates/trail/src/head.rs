//! A point of the chain, and the file `head` with the newest one.
//!
//! The chain itself can't tell that its end was cut off. The writer replaces `head` at each checkpoint, after the records up to
//! there are durable, so that a trail which ends before its head has lost something.

use crate::disk;
use crate::error::{Error, Result};
use crate::link::{Hash, is_chain};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4096;

/// A place in a chain, up to which it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The chain's identifier.
    pub chain: String,
    /// A record's number.
    pub seq: u64,
    /// A hash: of that record's line in `head`; in a checkpoint, of the line before it.
    pub hash: Hash,
    /// When this was said.
    pub time: Timestamp,
}

/// Where a directory's head is.
pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join("head")
}

/// Replaces the head.
pub(crate) fn write(directory: &Path, point: &Point) -> Result<()> {
    let Point { chain, seq, hash, time } = point;
    let text = json!({"chain": chain, "seq": seq, "hash": hash.to_string(), "time": time});
    disk::replace(&path(directory), format!("{text}\n").as_bytes())
}

/// The head, if there is one.
pub fn read(directory: &Path) -> Result<Option<Point>> {
    let path = path(directory);
    let text = match fs::metadata(&path) {
        Ok(file) if file.len() <= LARGEST => fs::read(&path).map_err(Error::of("read", &path))?,
        Ok(_) => return Err(Error::unsound(&path, "it is too large")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::of("read", &path)(error)),
    };
    parse(&text).map(Some).ok_or_else(|| Error::unsound(&path, "it names no point of a chain"))
}

fn parse(text: &[u8]) -> Option<Point> {
    let json: Value = serde_json::from_slice(text).ok()?;
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    Some(Point {
        chain: text("chain").filter(|chain| is_chain(chain))?.to_owned(),
        seq: json.get("seq")?.as_u64()?,
        hash: text("hash")?.parse().ok()?,
        time: text("time")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
        let point = Point {
            chain: "0123456789abcdef0123456789abcdef".to_owned(),
            seq: 7,
            hash: Hash::of(b"line"),
            time: "2026-11-28T09:00:00.25Z".parse().unwrap(),
        };
        for _ in 0..2 {
            write(directory.path(), &point).unwrap();
            assert_eq!(read(directory.path()).unwrap(), Some(point.clone()));
        }
        for text in ["", "{}", r#"{"chain":"x","seq":1,"hash":"","time":""}"#] {
            fs::write(path(directory.path()), text).unwrap();
            assert!(read(directory.path()).is_err(), "{text}");
        }
    }
}
