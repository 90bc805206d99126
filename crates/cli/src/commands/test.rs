//! `sekisho test`: the cases beside a policy, before it is deployed.

use crate::exit::Exit;
use crate::policy_dir;
use crate::policy_test::coverage::Uncovered;
use crate::policy_test::{self, Outcome};
use crate::report::{Failure, Paint, Style};
use crate::test_key::TestKey;
use crate::text::printable;
use clap::ValueEnum;
use sekisho_core::Reason;
use sekisho_testing::cases::{self, Case, CaseError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
A case is a folder, policy/cases/<name>/, with
  request.json   a request, as sekisho explain reads it. In place of a token it may have
                 \"claims\": {\"sub\": \"u-42\", \"roles\": [\"member\"]}
  expected.json  any part of the verdict: {\"decision\": \"deny\", \"reason\": \"role-missing\"}
  state.json     optional: the records of the state store by key

Claims are signed by a throw-away key that stands in for the policy's issuers while the test runs.
iss (of a tenant with one issuer), aud, the tenant's claim, iat and exp are filled in; what a case
gives wins, and null takes a claim away.

Examples:
  sekisho test policy
  sekisho test policy --coverage --require routes,tenants
  sekisho test policy --json | jq '.cases[] | select(.passed | not)'

Exit codes: 0 every case passes; 3 one fails, or what --require names is not covered; 2 a bad case
or policy.";

/// Run the cases beside a policy.
///
/// Shows for each case whether the policy gives the expected verdict, and what no case touches.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Test {
    /// The policy directory
    #[arg(value_name = "DIR")]
    policy: PathBuf,
    /// Where the cases are; if not given, DIR/cases
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// List every reason and every half-tested route that no case touches, too
    #[arg(long)]
    coverage: bool,
    /// Fail if no case touches one of these
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    require: Vec<Required>,
    /// Print the outcome as one line of JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What must be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Required {
    /// Each route, by a permitted and by a denied case
    Routes,
    /// Each tenant
    Tenants,
    /// Each reason of a refusal
    Reasons,
}

impl Test {
    /// Runs the cases.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        let files = policy_dir::load_written(&self.policy)?;
        let key = TestKey::generate()?;
        let staged = key.install(&files)?;
        let mut outcomes = Vec::new();
        for case in self.load()? {
            outcomes.push(policy_test::run(&case, &staged, &key)?);
        }
        let uncovered =
            Uncovered::of(&staged.policy, outcomes.iter().map(|outcome| &outcome.answer));
        let missing: Vec<String> =
            self.require.iter().flat_map(|what| what.missing(&uncovered)).collect();
        if self.json {
            super::print_json(&report(&outcomes, &uncovered, &missing))?;
        } else {
            super::print(&self.show(&outcomes, &uncovered, &missing, style))?;
        }
        let passed = outcomes.iter().all(|outcome| outcome.differences.is_empty());
        Ok(if passed && missing.is_empty() { Exit::Success } else { Exit::Deny })
    }

    /// The cases, each of which is about this policy.
    fn load(&self) -> Result<Vec<Case>, Failure> {
        let root = self.cases.clone().unwrap_or_else(|| self.policy.join("cases"));
        let cases = cases::load_beside(&root, &self.policy).map_err(|error| {
            let failure = Failure::invalid(error.to_string());
            match error {
                CaseError::Read { .. } | CaseError::Empty(_) => {
                    failure.help("sekisho test --help shows what a case is")
                }
                _ => failure,
            }
        })?;
        let here = |path: &Path| path.canonicalize().ok();
        match cases.iter().find(|case| here(&case.policy) != here(&self.policy)) {
            None => Ok(cases),
            Some(case) => Err(Failure::invalid(format!(
                "the case {} is about {}, not about {}",
                case.name,
                case.policy.display(),
                self.policy.display()
            ))
            .help("move it beside its policy, or remove its file \"policy\"")),
        }
    }

    fn show(
        &self,
        outcomes: &[Outcome],
        uncovered: &Uncovered,
        missing: &[String],
        style: Style,
    ) -> String {
        let mut text = String::new();
        for outcome in outcomes {
            // Writing to a String can't fail.
            let _ = write!(text, "{}", case(outcome, style));
        }
        let failed = outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).count();
        let summary = format!("{} passed, {failed} failed", outcomes.len() - failed);
        let paint = if failed == 0 { Paint::Good } else { Paint::Bad };
        let _ = writeln!(text, "\n{}", style.paint(paint, &summary));
        let reasons = Reason::ALL.len();
        let covered = reasons - uncovered.reasons.len();
        let mut lists = vec![
            ("routes without a case", &uncovered.routes),
            ("tenants without a case", &uncovered.tenants),
        ];
        if self.coverage {
            lists.push(("routes that no case passes", &uncovered.never_permitted));
            lists.push(("routes that no case is refused on", &uncovered.never_denied));
        }
        for (what, names) in lists {
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let _ = writeln!(text, "{what}: {names}");
        }
        let _ = writeln!(text, "reasons with a case: {covered} of {reasons}");
        if self.coverage && !uncovered.reasons.is_empty() {
            let _ = writeln!(text, "  without: {}", uncovered.reasons.join(", "));
        }
        for what in missing {
            let _ = writeln!(text, "{} {what}", style.paint(Paint::Bad, "not covered:"));
        }
        text
    }
}

impl Required {
    fn missing(self, uncovered: &Uncovered) -> Vec<String> {
        let named = |what: &str, names: &[String]| -> Vec<String> {
            names.iter().map(|name| format!("{what} {name}")).collect()
        };
        match self {
            Self::Routes => [
                named("a permitted request of the route", &uncovered.never_permitted),
                named("a denied request of the route", &uncovered.never_denied),
            ]
            .concat(),
            Self::Tenants => named("the tenant", &uncovered.tenants),
            Self::Reasons => {
                uncovered.reasons.iter().map(|code| format!("the reason {code}")).collect()
            }
        }
    }
}

fn case(outcome: &Outcome, style: Style) -> String {
    let name = printable(&outcome.name);
    if outcome.differences.is_empty() {
        return format!("{}  {name}\n", style.paint(Paint::Good, "pass"));
    }
    let mut text = format!("{}  {name}\n", style.paint(Paint::Bad, "FAIL"));
    for difference in &outcome.differences {
        let at = printable(&difference.at);
        let value = |value: &Value| printable(&value.to_string());
        let _ = writeln!(text, "      {at}: expected {}", value(&difference.expected));
        let _ = writeln!(
            text,
            "      {:>1$}: got      {got}",
            "",
            at.chars().count(),
            got = value(&difference.got)
        );
    }
    let fell = outcome.answer.steps.iter().find(|step| {
        outcome.answer.decision == "deny"
            && step.outcome == sekisho_core::explain::StepOutcome::Denied
    });
    if let Some(step) = fell {
        let why = printable(step.detail.as_deref().unwrap_or_default());
        let _ = writeln!(text, "      it was denied at the step {}: {why}", step.step);
    }
    text
}

fn report(outcomes: &[Outcome], uncovered: &Uncovered, missing: &[String]) -> Value {
    let cases: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            json!({
                "name": outcome.name,
                "passed": outcome.differences.is_empty(),
                "differences": outcome.differences,
            })
        })
        .collect();
    let failed = outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).count();
    json!({
        "passed": outcomes.len() - failed,
        "failed": failed,
        "cases": cases,
        "uncovered": uncovered,
        "missing": missing,
    })
}
