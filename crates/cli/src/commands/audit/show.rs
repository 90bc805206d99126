//! `sekisho audit show`: records, for people or as they are.

use super::filter::Filter;
use super::table;
use super::when::Zone;
use crate::exit::Exit;
use crate::report::{Failure, Style};
use sekisho_trail::read::{Bounds, Follower, Record, newest, records};
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// How often it is looked at whether more has come.
const LOOK: Duration = Duration::from_millis(200);

/// Show records, the oldest first, also while the gateway writes.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The trail; if not given, .sekisho/audit beside the nearest spin.toml
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    /// What the record is about: request, stream-end, checkpoint, text, torn, or another event
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Only the last so many
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Show what comes, too, until interrupted
    #[arg(long)]
    follow: bool,
    /// The records as they are, one JSON line each, in UTC
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self, style: Style) -> Result<Exit, Failure> {
        let directory = super::directory(self.directory)?;
        let zone = self.filter.zone()?;
        let query = self.filter.query(self.event)?;
        // Before what is there is read, so that nothing lies between.
        let follower = self.follow.then(|| Follower::from_end(&directory)).transpose()?;
        let look = Look { zone, style, json: self.json, is_terminal: io::stdout().is_terminal() };
        let mut screen =
            Screen { out: BufWriter::new(io::stdout().lock()), look, failed: None, last: 0 };
        if !self.json {
            screen.write(table::HEADER.as_bytes());
        }
        if let Some(count) = self.last {
            let bounds = Bounds { records: count, bytes: u64::MAX };
            let page = newest(&directory, &query, None, bounds)?;
            for line in page.lines.iter().rev() {
                screen.show(line, &Record::of(line).unwrap_or_default());
            }
        } else {
            let seen = records(&directory, &query, |line, record| screen.show(line, record))?;
            super::tell_of_unreadable(seen);
        }
        screen.flush();
        if let Some(mut follower) = follower {
            let before = screen.last;
            while screen.failed.is_none() {
                follower.poll(&query, |line, record| {
                    record.seq.is_some_and(|seq| seq <= before) || screen.show(line, record)
                })?;
                screen.flush();
                std::thread::sleep(LOOK);
            }
        }
        screen.end()
    }
}

/// How records look.
struct Look {
    zone: Zone,
    style: Style,
    json: bool,
    is_terminal: bool,
}

/// Where they are shown.
struct Screen {
    out: BufWriter<StdoutLock<'static>>,
    look: Look,
    failed: Option<io::Error>,
    /// The number of the last record.
    last: u64,
}

impl Screen {
    /// Shows a record, and says whether there may be more.
    fn show(&mut self, line: &[u8], record: &Record<'_>) -> bool {
        let Look { zone, style, json, is_terminal } = &self.look;
        if !json {
            let text = table::line(record, zone, *style);
            self.write(text.as_bytes());
        } else if *is_terminal {
            let text = table::inert(&String::from_utf8_lossy(line));
            self.write(text.as_bytes());
            self.write(b"\n");
        } else {
            self.write(line);
            self.write(b"\n");
        }
        self.last = self.last.max(record.seq.unwrap_or_default());
        self.failed.is_none()
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
    }

    /// A reader that has seen enough and closed it is no failure.
    fn end(self) -> Result<Exit, Failure> {
        match self.failed {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::fault(format!("cannot write to the standard output: {error}")))
            }
            _ => Ok(Exit::Success),
        }
    }
}
