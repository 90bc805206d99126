//! `sekisho audit report`: who was affected, since when.

mod tally;

use super::filter::Filter;
use super::table::cell;
use super::when::Zone;
use crate::commands::{print, print_json};
use crate::exit::Exit;
use crate::report::{Failure, Paint, Style};
use sekisho_trail::read::{Query, records};
use std::fmt::Write as _;
use std::path::PathBuf;
use tally::{Tally, Tenant};

const EXAMPLES: &str = "\
Examples:
  sekisho audit report --since 2026-11-27 --until 2026-11-28 --origin assistant
  sekisho audit report --since 24h --reason origin-unreachable
  sekisho audit report --since 24h --tenant acme --json

Users are those of records that meet the conditions, by the token's subject. Requests that were refused before
the tenant or the user was known are counted, and name nobody.";

/// Say who was affected, since when: by tenant, how many requests, which users, when, why and where.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Report {
    /// The trail; if not given, .sekisho/audit beside the nearest spin.toml
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    /// How many users are listed for each tenant; all are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    users: usize,
    /// As JSON, in UTC
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) fn run(self, style: Style) -> Result<Exit, Failure> {
        let directory = super::directory(self.directory)?;
        let zone = self.filter.zone()?;
        let query = self.filter.query(None)?;
        let mut tally = Tally::default();
        let seen = records(&directory, &query, |_, record| {
            tally.add(record);
            true
        })?;
        super::tell_of_unreadable(seen);
        if self.json {
            print_json(&tally.as_json(&query, self.users))?;
        } else {
            print(&shown(&tally, &query, &zone, self.users, style))?;
        }
        Ok(Exit::Success)
    }
}

fn shown(tally: &Tally, query: &Query, zone: &Zone, users: usize, style: Style) -> String {
    let end =
        |time: Option<_>, word: &str| time.map_or_else(|| word.to_owned(), |time| zone.show(time));
    let (since, until) = (end(query.since, "the beginning"), end(query.until, "now"));
    let mut text = format!("From {since} to {until}: {} tenants affected\n", tally.tenants.len());
    for (name, tenant) in &tally.tenants {
        let name = if name.is_empty() { "(tenant not known)" } else { name };
        // Writing to a String can't fail.
        let _ = writeln!(text, "\n{}", style.paint(Paint::Strong, &cell(name)));
        one(&mut text, tenant, zone, users);
    }
    text
}

fn one(text: &mut String, tenant: &Tenant, zone: &Zone, users: usize) {
    let time = |time: Option<_>| time.map_or_else(|| "-".to_owned(), |time| zone.show(time));
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    row("requests", format!("{} permitted, {} denied", tenant.permitted, tenant.denied));
    row("streams", format!("{} cut", tenant.streams_cut));
    row("first", time(tenant.first));
    row("last", time(tenant.last));
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        let words: Vec<String> =
            counts.iter().map(|(name, count)| format!("{} {count}", cell(name))).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    };
    row("reasons", counts(&tenant.reasons));
    row("routes", counts(&tenant.routes));
    let more = if tenant.is_bounded() { " or more" } else { "" };
    row("users", format!("{}{more}", tenant.users.len()));
    for (name, user) in tenant.users.iter().take(users) {
        let (first, last) = (time(user.first), time(user.last));
        let _ = writeln!(
            text,
            "    {:<20} {} permitted, {} denied, {first} to {last}",
            cell(name),
            user.permitted,
            user.denied
        );
    }
    let rest = tenant.users.len().saturating_sub(users);
    if rest > 0 {
        let _ = writeln!(text, "    and {rest} more: --users {}", tenant.users.len());
    }
}
