//! What a file would change: joiners, movers, leavers (R6).

use super::Fault;
use super::rows::Row;
use crate::edit::{Edit, TooLarge};
use crate::standing;
use crate::tenant::Tenant;
use sekisho_core::directory::{State, User};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// He is new, or comes back.
    Joins,
    /// What he may do, or what is said of him, changes: each as `from` and `to`.
    Moves(Vec<(&'static str, String, String)>),
    /// He may not come for now.
    Suspended,
    /// He may not come any more.
    Leaves,
}

/// One user's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The user.
    pub subject: String,
    /// What becomes of him.
    pub what: Move,
    /// As he will be.
    pub user: User,
}

/// What a file would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By subject.
    pub steps: Vec<Step>,
    /// How many users stay as they are.
    pub unchanged: usize,
    /// Who is named without a state, and stays suspended or gone.
    pub still_out: Vec<String>,
}

impl Plan {
    /// Compares a file with the roster. `complete` says that whoever the file does not name has left.
    pub fn of(tenant: &Tenant, rows: &[Row], complete: bool, now: i64) -> Self {
        let mut plan = Self::default();
        let mut named = BTreeSet::new();
        for row in rows {
            named.insert(row.subject.as_str());
            plan.row(tenant, row, now);
        }
        for (subject, entry) in tenant.roster.iter().filter(|_| complete) {
            if !named.contains(subject) && entry.user.state != State::Left {
                let user = entry.user.clone().becomes(State::Left, now);
                plan.steps.push(Step { subject: subject.to_owned(), what: Move::Leaves, user });
            }
        }
        plan.steps.sort_by(|a, b| a.subject.cmp(&b.subject));
        plan
    }

    fn row(&mut self, tenant: &Tenant, row: &Row, now: i64) {
        let before = tenant.roster.get(&row.subject).map(|entry| &entry.user);
        let user = user(before, row, now);
        let what = match (before, user.state) {
            (Some(before), state) if before.state == state => {
                let changes = changes(before, &user);
                if row.state.is_none() && state != State::Active {
                    self.still_out.push(row.subject.clone());
                }
                if changes.is_empty() {
                    self.unchanged += 1;
                    return;
                }
                Move::Moves(changes)
            }
            (_, State::Active) => Move::Joins,
            (_, State::Suspended) => Move::Suspended,
            (_, State::Left) => Move::Leaves,
        };
        self.steps.push(Step { subject: row.subject.clone(), what, user });
    }

    /// How many of those who may come now may not afterwards, and how many may come now.
    pub fn shut_out(&self, tenant: &Tenant) -> (usize, usize) {
        let is_active = |subject: &str| {
            tenant.roster.get(subject).is_some_and(|entry| entry.user.state == State::Active)
        };
        let out = self
            .steps
            .iter()
            .filter(|step| step.user.state != State::Active && is_active(&step.subject));
        let active = tenant.roster.iter().filter(|(subject, _)| is_active(subject));
        (out.count(), active.count())
    }

    /// How many join, move, are suspended and leave.
    pub fn counts(&self) -> [usize; 4] {
        let count = |is: fn(&Move) -> bool| self.steps.iter().filter(|step| is(&step.what)).count();
        [
            count(|what| matches!(what, Move::Joins)),
            count(|what| matches!(what, Move::Moves(_))),
            count(|what| matches!(what, Move::Suspended)),
            count(|what| matches!(what, Move::Leaves)),
        ]
    }

    /// The changes of records that make it so.
    ///
    /// # Errors
    /// A record would be too large.
    pub fn edits(&self, tenant: &Tenant, now: i64) -> Result<Vec<Edit>, TooLarge> {
        let mut edits = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            edits.extend(standing::put(tenant, &step.subject, &step.user, now)?);
        }
        Ok(edits)
    }
}

/// Addresses that are another user's already, whom the file does not name: mail for one would reach the other.
pub fn taken(tenant: &Tenant, rows: &[Row]) -> Vec<Fault> {
    let named: BTreeSet<&str> = rows.iter().map(|row| row.subject.as_str()).collect();
    let others = tenant
        .roster
        .iter()
        .filter(|(subject, entry)| entry.user.state != State::Left && !named.contains(subject));
    let addresses: BTreeMap<String, &str> = others
        .filter_map(|(subject, entry)| Some((entry.user.email.as_ref()?.to_lowercase(), subject)))
        .collect();
    let taken = |row: &Row| {
        let other = addresses.get(&row.email.as_ref()?.to_lowercase())?;
        Some(Fault {
            line: row.line,
            column: None,
            message: format!("the e-mail address is {other:?}'s, who is not in the file"),
            help: "give each user an address of his own, or let the other one leave first",
        })
    };
    rows.iter().filter_map(taken).collect()
}

