//! What came of all records: counts and one example each, however many there are.

use super::Both;
use super::judge::Verdict;
use super::record::Record;
use crate::text::printable;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most kinds of change that are told apart; further ones are counted together.
const MAX_GROUPS: usize = 10_000;

/// The most bad lines that are named.
const MAX_NAMED: usize = 5;

/// The longest example, in characters.
const MAX_EXAMPLE: usize = 300;

/// What came of all records.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// Lines that were read.
    pub lines: u64,
    /// Records that were judged under both policies.
    pub judged: u64,
    /// Records that would get another verdict.
    pub changed: u64,
    /// Records that neither policy can judge to the end.
    pub undetermined: u64,
    /// Records of which the old policy says another thing than was recorded.
    pub recorded_otherwise: u64,
    /// Lines that are no records.
    pub bad_lines: u64,
    /// The first of them, and why.
    pub bad: Vec<String>,
    /// Records that can't be judged again, by why.
    pub not_judged: BTreeMap<String, u64>,
    /// The changes by tenant, route and verdicts, the most frequent first when shown.
    #[serde(serialize_with = "groups")]
    pub changes: BTreeMap<Group, Count>,
}

/// Records that change in the same way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Group {
    /// The tenant.
    pub tenant: Option<String>,
    /// The route.
    pub route: Option<String>,
    /// The old policy's verdict.
    pub old: String,
    /// The new policy's.
    pub new: String,
}

/// How many, and one of them.
#[derive(Clone, Debug, Serialize)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub example: String,
}

impl Tally {
    pub(super) fn bad(&mut self, why: &str) {
        self.bad_lines += 1;
        if self.bad.len() < MAX_NAMED {
            self.bad.push(format!("line {}: {}", self.lines, short(why)));
        }
    }

    pub(super) fn not_judged(&mut self, why: String) {
        // Reasons are this program's own words, but an issuer's name may stand in one.
        let known = self.not_judged.len() < MAX_GROUPS || self.not_judged.contains_key(&why);
        *self.not_judged.entry(if known { why } else { "other".into() }).or_default() += 1;
    }

    pub(super) fn judged(&mut self, record: &Record, both: &Both<'_>) {
        self.judged += 1;
        let recorded = match (&record.reason, &record.would_deny) {
            (Some(reason), _) => reason.clone(),
            (None, Some(reason)) => format!("permit, dry run: {reason}"),
            (None, None) => "permit".to_owned(),
        };
        if both.old != Verdict::Undetermined && both.old.label() != recorded {
            self.recorded_otherwise += 1;
        }
        if both.old == both.new {
            self.undetermined += u64::from(both.old == Verdict::Undetermined);
            return;
        }
        self.changed += 1;
        let mut group = Group {
            tenant: both.tenant.map(str::to_owned),
            route: both.route.map(str::to_owned),
            old: both.old.label(),
            new: both.new.label(),
        };
        if self.changes.len() >= MAX_GROUPS && !self.changes.contains_key(&group) {
            group = Group { tenant: None, route: None, ..group };
        }
        let line = self.lines;
        let example = || Count { count: 0, example: example(line, record) };
        self.changes.entry(group).or_insert_with(example).count += 1;
    }

    /// The changes, the most frequent first.
    pub fn by_count(&self) -> Vec<(&Group, &Count)> {
        let mut changes: Vec<_> = self.changes.iter().collect();
        changes.sort_by_key(|(_, count)| std::cmp::Reverse(count.count));
        changes
    }
}

fn example(line: u64, record: &Record) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let who = record.subject.as_ref().map(|subject| format!(" by {subject}")).unwrap_or_default();
    short(&format!(
        "line {line}: {} {}{} from {}{who} (request {})",
        part(&record.method),
        part(&record.host),
        part(&record.path),
        part(&record.client),
        part(&record.request_id),
    ))
}

fn short(text: &str) -> String {
    let text = printable(text).replace('\n', "\\n");
    match text.char_indices().nth(MAX_EXAMPLE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn groups<S: serde::Serializer>(
    changes: &BTreeMap<Group, Count>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        group: &'a Group,
        #[serde(flatten)]
        count: &'a Count,
    }
    serializer.collect_seq(changes.iter().map(|(group, count)| Row { group, count }))
}
