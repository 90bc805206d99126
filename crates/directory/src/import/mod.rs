//! Users from a CSV file (RFC 4180), and what it would change.
//!
//! | place | what |
//! | --- | --- |
//! | [`text`] | bytes to text: UTF-8 or Shift_JIS |
//! | [`columns`] | which column is which, by its name in Japanese or English |
//! | [`rows`] | each row as a user, with every fault of every line |
//! | [`plan`] | joiners, movers, leavers |
//! | [`labels`] | the same for the labels of assistants |

pub mod columns;
pub mod labels;
mod lines;
pub mod plan;
pub mod rows;
pub mod text;

/// Whether an export puts a `'` before a field, which an import takes away: a spreadsheet computes what begins like a
/// formula (OWASP, CSV Injection), in Japan also in full width; and a `'` that stands there by itself must stay.
pub fn is_guarded(field: &str) -> bool {
    field.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠', '\''])
}

/// What is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// The column's name as the file has it; none where the line itself is wrong.
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to write in its place.
    pub help: &'static str,
}