/// As a row says; what it does not say stays.
fn user(before: Option<&User>, row: &Row, now: i64) -> User {
    let mut user = before.cloned().unwrap_or(User {
        state: State::Active,
        roles: Vec::new(),
        groups: Vec::new(),
        since: Some(now),
        subject: Some(row.subject.clone()),
        email: None,
        name: None,
        scim: None,
    });
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    if let Some(email) = &row.email {
        user.email = said(email);
    }
    if let Some(name) = &row.name {
        user.name = said(name);
    }
    if let Some(roles) = &row.roles {
        user.roles.clone_from(roles);
    }
    if let Some(groups) = &row.groups {
        user.groups.clone_from(groups);
    }
    // A file that says nothing lets nobody in again who was shut out: last week's export would undo what was done since.
    let state = row.state.unwrap_or(user.state);
    if state == user.state { user } else { user.becomes(state, now) }
}

fn changes(before: &User, after: &User) -> Vec<(&'static str, String, String)> {
    let set = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list.join(";")
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("roles", set(&before.roles), set(&after.roles)),
        ("groups", set(&before.groups), set(&after.groups)),
        ("email", text(&before.email), text(&after.email)),
        ("name", text(&before.name), text(&after.name)),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;
    use crate::tenant::Read;
    use sekisho_core::records::key;

    fn tenant() -> Tenant {
        let of = |subject: &str, rest: &str| {
            (key::user("acme", subject), format!(r#"{{"v":1,{rest}}}"#).into_bytes())
        };
        let users = vec![
            of("u-1", r#""state":"active","roles":["member"],"groups":["a","b"]"#),
            of("u-2", r#""state":"active","roles":["member"],"email":"two@acme.example""#),
            of("u-3", r#""state":"left""#),
            of("u-4", r#""state":"active""#),
            of("u-5", r#""state":"suspended""#),
        ];
        Tenant::read("acme", Read { users, ..Read::default() }).unwrap()
    }

    fn plan(text: &str, complete: bool) -> Plan {
        Plan::of(&tenant(), &rows::read(text).unwrap(), complete, 900)
    }

    fn shown(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(|step| format!("{} {:?}", step.subject, step.what)).collect()
    }

    #[test]
    fn joiners_movers_and_leavers() {
        let file = "user_id,roles,groups,state\n\
            u-1,member,b;a,\nu-2,admin,,\nu-3,member,,active\nu-4,,,left\nu-6,member,,\nu-7,,,suspended\n";
        let plan = plan(file, false);
        assert_eq!(
            shown(&plan),
            [
                r#"u-2 Moves([("roles", "member", "admin")])"#,
                "u-3 Joins",
                "u-4 Leaves",
                "u-6 Joins",
                "u-7 Suspended",
            ]
        );
        assert_eq!((plan.unchanged, plan.counts()), (1, [2, 1, 1, 1]));
        let email = plan.steps[0].user.email.as_deref();
        assert_eq!(email, Some("two@acme.example"), "what has no column stays");
    }

    #[test]
    fn of_a_complete_file_the_others_leave() {
        let plan = plan("user_id\nu-1\nu-4\n", true);
        assert_eq!(shown(&plan), ["u-2 Leaves", "u-5 Leaves"], "u-3 had left");
        assert_eq!(plan.steps[0].user.since, Some(900));
    }

    #[test]
    fn what_is_not_said_lets_nobody_in_again() {
        for silent in ["user_id,state\nu-5,\nu-3,\n", "user_id\nu-3\nu-5\n"] {
            let silent = plan(silent, true);
            assert!(!shown(&silent).iter().any(|step| step.contains("Joins")), "{silent:?}");
            assert_eq!(silent.still_out.len(), 2);
        }
        let said = plan("user_id,state\nu-5,active\nu-3,active\n", false);
        assert_eq!(shown(&said), ["u-3 Joins", "u-5 Joins"]);
    }

    #[test]
    fn who_is_shut_out_is_counted_of_those_who_may_come() {
        let of = |text: &str, complete| plan(text, complete).shut_out(&tenant());
        assert_eq!(of("user_id\n", true), (3, 3));
        assert_eq!(of("user_id,state\nu-1,suspended\nu-3,left\nu-9,left\n", false), (1, 3));
    }

    #[test]
    fn an_address_is_one_users() {
        let of = |text: &str| taken(&tenant(), &rows::read(text).unwrap());
        let faults = of("user_id,email\nu-9,TWO@acme.example\n");
        assert_eq!((faults.len(), faults[0].line), (1, 2));
        assert!(of("user_id,email\nu-9,two@acme.example\nu-2,\n").is_empty(), "he gives it away");
    }

    #[test]
    fn a_file_of_nothing_new_changes_nothing() {
        let plan = plan("user_id,email\nu-2,two@acme.example\n", false);
        assert!(plan.steps.is_empty() && plan.edits(&tenant(), 900).unwrap().is_empty());
    }
}
