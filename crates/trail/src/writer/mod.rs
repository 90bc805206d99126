//! The one writer of a trail.
//!
//! A record is with the system when [`Trail::append`] returns, where the disk takes it: a kill of this process loses none. A
//! thread makes it durable within a second, signs checkpoints and replaces the head. What the disk refuses waits, in
//! order, and is tried again; when too much waits, [`Trail::has_room`] says no. What cannot be recorded is not done.

mod chain;
mod keeper;
mod start;

use crate::disk;
use crate::error::{Error, Result};
use crate::head::Point;
use chain::Chain;
use jiff::Timestamp;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Instant;

/// Bytes that may wait for the disk before the components wait too.
const MAX_WAITING: usize = 8 * 1024 * 1024;
/// The size at which a new file is begun, in bytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Signs a point of the chain: a compact JWS.
pub type Signer = Arc<dyn Fn(&Point) -> std::result::Result<String, String> + Send + Sync>;

/// How bytes get into a file; another one in tests.
type Write = Arc<dyn Fn(&File, &[u8]) -> io::Result<usize> + Send + Sync>;

/// How a trail is written.
#[derive(Clone)]
pub struct Options {
    /// Who signs the checkpoints, if anybody does.
    pub signer: Option<Signer>,
    /// The clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Who is told of what the disk refuses; called from the trail's own thread.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
    /// The size at which a new file is begun, in bytes.
    pub largest_file: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            signer: None,
            clock: Arc::new(Timestamp::now),
            tell: Arc::new(|_| ()),
            largest_file: LARGEST_FILE,
        }
    }
}

/// A trail that is being written. Dropping it ends it as [`Trail::close`] does.
pub struct Trail {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    directory: PathBuf,
    options: Options,
    write: Write,
    state: Mutex<State>,
    changed: Condvar,
    /// Held as long as the trail is.
    _lock: File,
}

struct State {
    chain: Chain,
    signer: Option<Signer>,
    /// What the disk refuses, or what else is wrong, until it is not.
    trouble: Option<String>,
    /// The system has not said that what it took is on the disk.
    is_unsafe: bool,
    /// Writers without room.
    blocked: Vec<Waker>,
    /// The keeper waits for a record.
    idle: bool,
    ended: bool,
}

impl Trail {
    /// Goes on with the trail of a directory, or begins one, with a checkpoint.
    ///
    /// # Errors
    /// Another program writes it; its end can't be read; the disk refuses.
    pub fn open(directory: &Path, options: Options) -> Result<Self> {
        let write = |mut file: &File, bytes: &[u8]| io::Write::write(&mut file, bytes);
        Self::open_by(directory, options, Arc::new(write))
    }

    fn open_by(directory: &Path, options: Options, write: Write) -> Result<Self> {
        disk::create(directory)?;
        let lock = disk::lock(directory)?;
        let signer = options.signer.clone();
        let chain = start::resume(directory, &options)?;
        let state = State {
            chain,
            signer,
            trouble: None,
            is_unsafe: false,
            blocked: Vec::new(),
            idle: false,
            ended: false,
        };
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            options,
            write,
            state: Mutex::new(state),
            changed: Condvar::new(),
            _lock: lock,
        });
        {
            let mut state = shared.state();
            shared.checkpoint(&mut state);
            if !state.chain.waiting.is_empty() {
                return Err(Error::unsound(directory, state.trouble.take().unwrap_or_default()));
            }
        }
        shared.keep()?;
        let theirs = Arc::clone(&shared);
        let keeper = std::thread::Builder::new()
            .name("sekisho-audit".to_owned())
            .spawn(move || theirs.run())
            .map_err(Error::of("start the thread that keeps", directory))?;
        Ok(Self { shared, keeper: Mutex::new(Some(keeper)) })
    }

    /// Appends what `component` printed, a line without its line feed; without, the gateway's or an operator's own word. It is
    /// never dropped: where the disk refuses, it waits, whether or not there is room.
    pub fn append(&self, component: Option<&str>, line: &[u8]) {
        let mut state = self.shared.state();
        let now = (self.shared.options.clock)();
        self.shared.turn(&mut state, now);
        state.chain.push(crate::record::object(line, component, now));
        self.shared.write(&mut state);
        if std::mem::take(&mut state.idle) {
            drop(state);
            self.shared.changed.notify_all();
        }
    }

    /// Whether another record may come.
    pub fn has_room(&self) -> bool {
        self.shared.state().has_room()
    }

    /// Ready when another record may come.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.shared.state();
        if state.has_room() {
            return Poll::Ready(());
        }
        if !state.blocked.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.blocked.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Blocks until there is room.
    pub fn wait_for_room(&self) {
        let full = |state: &mut State| !state.has_room();
        drop(self.shared.changed.wait_while(self.shared.state(), full));
    }

    /// Blocks until every record so far is with the system, at most until `end`, and says whether it is.
    pub fn flush(&self, end: Instant) -> bool {
        let limit = end.saturating_duration_since(Instant::now());
        let waits = |state: &mut State| !state.chain.waiting.is_empty();
        let waited = self.shared.changed.wait_timeout_while(self.shared.state(), limit, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.chain.waiting.is_empty()
    }

    /// Signs from now on by this, or not at all.
    pub fn sign_by(&self, signer: Option<Signer>) {
        self.shared.state().signer = signer;
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// Ends in order: a last checkpoint, everything durable. Records that still come are appended all the same, with no
    /// checkpoint after them.
    pub fn close(&self) {
        self.shared.state().ended = true;
        self.shared.changed.notify_all();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            // It does not panic; and if it did, nothing more could be done here.
            let _ = keeper.join();
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.chain.waiting.len() <= MAX_WAITING && !self.is_unsafe
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the system what waits, as far as it takes it.
    fn write(&self, state: &mut State) {
        if let Err(error) = state.chain.write(&self.write) {
            state.trouble = Some(format!("cannot write to it: {error}"));
        }
    }

    /// Begins a new file when the day or the size of this one says so. The old one ends with a checkpoint.
    fn turn(&self, state: &mut State, now: Timestamp) {
        if !state.chain.is_full(now, self.options.largest_file) {
            return;
        }
        if state.chain.unchecked > 0 {
            self.checkpoint(state);
        }
        // Where it can't be made, this file goes on: there may be none at all, and the keeper tells of what fails.
        if state.chain.waiting.is_empty()
            && let Err(error) = state.chain.turn(&self.directory, now)
        {
            state.trouble = Some(error.to_string());
        }
    }

    /// Appends a checkpoint. One that can't be signed says so.
    fn checkpoint(&self, state: &mut State) {
        let now = (self.options.clock)();
        if let Err(why) = state.chain.checkpoint(now, state.signer.as_ref()) {
            state.trouble = Some(format!("cannot sign a checkpoint: {why}"));
        }
        self.write(state);
    }
}

#[cfg(test)]
mod tests;
