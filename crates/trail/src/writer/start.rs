//! Where a trail goes on.

use super::Options;
use super::chain::{Chain, End};
use crate::directory::{self, FileName};
use crate::disk;
use crate::error::{Error, Result};
use crate::event;
use crate::head;
use crate::link::{Hash, Link, hex};
use crate::read::LONGEST_LINE;
use jiff::tz::TimeZone;
use serde_json::json;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// The end of the chain in a directory: after its last record, or after its head, if that is further on. Then
/// something was cut off, and the gap stays for everybody to see.
pub(super) fn resume(directory: &Path, options: &Options) -> Result<Chain> {
    let now = (options.clock)();
    let today = now.to_zoned(TimeZone::UTC).date();
    let files = directory::files(directory)?;
    let mut torn = None;
    let mut last = None;
    for (_, path) in files.iter().rev() {
        let end = last_lines(path)?;
        let before = end.whole.or_else(|| last_of_earlier(&files, path));
        if !end.torn.is_empty() {
            if completes(&end.torn, before.as_deref()) {
                append(path, b"\n")?;
                last = Some(end.torn);
                break;
            }
            torn = Some(set_aside(path, &end.torn, end.size)?);
        }
        last = before;
        if last.is_some() {
            break;
        }
    }
    let last = last.map(|line| end_of(&line, directory)).transpose()?;
    let end = match (last, head::read(directory)?) {
        (Some(last), Some(head)) if is_beyond(&head, &last) => of_head(head),
        (Some(last), _) => last,
        (None, Some(head)) => of_head(head),
        (None, None) => End { chain: new_chain(directory)?, seq: 0, hash: Hash::NONE },
    };
    let name = match files.last() {
        None => FileName { day: today, number: 1 },
        Some((name, path)) => {
            let size = path.metadata().map_err(Error::of("read", path))?.len();
            let goes_on = name.day >= today && size < options.largest_file;
            if goes_on { *name } else { name.next(today) }
        }
    };
    let path = directory.join(name.to_string());
    let file = disk::private().create(true).append(true).open(&path);
    let file = file.map_err(Error::of("open", &path))?;
    let size = file.metadata().map_err(Error::of("read", &path))?.len();
    let mut chain = Chain::resume(end, name, file, size);
    if let Some((bytes, file)) = torn {
        let event = event::TORN;
        let object = format!(
            r#"{{"v":1,"event":"{event}","time":"{now:.6}","bytes":{bytes},"file":{}"#,
            json!(file)
        );
        chain.push(object.into_bytes());
    }
    Ok(chain)
}

fn is_beyond(head: &head::Point, last: &End) -> bool {
    head.chain != last.chain
        || head.seq > last.seq
        || (head.seq == last.seq && head.hash != last.hash)
}

fn of_head(head: head::Point) -> End {
    End { chain: head.chain, seq: head.seq, hash: head.hash }
}

fn end_of(line: &[u8], directory: &Path) -> Result<End> {
    let last = Link::of(line).ok_or_else(|| {
        Error::unsound(directory, "its last line is no record of a trail, so it can't go on")
    })?;
    Ok(End { chain: last.chain.to_owned(), seq: last.seq, hash: Hash::of(line) })
}

fn new_chain(directory: &Path) -> Result<String> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|error| Error::unsound(directory, format!("no random bytes: {error}")))?;
    Ok(hex(&id))
}

/// Whether a last line without its end is a whole record.
fn completes(torn: &[u8], before: Option<&[u8]>) -> bool {
    Link::of(torn).is_some_and(|link| {
        let before = before.and_then(|line| Some((Link::of(line)?, Hash::of(line))));
        before.map_or(link.prev == Hash::NONE, |(known, hash)| {
            known.chain == link.chain
                && known.seq.checked_add(1) == Some(link.seq)
                && link.prev == hash
        })
    })
}

struct LastLines {
    /// The last line that has its end, without it.
    whole: Option<Vec<u8>>,
    /// What comes after it.
    torn: Vec<u8>,
    size: u64,
}

fn last_lines(path: &Path) -> Result<LastLines> {
    let read = || -> io::Result<(Vec<u8>, u64)> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let tail = u64::try_from(2 * LONGEST_LINE).unwrap_or(u64::MAX).min(size);
        file.seek(SeekFrom::Start(size - tail))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((bytes, size))
    };
    let (mut bytes, size) = read().map_err(Error::of("read", path))?;
    let ended = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
    let torn = bytes.split_off(ended);
    bytes.pop();
    let begun = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
    let whole = (ended > 0).then(|| bytes.split_off(begun));
    Ok(LastLines { whole, torn, size })
}

/// The last line before a file that has none.
fn last_of_earlier(files: &[(FileName, std::path::PathBuf)], file: &Path) -> Option<Vec<u8>> {
    let mut earlier = files.iter().rev().skip_while(|(_, path)| path != file).skip(1);
    earlier.find_map(|(_, path)| last_lines(path).ok()?.whole)
}

fn append(path: &Path, bytes: &[u8]) -> Result<()> {
    let appended = || File::options().append(true).open(path)?.write_all(bytes);
    appended().map_err(Error::of("write to", path))
}

/// Moves an unfinished line into a file beside it, and says how many bytes it had and where they are.
fn set_aside(path: &Path, torn: &[u8], size: u64) -> Result<(usize, String)> {
    let begins = size - u64::try_from(torn.len()).unwrap_or_default();
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".torn-{begins}"));
    let aside = Path::new(&aside);
    disk::replace(aside, torn)?;
    let file = File::options().write(true).open(path).map_err(Error::of("open", path))?;
    file.set_len(begins).and_then(|()| file.sync_all()).map_err(Error::of("shorten", path))?;
    let name = aside.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((torn.len(), name))
}
