//! `sekisho audit write`: a trail of what another host's gateway prints.

use crate::audit;
use crate::commands::{block_on, keys};
use crate::exit::Exit;
use crate::report::Failure;
use sekisho_trail::Trail;
use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// The longest line that is taken in one piece, in bytes.
const MAX_LINE: u64 = 64 * 1024;

/// Write the lines of the standard input into a trail, as `sekisho up` does its own.
///
/// For Spin: what its gateway prints is piped into this. It ends with its input, and not by an interrupt, so that nothing
/// that was printed before the end is lost.
#[derive(Debug, clap::Args)]
pub(super) struct Write {
    /// The trail
    #[arg(long = "dir", value_name = "DIR")]
    directory: PathBuf,
    /// The gateway's own keys, to sign checkpoints
    #[arg(long, value_name = "KEYS.json")]
    keys: Option<PathBuf>,
}

impl Write {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let keys = self.keys.as_deref().map(keys::read).transpose()?;
        let trail = Trail::open(&self.directory, audit::options(keys.map(Arc::new)))?;
        block_on(async {
            // Listened to, they no longer end the process.
            let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let listen = |kind| signal(kind).map_err(|error| Failure::fault(error.to_string()));
            let _ignored: Vec<_> = signals.into_iter().map(listen).collect::<Result<_, _>>()?;
            let read = tokio::task::spawn_blocking(move || {
                let read = record(&trail, &mut io::stdin().lock());
                trail.close();
                read.map(|()| trail.flush(Instant::now()))
            });
            let read = read.await.map_err(|error| Failure::fault(error.to_string()))?;
            let written = read.map_err(|error| {
                Failure::fault(format!("cannot read the standard input: {error}"))
            })?;
            if !written {
                return Err(Failure::fault("some records could not be written")
                    .help("make room on the disk of the trail; what was read last is lost"));
            }
            Ok(Exit::Success)
        })
    }
}

fn record(trail: &Trail, source: &mut impl BufRead) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut *source).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        trail.wait_for_room();
        trail.append(None, line.strip_suffix(b"\n").unwrap_or(&line));
    }
}
