//! `sekisho explain`: why a request is permitted or denied.

mod show;

use crate::exit::Exit;
use crate::input::{self, Line};
use crate::policy_dir;
use crate::report::{Failure, Style};
use sekisho_core::Policy;
use sekisho_core::explain::{Answer, Question, State, explain};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The longest question, in bytes: far beyond any request head that a policy lets through.
const MAX_QUESTION: usize = 1024 * 1024;
/// The largest state file, in bytes.
const MAX_STATE: usize = 64 * 1024 * 1024;

const EXAMPLES: &str = "\
A request is JSON:
  {\"method\": \"GET\", \"scheme\": \"https\", \"target\": \"/api/assistants\",
   \"headers\": [[\"host\", \"acme.localhost\"], [\"authorization\", \"Bearer …\"]],
   \"peer\": \"127.0.0.1:50211\", \"now\": \"2026-11-22T09:00:00Z\"}

Examples:
  sekisho explain --policy policy request.json
  sekisho explain --policy policy - < request.json
  sekisho explain --policy policy --json request.json | jq .reason
  sekisho explain --policy policy --batch < recorded.jsonl > verdicts.jsonl
  sekisho explain --policy policy --state state.json request.json
                        state.json has the records by key:
                        {\"t/acme/revoked/subject/u-42\": {\"v\": 1}}

Exit codes: 0 permitted, or the batch is done; 3 denied; 2 a bad request, state or policy.";

/// Say why a request is permitted or denied, step by step.
///
/// The verdict is the running gateway's: the same code judges the same request, with the keys of
/// the policy directory and the clock of the request's "now".
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// The policy directory
    #[arg(long, value_name = "DIR")]
    policy: PathBuf,
    /// Records of the state store by key, as a JSON object; none if not given
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The gateway's own keys, for sessions that it signed; see sekisho keys
    #[arg(long, value_name = "KEYS.json")]
    keys: Option<PathBuf>,
    /// Judge JSON Lines: a request a line in, a verdict a line out, in the same order
    #[arg(long)]
    batch: bool,
    /// Print the verdict as one line of JSON, for programs (a batch always does)
    #[arg(long)]
    json: bool,
    /// The request, or with --batch the requests; - is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    request: PathBuf,
}

impl Explain {
    /// Judges.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        let (_, policy) = policy_dir::load(&self.policy)?;
        let mut state = self.state.as_deref().map(state).transpose()?.unwrap_or_default();
        if let Some(file) = &self.keys {
            state = state.with_own_keys(super::keys::read(file)?);
        }
        if self.batch { self.many(&policy, &state) } else { self.one(&policy, &state, style) }
    }

    fn one(&self, policy: &Policy, state: &State, style: Style) -> Result<Exit, Failure> {
        let name = source_name(&self.request);
        let bytes = input::file_or_stdin(&self.request, MAX_QUESTION)?;
        let question = question(&bytes).map_err(|why| {
            Failure::invalid(format!("{name} is not a request: {why}"))
                .help("sekisho explain --help shows one")
        })?;
        let answer = explain(policy, &question, state);
        if self.json {
            super::print_json(&answer)?;
        } else {
            super::print(&show::show(&answer, style))?;
        }
        Ok(if answer.decision == "permit" { Exit::Success } else { Exit::Deny })
    }

    fn many(&self, policy: &Policy, state: &State) -> Result<Exit, Failure> {
        let out = BufWriter::new(io::stdout().lock());
        let judge = |question: &Question| explain(policy, question, state);
        let source: Box<dyn Read> = if self.request == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(&self.request).map_err(|error| {
                Failure::invalid(format!("cannot read {}: {error}", self.request.display()))
            })?)
        };
        let (lines, bad) = match batch(BufReader::new(source), out, judge) {
            Ok(counts) => counts,
            // The reader of the verdicts has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Success),
            Err(error) => {
                return Err(Failure::invalid(format!("the batch stopped: {error}")));
            }
        };
        if bad > 0 {
            let name = source_name(&self.request);
            return Err(Failure::invalid(format!(
                "{bad} of {lines} lines of {name} are no requests"
            ))
            .help("each has its \"error\" in the output, on the line of the verdict"));
        }
        Ok(Exit::Success)
    }
}

/// Answers each line, in constant memory; returns how many lines there were and how many were bad.
fn batch(
    mut source: BufReader<impl Read>,
    mut out: impl Write,
    judge: impl Fn(&Question) -> Answer,
) -> io::Result<(u64, u64)> {
    let (mut lines, mut bad) = (0, 0);
    while let Some(line) = input::next_line(&mut source, MAX_QUESTION)? {
        lines += 1;
        let asked = match line {
            Line::Whole(bytes) => question(&bytes),
            Line::TooLong => Err("longer than 1 MiB".to_owned()),
        };
        match asked {
            Ok(question) => serde_json::to_writer(&mut out, &judge(&question))?,
            Err(why) => {
                bad += 1;
                serde_json::to_writer(&mut out, &json!({"error": format!("line {lines}: {why}")}))?;
            }
        }
        out.write_all(b"\n")?;
        // Whoever asks line by line waits for each verdict; a file does not.
        if !source.buffer().contains(&b'\n') {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok((lines, bad))
}

fn question(bytes: &[u8]) -> Result<Question, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Question::parse(text).map_err(|error| error.to_string())
}

fn state(path: &Path) -> Result<State, Failure> {
    let bytes = input::bounded_file(path, MAX_STATE)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::invalid(format!("{} is not a state file: {error}", path.display()))
            .help("it is one JSON object: {\"t/acme/revoked/all\": {\"v\": 1}}")
    })
}

fn source_name(path: &Path) -> String {
    if path == Path::new("-") {
        "the standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
