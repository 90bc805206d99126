//! Open streams: what is looked at again while an answer is under way, so that whoever leaves does not read on.
//!
//! In evaluation order, by the rules of the road, from records that are read anew:
//!
//! 1. Revocation of tenant, subject and session, and the user in the directory ([`session`]).
//! 2. Roles, and the label of the assistant ([`authorize`](mod@authorize)), unless the route is in dry run.
//!
//! A token may expire while its answer streams, as it may during any answer; rate limits counted the request when
//! it came; and a policy is the instance's for its life.
//!
//! A store that does not answer ends nothing at once: the records are asked for again each second. When they have
//! been unknown for as long as they may be old ([`Watch::every`]), the stream ends.

use crate::denial::{Denial, Reason};
use crate::policy::{Directory, Route};
use crate::records::{Needed, Records};
use crate::token::claims::Principal;
use crate::{authorize, session};
use std::time::Duration;

/// After how long records are asked for again that could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// What a permitted request's answer is watched by, while it streams.
#[derive(Debug)]
pub struct Watch {
    pub(crate) needed: Needed<'static>,
    pub(crate) principal: Principal,
    pub(crate) directory: Directory,
    pub(crate) route: Route,
    pub(crate) assistant: Option<String>,
    pub(crate) every: Duration,
}

/// What was seen.
#[derive(Debug)]
pub enum Look {
    /// It may go on, and be looked at again after this time.
    Stands(Duration),
    /// The records could not be read; it may go on, and be looked at again after this time.
    Unknown(Duration),
    /// It must end.
    Over(Denial),
}

impl Watch {
    /// How old the records may be by which it goes on.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// The keys of the records.
    pub fn records(&self) -> &[String] {
        self.needed.keys()
    }

    /// Judges the records. `known` is how long ago the last were read.
    pub fn look(&self, records: &Records, known: Duration) -> Look {
        match self.judge(records) {
            Ok(()) => Look::Stands(self.every),
            Err(denial)
                if denial.reason() == Reason::StateUnavailable
                    && known < self.every.saturating_mul(2) =>
            {
                Look::Unknown(AGAIN.min(self.every))
            }
            Err(denial) => Look::Over(denial),
        }
    }

    fn judge(&self, records: &Records) -> Result<(), Denial> {
        let given = self.needed.given(records);
        let mut principal = self.principal.clone();
        session::judge(self.directory, given, &mut principal)?;
        if self.route.enforced() {
            authorize::rights(&self.route, self.assistant.as_deref(), given, &principal)?;
        }
        Ok(())
    }
}
