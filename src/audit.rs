//! The audit record, on the component's standard output.

use crate::clock::Arrival;
use sekisho_core::Facts;
use sekisho_core::audit::{Outcome, record};
use std::io::Write as _;

/// Writes the record of a request.
pub(crate) fn write(
    facts: &Facts<'_>,
    outcome: Outcome<'_>,
    policy: Option<&str>,
    arrival: &Arrival,
) {
    line(record(facts, outcome, policy, arrival.time(), arrival.elapsed()));
}

/// Writes one line in one piece, so that concurrent requests do not mix theirs. Standard output keeps no line back that
/// has its end.
pub(crate) fn line(mut line: String) {
    line.push('\n');
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_all(line.as_bytes()) {
        eprintln!("audit: {error}");
    }
}
