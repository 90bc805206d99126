//! `sekisho users import`.

use crate::commands::of::{Of, now, too_large};
use crate::commands::print;
use crate::exit::Exit;
use crate::input::file_or_stdin;
use crate::report::{Failure, Paint, Style, say};
use crate::store::Event;
use crate::text::printable;
use clap::ValueEnum;
use sekisho_core::Policy;
use sekisho_core::policy::Route;
use sekisho_directory::import::plan::{Move, Plan, Step, taken};
use sekisho_directory::import::text::{self, Encoding};
use sekisho_directory::import::{Fault, rows};
use sekisho_directory::tenant::Tenant;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The largest file: 100,000 rows of what fits into a line.
const MAX_FILE: usize = 64 * 1024 * 1024;

/// The most lines of what changes that are shown without `--all`.
const SHOWN: usize = 100;

/// Add, change and take out users as a CSV file says: all of it, or where a line is wrong nothing
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct Import {
    /// The file, or - for the standard input
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    of: Of,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The file names everybody: whoever is not in it has left
    #[arg(long)]
    complete: bool,
    /// Go on although more than half of the users would leave
    #[arg(long)]
    force: bool,
    /// How the file is written; if not given, it is found out
    #[arg(long)]
    encoding: Option<Written>,
    /// Show every change, however many there are
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Written {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "shift_jis")]
    ShiftJis,
}

impl Import {
    pub(super) async fn run(self, style: Style) -> Result<Exit, Failure> {
        let bytes = file_or_stdin(&self.file, MAX_FILE)?;
        let said = self.encoding.map(|written| match written {
            Written::Utf8 => Encoding::Utf8,
            Written::ShiftJis => Encoding::ShiftJis,
        });
        let (text, encoding) = text::decode(&bytes, said).map_err(|fault| self.wrong(&[fault]))?;
        let rows = rows::read(&text).map_err(|faults| self.wrong(&faults))?;
        let (policy, store) = self.of.open().await?;
        let tenant = self.of.users(&store).await?;
        let taken = taken(&tenant, &rows);
        if !taken.is_empty() {
            return Err(self.wrong(&taken));
        }
        let now = now();
        let plan = Plan::of(&tenant, &rows, self.complete, now);
        self.warn(&policy, &plan);
        self.show(&plan, encoding, style)?;
        self.refuse_exodus(&tenant, &plan)?;
        if self.dry_run {
            print("nothing was changed: --dry-run\n")?;
            return Ok(Exit::Success);
        }
        let edits = plan.edits(&tenant, now).map_err(|error| too_large(&error))?;
        let events: Vec<Event> = plan.steps.iter().map(event).collect();
        store.make(&self.of.tenant, edits, &events).await?;
        Ok(Exit::Success)
    }

    fn wrong(&self, faults: &[Fault]) -> Failure {
        let file = self.file.display();
        Failure::many(faults.iter().map(|fault| {
            let column =
                fault.column.as_ref().map(|column| format!(", {column}")).unwrap_or_default();
            let message = format!("{file}:{}{column}: {}", fault.line, fault.message);
            (printable(&message), fault.help.to_owned())
        }))
    }

    /// What nobody will look at, and roles that open nothing, may be a slip.
    fn warn(&self, policy: &Policy, plan: &Plan) {
        self.of.warn(policy);
        let asked = |route: &Route, role: &String| {
            route.roles().contains(role) || route.all_roles().contains(role)
        };
        let opens_nothing =
            |role: &&String| !policy.routes().iter().any(|route| asked(route, role));
        let roles: BTreeSet<&String> =
            plan.steps.iter().flat_map(|step| &step.user.roles).filter(opens_nothing).collect();
        for role in roles.iter().take(10) {
            say(format_args!("warning: no route asks for the role {}", printable(role)));
        }
    }

    fn show(&self, plan: &Plan, encoding: Encoding, style: Style) -> Result<(), Failure> {
        let most = if self.all { usize::MAX } else { SHOWN };
        let mut shown: Vec<String> =
            plan.steps.iter().take(most).map(|step| line(step, style)).collect();
        if let Some(more) = plan.steps.len().checked_sub(most).filter(|more| *more > 0) {
            shown.push(format!("… and {more} more (--all shows them)\n"));
        }
        let [joiners, movers, suspended, leavers] = plan.counts();
        shown.push(format!(
            "{joiners} join, {movers} change, {suspended} are suspended, {leavers} leave, {} stay as they are ({})\n",
            plan.unchanged,
            encoding.name(),
        ));
        if let [first, ..] = plan.still_out.as_slice() {
            shown.push(format!(
                "{} are named and stay suspended or gone, such as {}: users return, or a column state with active, \
                 lets them in again\n",
                plan.still_out.len(),
                printable(first),
            ));
        }
        print(&shown.concat())
    }

    /// The wrong file, or one that was cut off, must not shut out a company.
    fn refuse_exodus(&self, tenant: &Tenant, plan: &Plan) -> Result<(), Failure> {
        let (out, active) = plan.shut_out(tenant);
        let is_exodus = out > active / 2 && (out >= 5 || (out == active && self.complete));
        if self.force || self.dry_run || !is_exodus {
            return Ok(());
        }
        Err(Failure::invalid(format!("{out} of {active} users who may come would be shut out"))
            .help("nothing was changed; look at the file, and give --force if that is meant"))
    }
}

fn event(step: &Step) -> Event {
    let action = match &step.what {
        Move::Joins => "user-joined",
        Move::Moves(_) => "user-changed",
        Move::Suspended => "user-suspended",
        Move::Leaves => "user-left",
    };
    Event::new(action, &step.subject)
}

fn line(step: &Step, style: Style) -> String {
    let subject = printable(&step.subject);
    match &step.what {
        Move::Joins => {
            let roles = printable(&step.user.roles.join(";"));
            style.paint(Paint::Good, &format!("+ {subject} joins ({roles})")) + "\n"
        }
        Move::Moves(changes) => {
            let changes: Vec<String> = changes
                .iter()
                .map(|(what, from, to)| printable(&format!("{what}: {from:?} → {to:?}")))
                .collect();
            style.paint(Paint::Note, &format!("~ {subject} {}", changes.join(", "))) + "\n"
        }
        Move::Suspended => style.paint(Paint::Bad, &format!("- {subject} is suspended")) + "\n",
        Move::Leaves => style.paint(Paint::Bad, &format!("- {subject} leaves")) + "\n",
    }
}
