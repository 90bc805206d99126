//! Lines and fields of a CSV file, as whoever wrote it sees them.

use super::{Fault, is_guarded};

/// Counts lines as editors do. The parser's own count begins a record before the line ends and empty lines that it
/// skips, and knows no `\r\n`.
pub(super) struct Lines<'t> {
    rest: &'t str,
    offset: u64,
    line: u64,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text, offset: 0, line: 1 }
    }

    /// The line of the first character at or behind this byte that ends no line; bytes come in order.
    pub(super) fn of(&mut self, byte: u64) -> u64 {
        while let Some(next) = self.rest.bytes().next() {
            let ends = matches!(next, b'\n' | b'\r');
            if self.offset >= byte && !ends {
                break;
            }
            let length = if self.rest.starts_with("\r\n") { 2 } else { self.width() };
            self.line += u64::from(ends);
            self.offset += length as u64;
            self.rest = self.rest.get(length..).unwrap_or_default();
        }
        self.line
    }

    fn width(&self) -> usize {
        self.rest.chars().next().map_or(1, char::len_utf8)
    }
}

pub(super) fn broken(error: &csv::Error) -> Fault {
    Fault {
        line: error.position().map_or(1, csv::Position::line),
        column: None,
        message: "this is no line of a CSV file".to_owned(),
        help: "write it as a spreadsheet does: fields with commas or line ends in double quotes",
    }
}

/// A field without what stands around it, and without what guards it: an export guards what a spreadsheet would compute.
pub(super) fn field(record: &csv::StringRecord, place: usize) -> &str {
    let field = record.get(place).unwrap_or_default().trim();
    field.strip_prefix('\'').filter(|rest| is_guarded(rest)).unwrap_or(field)
}

/// A field as it can be shown: bounded, and nothing that moves a cursor.
pub(super) fn quoted(field: &str) -> String {
    let short: String = field.chars().take(64).collect();
    let more = if short.len() < field.len() { "…" } else { "" };
    format!("{short:?}{more}")
}
