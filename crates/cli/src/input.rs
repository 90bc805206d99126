//! Reading what the caller names, with a bound on each.

use crate::report::Failure;
use jiff::SignedDuration;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// A whole file of at most `limit` bytes.
pub fn bounded_file(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::invalid(format!("{name} does not exist")),
        _ => Failure::invalid(format!("cannot read {name}: {error}")),
    })?;
    bounded(file, &name.to_string(), limit)
}

/// A whole file, or standard input for `-`.
pub fn file_or_stdin(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        bounded(io::stdin().lock(), "the standard input", limit)
    } else {
        bounded_file(path, limit)
    }
}

fn bounded(source: impl Read, name: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::invalid(format!("cannot read {name}: {error}")))?;
    if bytes.len() > limit {
        return Err(Failure::invalid(format!("{name} is larger than {}", size(limit))));
    }
    Ok(bytes)
}

fn size(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    if bytes >= MIB { format!("{} MiB", bytes / MIB) } else { format!("{} KiB", bytes / 1024) }
}

/// One line of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its bytes, without the line feed.
    Whole(Vec<u8>),
    /// It is longer than the limit; it was read to its end and dropped.
    TooLong,
}

/// The next line, or `None` at the end. Never holds more than `limit` bytes of it.
pub fn next_line(source: &mut impl BufRead, limit: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut too_long = false;
    let mut began = false;
    loop {
        let available = match source.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            break;
        }
        began = true;
        let (piece, consumed, ended) = match available.iter().position(|byte| *byte == b'\n') {
            Some(end) => (available.get(..end).unwrap_or_default(), end + 1, true),
            None => (available, available.len(), false),
        };
        too_long = too_long || line.len() + piece.len() > limit;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(piece);
        }
        source.consume(consumed);
        if ended {
            break;
        }
    }
    Ok(began.then_some(if too_long { Line::TooLong } else { Line::Whole(line) }))
}

/// A time such as 90s, 30m, 12h or 1h30m, in seconds.
pub fn lifetime(text: &str) -> Result<u64, String> {
    let duration: SignedDuration =
        text.parse().map_err(|_| "write a time such as 90s, 30m, 12h or 1h30m".to_owned())?;
    u64::try_from(duration.as_secs())
        .ok()
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "it must be at least a second".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_are_bounded() {
        let text = b"one\n\nlonger than ten\nlast";
        // A buffer of 4 bytes makes every line come in pieces.
        let mut source = BufReader::with_capacity(4, &text[..]);
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut source, 10).unwrap() {
            lines.push(line);
        }
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(lines, [whole("one"), whole(""), Line::TooLong, whole("last")]);
    }

    #[test]
    fn lifetimes() {
        for (text, want) in [
            ("1h", Some(3600)),
            ("90s", Some(90)),
            ("1h30m", Some(5400)),
            ("0s", None),
            ("-1h", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(lifetime(text).ok(), want, "{text}");
        }
    }
}
