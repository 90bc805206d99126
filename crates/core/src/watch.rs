//! Open streams: what is looked at again while an answer is under way, so that whoever leaves does not read on.
//!
//! In evaluation order, by the rules of the road, from records that are read anew:
//!
//! 1. The user in the [`directory`](mod@directory), revocation of tenant, subject and session, and a session of the
//!    gateway's own ([`session`]).
//! 2. The tenant's own list of the network ([`managed`]), roles, and the label of the assistant
//!    ([`authorize`](mod@authorize)), unless the route is in dry run.
//!
//! A token or session may run out while its answer streams, as it may during any answer; rate limits counted the
//! request when it came; and a policy is the instance's for its life.
//!
//! A store that does not answer ends nothing at once: the records are asked for again soon. When they have been
//! unknown for half a minute, or for as long as they may be old where that is more ([`Watch::every`]), the stream ends.
//! One record that can't be read hides no other that says no.

use crate::denial::{Denial, Reason};
use crate::network::managed;
use crate::policy::{Directory, Route};
use crate::records::{Needed, Records};
use crate::token::claims::Principal;
use crate::{authorize, directory, session};
use std::net::IpAddr;
use std::time::Duration;

/// The least and the most time after which records are asked for again that could not be read: the usual one, but a
/// store that fails is not asked by every stream each second.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// How long records may stay unknown, at least: as long as a store takes to fail over.
const UNKNOWN: Duration = Duration::from_secs(30);

/// The least time that a store has to answer.
const PATIENCE: Duration = Duration::from_millis(100);

/// The most time that a store has to answer.
const MOST_PATIENCE: Duration = Duration::from_secs(30);

/// What a permitted request's answer is watched by, while it streams.
#[derive(Debug)]
pub struct Watch {
    pub(crate) needed: Needed<'static>,
    pub(crate) principal: Principal,
    pub(crate) directory: Directory,
    pub(crate) route: Route,
    pub(crate) assistant: Option<String>,
    pub(crate) client: Option<IpAddr>,
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
                if denial.reason() == Reason::StateUnavailable && known < self.longest() =>
            {
                let [least, most] = AGAIN;
                Look::Unknown(self.every.clamp(least, most))
            }
            Err(denial) => Look::Over(denial),
        }
    }

    /// How long the store may take to answer, when the records were read last so long ago.
    pub fn patience(&self, known: Duration) -> Duration {
        let left = self.longest().saturating_sub(known);
        MOST_PATIENCE.min(left).max(PATIENCE)
    }

    /// How old the records may be by which it goes on while no others can be read.
    fn longest(&self) -> Duration {
        self.every.saturating_add(self.every.max(UNKNOWN))
    }

    fn judge(&self, records: &Records) -> Result<(), Denial> {
        let given = self.needed.given(records);
        let mut unknown = None;
        // What can't be read is told when nothing else says no.
        let mut weigh = |judged: Result<(), Denial>| match judged {
            Err(denial) if denial.reason() == Reason::StateUnavailable => {
                unknown.get_or_insert(denial);
                Ok(false)
            }
            judged => judged.map(|()| true),
        };
        let mut principal = self.principal.clone();
        let rights = weigh(directory::look_up(self.directory, given, &mut principal))?;
        for stored in given.revocations() {
            weigh(session::not_revoked(stored, &self.principal))?;
        }
        if given.session().is_some() {
            weigh(session::record::stands(given, &self.principal).map(drop))?;
        }
        if self.route.enforced() {
            weigh(managed::judge(self.route.network(), self.client, given))?;
        }
        if rights && self.route.enforced() {
            let assistant = self.assistant.as_deref();
            weigh(authorize::rights(&self.route, assistant, given, &principal))?;
        }
        unknown.map_or(Ok(()), Err)
    }
}
