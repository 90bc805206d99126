//! Joining, leaving and what lies between (R6), with all that it ends.
//!
//! | a user becomes | his record | his tokens | his sessions |
//! | --- | --- | --- | --- |
//! | `suspended`, `left`, also once more | says so, and since when | all are revoked, also where the tenant looks nobody up | end |
//! | `active` again | says so | those of before are revoked, new ones are good | |
//!
//! A revocation that an operator made for good is the operator's: no return undoes it ([`is_revoked_for_good`]). What a
//! user may do (his roles and groups) is in his record alone, and holds from the next request on.

use crate::edit::{Edit, TooLarge, Was};
use crate::roster::Entry;
use crate::tenant::Tenant;
use sekisho_core::directory::{State, User};
use sekisho_core::records::{decode, key};
use sekisho_core::session::{Revocation, RevokedBy};

/// Gives a user another state.
///
/// # Errors
/// The record is too large.
pub fn set(
    tenant: &Tenant,
    subject: &str,
    entry: &Entry,
    state: State,
    now: i64,
) -> Result<Vec<Edit>, TooLarge> {
    put(tenant, subject, &entry.user.clone().becomes(state, now), now)
}

/// Writes a user, and all that follows from his state. What closes stands first.
///
/// # Errors
/// The record is too large.
pub fn put(tenant: &Tenant, subject: &str, user: &User, now: i64) -> Result<Vec<Edit>, TooLarge> {
    let id = tenant.roster.tenant();
    let before = tenant.roster.get(subject);
    let was = before.map(|entry| entry.value.clone()).into();
    let named = User { subject: Some(subject.to_owned()), ..user.clone() };
    let record = Edit::write(key::user(id, subject), was, &named)?;
    if user.state == State::Active {
        let mut edits = Vec::with_capacity(2);
        // Who was never here may have been removed, and his tokens with him.
        let is_back = match before {
            Some(entry) => entry.user.state != State::Active,
            None => tenant.revocation(subject).is_some(),
        };
        if is_back && !is_revoked_for_good(tenant, subject) {
            edits.push(revocation(tenant, subject, Some(now))?);
        }
        edits.push(record);
        return Ok(edits);
    }
    let mut edits = vec![record];
    edits.extend(shut_out(tenant, subject)?);
    Ok(edits)
}

/// Removes a user's record, as if he had never been there. His tokens stay revoked.
///
/// # Errors
/// The record of the revocation is too large, which no subject can cause.
pub fn remove(tenant: &Tenant, subject: &str, entry: &Entry) -> Result<Vec<Edit>, TooLarge> {
    let mut edits = shut_out(tenant, subject)?;
    edits.push(Edit::remove(key::user(tenant.roster.tenant(), subject), entry.was()));
    Ok(edits)
}

/// Whether an operator has taken back all tokens of a subject that there are and will be.
pub fn is_revoked_for_good(tenant: &Tenant, subject: &str) -> bool {
    tenant.revocation(subject).is_some_and(|value| {
        // What can't be read is nobody's to undo.
        decode::<Revocation>(value)
            .map_or(true, |said| said.before.is_none() && said.by != Some(RevokedBy::Directory))
    })
}

/// All tokens revoked, all sessions ended.
fn shut_out(tenant: &Tenant, subject: &str) -> Result<Vec<Edit>, TooLarge> {
    let mut edits = Vec::new();
    if !is_revoked_for_good(tenant, subject) {
        edits.push(revocation(tenant, subject, None)?);
    }
    edits.extend(tenant.sessions.end(tenant.sessions.of(subject)));
    Ok(edits)
}

