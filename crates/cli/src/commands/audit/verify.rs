//! `sekisho audit verify`: whether the trail is what was written.

use super::table::cell;
use super::when::Zone;
use crate::audit::point;
use crate::commands::{print, print_json};
use crate::exit::Exit;
use crate::input;
use crate::report::{Failure, Paint, Style};
use sekisho_core::token::keys::{Algorithm, KeySet};
use sekisho_core::token::own::checkpoint::Checkpoint;
use sekisho_core::token::own::{MAX_OWN_SET, OwnKeys};
use sekisho_trail::verify::{Checker, Expected, Fault, Findings, Known, Place};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest set of keys, in bytes.
const MAX_KEYS: usize = 256 * 1024;
/// The largest file with a checkpoint, in bytes.
const MAX_CHECKPOINT: usize = 4096;

const EXAMPLES: &str = "\
Examples:
  sekisho audit verify
  sekisho keys show keys.json --jwks > public.json; sekisho audit verify --keys public.json
  sekisho audit verify --checkpoint 4711:9f86d081…  what was printed last time, and kept elsewhere

What each proves is told in docs/audit.md. Exit codes: 0 sound; 3 tampered with; 2 no trail, or bad input.";

/// Find every record that was edited, removed, inserted, moved or cut off, and say which.
///
/// Works while the gateway writes. Prints the newest checkpoint, to be kept elsewhere.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// The trail, or a generation of its backup; if not given, .sekisho/audit beside the nearest spin.toml
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Public keys that check the checkpoints' signatures: what `sekisho keys show --jwks` prints, or the
    /// gateway's own file; more than once, where keys were rotated
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// A checkpoint that was kept: SEQ:HASH, or a file with it
    #[arg(long, value_name = "SEQ:HASH|FILE")]
    checkpoint: Vec<String>,
    /// The last record of what was moved away, where the trail does not begin with its first: SEQ:HASH
    #[arg(long, value_name = "SEQ:HASH|FILE")]
    after: Option<String>,
    /// Everything that was found, as JSON
    #[arg(long)]
    json: bool,
    /// The zone of times
    #[arg(long, value_name = "ZONE", default_value = "JST")]
    tz: String,
}

impl Verify {
    pub(super) fn run(self, style: Style) -> Result<Exit, Failure> {
        let directory = super::directory(self.directory)?;
        let zone = Zone::of(&self.tz)?;
        let sets: Vec<Arc<KeySet>> =
            self.keys.iter().map(|path| keys(path)).collect::<Result<_, _>>()?;
        let check = |token: &str| {
            let mut why = String::new();
            for set in &sets {
                match Checkpoint::verify(token, set) {
                    Ok(checkpoint) => return point(&checkpoint),
                    Err(said) => why = said,
                }
            }
            Err(why)
        };
        let checker: Option<Checker<'_>> = if sets.is_empty() { None } else { Some(&check) };
        let expected = Expected {
            checker,
            known: self.checkpoint.iter().map(|text| known(text)).collect::<Result<_, _>>()?,
            after: self.after.as_deref().map(known).transpose()?,
        };
        let findings = sekisho_trail::verify(&directory, &expected)?;
        let has_keys = checker.is_some();
        if self.json {
            print_json(&as_json(&findings, has_keys))?;
        } else {
            print(&shown(&findings, has_keys, &zone, style))?;
        }
        Ok(if findings.is_sound() { Exit::Success } else { Exit::Deny })
    }
}

/// The keys that check signatures, of a published set or of the gateway's own file.
fn keys(path: &Path) -> Result<Arc<KeySet>, Failure> {
    let bytes = input::bounded_file(path, MAX_KEYS)?;
    let failed = |why| {
        Failure::invalid(format!("{}: {why}", path.display()))
            .help("sekisho keys show KEYS.json --jwks prints the public keys of the gateway")
    };
    if bytes.len() <= MAX_OWN_SET
        && let Ok(own) = OwnKeys::parse(&bytes)
    {
        return own.checking(&[Algorithm::EdDSA]).cloned().map_err(failed);
    }
    KeySet::parse(&bytes, &[Algorithm::EdDSA]).map(Arc::new).map_err(failed)
}

