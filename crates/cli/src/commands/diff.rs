//! `sekisho diff`: what a change of policy opens and closes.

use crate::exit::Exit;
use crate::policy_diff::{self, Change, Effect};
use crate::policy_dir;
use crate::replay::{self, tally::Tally};
use crate::report::{Failure, Paint, Style};
use crate::text::printable;
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The most kinds of changed verdicts that are shown to people.
const MOST: usize = 50;

const EXAMPLES: &str = "\
Examples:
  sekisho diff deployed policy
  sekisho diff deployed policy --replay audit.jsonl
  sekisho diff deployed policy --replay - --json < audit.jsonl | jq .replay.changes

A replay judges each audit record under both policies. A record has no token, query, header or
body: its user's token is signed by a throw-away key, trusted proxies, a token's keys, algorithm,
type and age and how claims are mapped are not judged, new rate limits count nobody, and state is
assumed as recorded. What else a record can't tell is said to be undetermined, as is what the new
policy asks of the state and the old one did not.

Exit codes: 0 no recorded request gets another verdict, or there is no replay; 3 some do; 2 a bad
policy, or lines that are no records.";

/// Say what changed between two policies, and for whom.
///
/// The changes come in words, first those that let more in; with --replay follow the recorded
/// requests that would get another verdict.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// The policy directory as it is
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy directory as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Audit records, one a line; - is the standard input
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Print everything as one line of JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Diff {
    /// Compares.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        let old = policy_dir::load_written(&self.old)?;
        let new = policy_dir::load_written(&self.new)?;
        let changes = policy_diff::diff(&old, &new)?;
        let tally = match &self.replay {
            Some(path) => Some(replay::replay(&old, &new, open(path)?)?),
            None => None,
        };
        if self.json {
            super::print_json(&json!({"changes": changes, "replay": tally}))?;
        } else {
            let mut text = words(&changes, style);
            if let Some(tally) = &tally {
                text.push('\n');
                text.push_str(&replayed(tally, style));
            }
            super::print(&text)?;
        }
        match tally {
            // What was not read may well change.
            Some(tally) if tally.bad_lines > 0 => {
                let (bad, lines) = (tally.bad_lines, tally.lines);
                Err(Failure::invalid(format!("{bad} of {lines} lines are no audit records"))
                    .help(tally.bad.join("; ")))
            }
            Some(tally) if tally.changed > 0 => Ok(Exit::Deny),
            _ => Ok(Exit::Success),
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path)
        .map_err(|error| Failure::invalid(format!("cannot read {}: {error}", path.display())))?;
    Ok(Box::new(BufReader::new(file)))
}

fn words(changes: &[Change], style: Style) -> String {
    if changes.is_empty() {
        return "Both policies say the same.\n".to_owned();
    }
    let mut text = String::new();
    for change in changes {
        let paint = match change.effect {
            Effect::Opens => Paint::Bad,
            Effect::Changes => Paint::Note,
            Effect::Closes => Paint::Good,
        };
        let effect = style.paint(paint, &format!("{:<7}", change.effect.word()));
        let (place, what) = (printable(&change.place), printable(&change.what));
        // Writing to a String can't fail.
        let _ = writeln!(text, "{effect}  {place}: {what}");
    }
    text
}

fn replayed(tally: &Tally, style: Style) -> String {
    let summary = format!(
        "{} of {} recorded requests would get another verdict",
        tally.changed, tally.judged
    );
    let paint = if tally.changed == 0 { Paint::Good } else { Paint::Bad };
    let mut text = format!("{}\n", style.paint(paint, &summary));
    let changes = tally.by_count();
    for (group, count) in changes.iter().take(MOST) {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".into());
        let (tenant, route) = (name(&group.tenant), name(&group.route));
        let _ = writeln!(
            text,
            "{:>8}  {tenant} · {route}: {} → {}\n          {}",
            count.count,
            group.old,
            group.new,
            style.paint(Paint::Dim, &count.example)
        );
    }
    if changes.len() > MOST {
        let _ = writeln!(text, "          and {} more kinds; --json has all", changes.len() - MOST);
    }
    for (count, what) in [
        (tally.undetermined, "undetermined beyond the network under both policies"),
        (tally.recorded_otherwise, "judged otherwise by the old policy than they were recorded"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{count:>8}  {what}");
        }
    }
    for (why, count) in &tally.not_judged {
        let _ = writeln!(text, "{count:>8}  not judged: {}", printable(why));
    }
    text
}
