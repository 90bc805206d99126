//! The audit trail of a gateway that this program runs, and its daily backup.

use crate::component::GATEWAY;
use crate::own::Own;
use crate::report::{Failure, say};
use crate::store::Keep;
use crate::text::printable;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::OwnKeys;
use sekisho_core::token::own::checkpoint::Checkpoint;
use sekisho_host::{Output, Recorder};
use sekisho_trail::backup::{backup, generations};
use sekisho_trail::{Error, Options, Point, Signer, Trail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How often it is looked at whether a backup is due.
const LOOK: Duration = Duration::from_mins(1);
/// How long to wait after a backup that failed.
const RETRY: Duration = Duration::from_mins(10);

/// Where a gateway's records go besides its standard output.
pub struct Plan {
    /// The trail's directory.
    pub directory: PathBuf,
    /// Where its daily backups go, if anywhere.
    pub backup: Option<PathBuf>,
}

/// A trail that a running gateway writes.
pub(crate) struct Audit {
    trail: Arc<Trail>,
    directory: PathBuf,
    /// Dropped, it ends the thread that makes backups.
    _backups: Option<mpsc::Sender<()>>,
}

impl Audit {
    /// Opens the trail.
    pub(crate) fn start(plan: &Plan, own: &Own) -> Result<Self, Failure> {
        let trail = Arc::new(Trail::open(&plan.directory, options(own.keys()))?);
        let backups =
            plan.backup.as_ref().map(|to| back_up_daily(&plan.directory, to)).transpose()?;
        Ok(Self { trail, directory: plan.directory.clone(), _backups: backups })
    }

    /// Where the trail is.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the components' lines go.
    pub(crate) fn output(&self) -> Output {
        Output::Recorded(Arc::new(Recording(Arc::clone(&self.trail))))
    }

    /// What keeps records that come by another way than a component's output.
    pub(crate) fn keeper(&self) -> Keeper {
        Keeper(Arc::clone(&self.trail))
    }

    /// Signs by these keys from now on.
    pub(crate) fn sign_by(&self, own: &Own) {
        self.trail.sign_by(own.keys().and_then(signer));
    }

    /// Ends in order.
    pub(crate) fn close(&self) {
        self.trail.close();
    }
}

/// Keeps records in a trail.
pub(crate) struct Keeper(Arc<Trail>);

impl Keeper {
    /// Takes these lines, unless others wait for the disk already. What is no record of a command's is marked as the
    /// state's: a component that may write there must not pass for the gateway.
    pub(crate) fn keep(&self, lines: &str) -> Keep {
        let is_written = || self.0.flush(Instant::now());
        let may_take = lines.is_empty() || is_written() && self.0.has_room();
        if !may_take {
            return Keep::No;
        }
        for line in lines.lines() {
            let of = if is_of_a_command(line) { None } else { Some("state") };
            self.0.append(of, line.as_bytes());
        }
        if is_written() { Keep::Written } else { Keep::Waits }
    }
}

fn is_of_a_command(line: &str) -> bool {
    let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    record.get("event").is_some_and(|event| event == "administration")
        && record.get("by").is_some_and(|by| by == "command")
}

/// How this program writes a trail.
pub(crate) fn options(keys: Option<Arc<OwnKeys>>) -> Options {
    Options {
        signer: keys.and_then(signer),
        tell: Arc::new(|what| say(printable(what))),
        ..Options::default()
    }
}

/// Signs checkpoints by the gateway's own EdDSA key, if it has one.
fn signer(keys: Arc<OwnKeys>) -> Option<Signer> {
    let signs = keys.signs(Algorithm::EdDSA);
    signs.then(|| Arc::new(move |point: &Point| signed(point).sign(&keys)) as Signer)
}

/// A point as core signs it.
fn signed(point: &Point) -> Checkpoint {
    Checkpoint {
        chain: point.chain.clone(),
        seq: point.seq,
        prev: point.hash.to_string(),
        time: format!("{:.6}", point.time),
    }
}

/// What core has verified, as a point.
pub(crate) fn point(checkpoint: &Checkpoint) -> Result<Point, String> {
    Ok(Point {
        chain: checkpoint.chain.clone(),
        seq: checkpoint.seq,
        hash: checkpoint.prev.parse().map_err(|_| "what is signed names no record".to_owned())?,
        time: checkpoint.time.parse().map_err(|_| "what is signed has no time".to_owned())?,
    })
}

/// Hands on what components print. What another one than the gateway does is marked as such.
struct Recording(Arc<Trail>);

impl Recorder for Recording {
    fn line(&self, component: &str, line: &[u8]) {
        self.0.append(Some(component).filter(|name| *name != GATEWAY), line);
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.poll_room(cx)
    }

    fn has_room(&self) -> bool {
        self.0.has_room()
    }

    fn flush(&self, end: Instant) {
        if !self.0.flush(end) {
            say("some audit records could not be written");
        }
    }
}

/// A thread that backs up once each UTC day, and at once where there is no backup of this day.
fn back_up_daily(trail: &Path, to: &Path) -> Result<mpsc::Sender<()>, Failure> {
    let (alive, ended) = mpsc::channel();
    let (trail, to) = (trail.to_owned(), to.to_owned());
    // What cannot be used at all is told before anything is served.
    is_due(&to)?;
    let keep = move || {
        let mut pause = Duration::ZERO;
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause =
                match is_due(&to).and_then(|due| if due { back_up(&trail, &to) } else { Ok(()) }) {
                    Ok(()) => LOOK,
                    Err(error) => {
                        say(printable(&format!("no backup of the audit trail: {error}")));
                        RETRY
                    }
                };
        }
    };
    std::thread::Builder::new().name("sekisho-backup".to_owned()).spawn(keep).map_err(|error| {
        Failure::fault(format!("cannot start the thread that makes backups: {error}"))
    })?;
    Ok(alive)
}

fn is_due(to: &Path) -> sekisho_trail::Result<bool> {
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    let today = day(Timestamp::now());
    Ok(!generations(to)?.iter().any(|made| day(made.time) == today))
}

fn back_up(trail: &Path, to: &Path) -> sekisho_trail::Result<()> {
    let made = backup(trail, to, Timestamp::now())?;
    if !made.generation.sound {
        let (trail, copy) = (trail.display(), made.generation.path.display());
        say(printable(&format!(
            "the chain of {trail} does not hold: sekisho audit verify {trail}; {copy} keeps it as it is, and the \
             newest backup that holds stays"
        )));
    }
    Ok(())
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::invalid(error.to_string());
        match error {
            Error::Locked(_) => failure.help(
                "one gateway writes it: give this one a directory of its own, such as --audit audit-2",
            ),
            Error::Unsound { .. } => {
                failure.help("sekisho audit verify says what is wrong; sekisho audit restore brings a backup back")
            }
            Error::System { .. } | Error::Elsewhere => failure,
        }
    }
}