fn revocation(tenant: &Tenant, subject: &str, before: Option<i64>) -> Result<Edit, TooLarge> {
    let was = tenant.revocation(subject).map(<[u8]>::to_vec);
    let record = Revocation { before, by: Some(RevokedBy::Directory) };
    Edit::write(key::revoked_subject(tenant.roster.tenant(), subject), Was::from(was), &record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Was;
    use crate::tenant::Read;

    fn user(state: State) -> User {
        User {
            state,
            roles: vec!["member".into()],
            groups: Vec::new(),
            since: None,
            subject: None,
            email: None,
            name: None,
            scim: None,
        }
    }

    fn world(state: &str) -> Tenant {
        let user = format!(r#"{{"v":1,"state":"{state}","roles":["member"]}}"#);
        let session = br#"{"v":1,"subject":"u-1","created":1}"#;
        let read = Read {
            users: vec![(key::user("acme", "u-1"), user.into_bytes())],
            sessions: vec![(key::session("acme", &key::digest("s")), session.to_vec())],
            revoked: [("u-0", r#"{"v":1,"by":"directory"}"#), ("u-9", r#"{"v":1}"#)]
                .map(|(subject, value)| (key::revoked_subject("acme", subject), value.into()))
                .into(),
            ..Read::default()
        };
        Tenant::read("acme", read).unwrap()
    }

    fn shown(edits: &[Edit]) -> Vec<String> {
        let show = |edit: &Edit| {
            let value =
                edit.value.as_deref().map(|value| String::from_utf8_lossy(value).into_owned());
            format!("{} {}", edit.key, value.unwrap_or_else(|| "-".into()))
        };
        edits.iter().map(show).collect()
    }

    #[test]
    fn whoever_leaves_leaves_nothing_behind() {
        let digest = key::digest("s");
        for (state, word) in [(State::Left, "left"), (State::Suspended, "suspended")] {
            let tenant = world("active");
            let entry = tenant.roster.get("u-1").unwrap().clone();
            let edits = set(&tenant, "u-1", &entry, state, 900).unwrap();
            assert_eq!(
                shown(&edits),
                [
                    format!(
                        r#"t/acme/user/u-1 {{"v":1,"state":"{word}","roles":["member"],"since":900,"subject":"u-1"}}"#
                    ),
                    r#"t/acme/revoked/subject/u-1 {"v":1,"by":"directory"}"#.to_owned(),
                    format!("t/acme/session/{digest} -"),
                    format!("t/acme/seen/{digest} -"),
                ]
            );
            assert_eq!(edits[0].was, entry.was());
        }
    }

    #[test]
    fn whoever_comes_again_needs_a_new_token() {
        for state in ["left", "suspended"] {
            let tenant = world(state);
            let entry = tenant.roster.get("u-1").unwrap().clone();
            let edits = set(&tenant, "u-1", &entry, State::Active, 900).unwrap();
            let shown = shown(&edits);
            assert_eq!(
                shown[0],
                r#"t/acme/revoked/subject/u-1 {"v":1,"before":900,"by":"directory"}"#
            );
            assert!(shown[1].starts_with("t/acme/user/u-1 "), "last, because it opens");
            assert_eq!(edits.len(), 2);
        }
    }

    #[test]
    fn who_stays_stays_signed_in() {
        let tenant = world("active");
        let edits = put(&tenant, "u-1", &user(State::Active), 900).unwrap();
        assert_eq!(edits.len(), 1);
        let tenant = world("left");
        let edits = put(&tenant, "u-1", &user(State::Left), 900).unwrap();
        assert_eq!(edits.len(), 4, "once more, whatever it was that let him in again");
    }

    #[test]
    fn a_joiner_is_expected_to_be_new() {
        let tenant = world("active");
        let edits = put(&tenant, "u-2", &user(State::Active), 900).unwrap();
        assert_eq!((edits.len(), &edits[0].was), (1, &Was::Absent));
        let edits = put(&tenant, "u-0", &user(State::Active), 900).unwrap();
        assert_eq!(
            shown(&edits)[0],
            r#"t/acme/revoked/subject/u-0 {"v":1,"before":900,"by":"directory"}"#
        );
        let edits = put(&tenant, "u-3", &user(State::Left), 900).unwrap();
        assert_eq!(shown(&edits)[1], r#"t/acme/revoked/subject/u-3 {"v":1,"by":"directory"}"#);
    }

    #[test]
    fn whoever_is_removed_stays_shut_out() {
        let tenant = world("active");
        let entry = tenant.roster.get("u-1").unwrap().clone();
        let edits = remove(&tenant, "u-1", &entry).unwrap();
        let shown = shown(&edits);
        assert_eq!(shown[0], r#"t/acme/revoked/subject/u-1 {"v":1,"by":"directory"}"#);
        assert_eq!(shown.last().unwrap(), "t/acme/user/u-1 -");
    }

    #[test]
    fn what_an_operator_revoked_for_good_stays_revoked() {
        let tenant = world("active");
        assert!(is_revoked_for_good(&tenant, "u-9") && !is_revoked_for_good(&tenant, "u-0"));
        for state in [State::Active, State::Suspended, State::Left] {
            let edits = put(&tenant, "u-9", &user(state), 900).unwrap();
            let keys: Vec<&str> = edits.iter().map(|edit| edit.key.as_str()).collect();
            assert_eq!(keys, ["t/acme/user/u-9"], "{state:?}");
        }
    }
}
