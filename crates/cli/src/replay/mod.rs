//! Recorded requests under two policies: which of them would get another verdict.
//!
//! | place | what |
//! | --- | --- |
//! | [`record`] | what of an audit record makes a request again |
//! | [`judge`] | its verdict under a policy |
//! | [`tally`] | what came of all of them, in bounded memory |
//!
//! An audit record has no token, query, header or body, and names the client, not the way it came.
//! So the client is the peer, the user's token is signed by the [test key](crate::test_key), and what
//! stands before the gateway is not judged, nor are a token's keys, algorithm, type and age. State is
//! assumed as recorded: who was revoked still is; whoever was let in is active, with the roles and
//! groups of the record; an assistant that was shown is everyone's. What can't be known is not guessed:
//! a request that was refused before its token was read is undetermined beyond the network, and so is
//! one that the new policy permits by state that the old one did not ask for.

pub mod judge;
mod known;
pub mod record;
pub mod tally;

use crate::input::{Line, next_line};
use crate::report::Failure;
use crate::test_key::TestKey;
use jiff::Timestamp;
use judge::{Judge, Verdict};
use record::Record;
use sekisho_core::policy::Files;
use std::io::BufRead;
use tally::Tally;

/// The longest record, in bytes; the gateway writes far shorter ones.
const MAX_LINE: usize = 64 * 1024;

/// Judges every record of a file under both policies.
///
/// # Errors
/// A policy takes no test key, or the file can't be read on.
pub fn replay(old: &Files, new: &Files, mut records: impl BufRead) -> Result<Tally, Failure> {
    let key = TestKey::generate()?;
    let (old, new) = (key.install_for_replay(old)?, key.install_for_replay(new)?);
    let mut judge = Judge::new(&key, &old, &new, Timestamp::now());
    let mut tally = Tally::default();
    loop {
        let line = next_line(&mut records, MAX_LINE)
            .map_err(|error| Failure::invalid(format!("cannot read the records: {error}")))?;
        let Some(line) = line else { return Ok(tally) };
        tally.lines += 1;
        let record = match line {
            Line::TooLong => Err("it is longer than 64 KiB".to_owned()),
            Line::Whole(bytes) => Record::parse(&bytes),
        };
        if record.as_ref().is_ok_and(|record| record.event.is_some()) {
            // The request of this stream has a record of its own.
            continue;
        }
        match record {
            Err(why) => tally.bad(&why),
            Ok(record) => match judge.both(&record) {
                Err(why) => tally.not_judged(why),
                Ok(both) => tally.judged(&record, &both),
            },
        }
    }
}

/// What both policies say of a record, and where.
#[derive(Clone, Copy, Debug)]
pub struct Both<'p> {
    /// The old policy's verdict.
    pub old: Verdict,
    /// The new policy's.
    pub new: Verdict,
    /// The tenant of the host, by either policy.
    pub tenant: Option<&'p str>,
    /// The route, by the new policy or else by the old one.
    pub route: Option<&'p str>,
}
