//! The thread that makes records durable, signs checkpoints and tries again what the disk refused.

use super::{Shared, State};
use crate::disk;
use crate::error::{Error, Result};
use crate::head;
use std::sync::PoisonError;
use std::task::Waker;
use std::time::Duration;

/// How soon what waits for the disk is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// How soon a record is durable.
const SYNC: Duration = Duration::from_secs(1);
/// How many records may have no checkpoint after them, looked at once in [`SYNC`]: a signature costs 0.02 ms and a head two
/// writes of a small file.
const MANY: u64 = 1000;
/// How long a record may have no checkpoint after it.
const LONG: Duration = Duration::from_mins(1);

impl Shared {
    /// Runs until the trail has ended.
    pub(super) fn run(&self) {
        let mut told = None;
        loop {
            let ended = self.wait();
            {
                let mut state = self.state();
                if !state.chain.waiting.is_empty() {
                    self.write(&mut state);
                }
                if state.chain.waiting.is_empty() && state.is_due(ended) {
                    self.checkpoint(&mut state);
                }
            }
            let kept = self.keep();
            self.tell(&mut told, kept.err().map(|error| error.to_string()));
            self.wake();
            if ended {
                return;
            }
        }
    }

    /// Waits until there may be something to do, and says whether the trail has ended.
    fn wait(&self) -> bool {
        let mut state = self.state();
        state.idle = state.is_quiet() && !state.ended;
        let idle = |state: &mut State| state.idle && !state.ended;
        let state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        let pause = if state.chain.waiting.is_empty() { SYNC } else { RETRY };
        let waited = self.changed.wait_timeout_while(state, pause, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Makes durable what the system has, then moves the head to the newest checkpoint in it.
    pub(super) fn keep(&self) -> Result<()> {
        let unsynced = {
            let mut state = self.state();
            let mut unsynced = std::mem::take(&mut state.chain.unsynced);
            // The checkpoint itself may still wait for the disk.
            if !state.chain.waiting.is_empty() {
                state.chain.unsynced.head = unsynced.head.take();
            }
            unsynced
        };
        if unsynced.is_empty() {
            return Ok(());
        }
        let synced = unsynced.files.iter().try_for_each(|file| file.sync_data());
        let synced = synced.map_err(Error::of("make durable a file in", &self.directory));
        let is_unsafe = synced.is_err();
        let kept = synced.and_then(|()| {
            if unsynced.directory {
                disk::sync(&self.directory)?;
            }
            unsynced.head.as_ref().map_or(Ok(()), |point| head::write(&self.directory, point))
        });
        let mut state = self.state();
        // A head that lags behind loses no record, so nobody waits for it.
        state.is_unsafe = is_unsafe;
        if kept.is_err() {
            state.chain.unsynced.put_back(unsynced);
        }
        kept
    }

    /// Tells of trouble when it begins, changes and ends.
    fn tell(&self, told: &mut Option<String>, kept: Option<String>) {
        let trouble = {
            let mut state = self.state();
            let written = state.trouble.take();
            // What waits is in trouble until it does not wait.
            let waits = !state.chain.waiting.is_empty();
            kept.or(written).or_else(|| told.clone().filter(|_| waits))
        };
        if trouble != *told {
            let directory = self.directory.display();
            (self.options.tell)(&match &trouble {
                Some(why) => format!("the audit trail {directory}: {why}"),
                None => format!("the audit trail {directory} is in order again"),
            });
            *told = trouble;
        }
    }

    /// Lets writers go on that waited for room.
    fn wake(&self) {
        let mut state = self.state();
        let blocked =
            if state.has_room() { std::mem::take(&mut state.blocked) } else { Vec::new() };
        drop(state);
        self.changed.notify_all();
        blocked.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        let chain = &self.chain;
        chain.waiting.is_empty() && chain.unsynced.is_empty() && chain.unchecked == 0
    }

    fn is_due(&self, ended: bool) -> bool {
        let chain = &self.chain;
        let due = ended || chain.unchecked >= MANY || chain.checked.elapsed() >= LONG;
        chain.unchecked > 0 && due
    }
}