/// `SEQ:HASH`, or the first such word of a file.
fn known(text: &str) -> Result<Known, Failure> {
    let parse = |word: &str| {
        let (seq, hash) = word.split_once(':')?;
        Some(Known { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
    };
    if let Some(known) = parse(text) {
        return Ok(known);
    }
    let help = "a checkpoint is SEQ:HASH, as sekisho audit verify prints it, or a file with one";
    let bytes = input::bounded_file(Path::new(text), MAX_CHECKPOINT)
        .map_err(|failure| failure.help(help))?;
    let words = String::from_utf8_lossy(&bytes);
    let found = words.split_whitespace().find_map(parse);
    found.ok_or_else(|| Failure::invalid(format!("{text} has no checkpoint")).help(help))
}

fn shown(findings: &Findings, has_keys: bool, zone: &Zone, style: Style) -> String {
    let mut text = String::new();
    let (paint, word) =
        if findings.is_sound() { (Paint::Good, "sound") } else { (Paint::Bad, "NOT SOUND") };
    let span =
        findings.span.map(|(first, last)| format!(", {first} to {last}")).unwrap_or_default();
    let (signed, unsigned) = findings.checkpoints;
    // Writing to a String can't fail.
    let _ = writeln!(
        text,
        "{}: {} records in {} files{span}; {signed} signed checkpoints, {unsigned} not signed",
        style.paint(paint, word),
        findings.records,
        findings.files
    );
    for fault in &findings.faults {
        let _ = writeln!(text, "{}", line(fault, zone, style));
    }
    if findings.more > 0 {
        let _ = writeln!(text, "and {} more", findings.more);
    }
    if let Some((newest, time)) = &findings.newest {
        let time = time.parse().map_or_else(|_| cell(time), |time| zone.show(time));
        let _ =
            writeln!(text, "newest checkpoint, of {time}; keep it elsewhere, for --checkpoint:");
        let _ = writeln!(text, "{}:{}", newest.seq, newest.hash);
    }
    for note in notes(findings, has_keys) {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn line(fault: &Fault, zone: &Zone, style: Style) -> String {
    let mut line = style.paint(Paint::Bad, &format!("{:<10}", fault.kind.name()));
    let seqs = match fault.seqs {
        Some((first, last)) if first == last => format!("record {first}, "),
        Some((first, last)) => format!("records {first} to {last}, "),
        None => String::new(),
    };
    let _ = write!(line, " {seqs}{}", place(&fault.first, zone));
    if (&fault.last.file, fault.last.line) != (&fault.first.file, fault.first.line) {
        let _ = write!(line, " to {}", place(&fault.last, zone));
    }
    let _ = write!(line, ": {}", cell(&fault.why));
    line
}

fn place(place: &Place, zone: &Zone) -> String {
    if place.line == 0 {
        return "the directory".to_owned();
    }
    let mut text = format!("{}:{}", cell(&place.file), place.line);
    if let Some(id) = &place.request_id {
        let _ = write!(text, ", request {}", cell(id));
    }
    if let Some(time) = place.time.as_deref().and_then(|time| time.parse().ok()) {
        let _ = write!(text, ", {}", zone.show(time));
    }
    text
}

fn notes(findings: &Findings, has_keys: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if findings.unguarded > 0 {
        let count = findings.unguarded;
        notes.push(format!("the last {count} records have no checkpoint after them yet: the end could be cut off or forged"));
    }
    if findings.torn > 0 {
        let count = findings.torn;
        notes.push(format!(
            "{count} unfinished lines were set aside at a start; none was acknowledged"
        ));
    }
    match (findings.checkpoints, has_keys) {
        ((0, _), false) => notes.push(
            "no checkpoint is signed: whoever can write the directory could have written all of it anew; \
             sekisho up --keys signs them"
                .to_owned(),
        ),
        (_, false) => notes.push(
            "no signature was checked: whoever can write the directory could have written all of it anew; \
             --keys checks them"
                .to_owned(),
        ),
        (_, true) => {}
    }
    notes
}

fn as_json(findings: &Findings, has_keys: bool) -> serde_json::Value {
    let newest = findings.newest.as_ref().map(
        |(known, time)| json!({"seq": known.seq, "hash": known.hash.to_string(), "time": time}),
    );
    json!({
        "sound": findings.is_sound(),
        "chain": findings.chain,
        "files": findings.files,
        "records": findings.records,
        "first": findings.span.map(|(first, _)| first),
        "last": findings.span.map(|(_, last)| last),
        "signed_checkpoints": findings.checkpoints.0,
        "unsigned_checkpoints": findings.checkpoints.1,
        "signatures_checked": has_keys,
        "newest_checkpoint": newest,
        "after_newest_checkpoint": findings.unguarded,
        "set_aside": findings.torn,
        "faults": findings.faults,
        "more_faults": findings.more,
    })
}
