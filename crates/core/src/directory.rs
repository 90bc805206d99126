//! The directory of a tenant's users (R6): who may come, and with which roles and groups.
//!
//! ```json
//! {"v":1,"state":"active","roles":["member"],"groups":["sales"]}
//! {"v":1,"state":"suspended","since":1795338000}
//! {"v":1,"state":"left","subject":"u-42","email":"hanako@acme.example","name":"佐藤 花子"}
//! ```
//!
//! | the tenant's `directory` | no record | `active` | `suspended`, `left` |
//! | --- | --- | --- | --- |
//! | `"required"` | refused | the record's roles and groups | refused |
//! | `"optional"` | the token's roles and groups | the record's roles and groups | refused |
//! | `"off"` | not looked up | not looked up | not looked up |
//!
//! An active user without `roles` has none: the token's never come back in their place. There may be
//! as many roles and groups as in a token, of the same form. What else stands in a record (who it is, how to reach
//! him) is for those who manage the directory; no verdict looks at it.

use crate::denial::{Denial, Reason};
use crate::policy::Directory;
use crate::records::Given;
use crate::token::claims::{MAX_NAMES, MAX_ROLES, Principal, is_name, is_role};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A user of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Whether he may come.
    pub state: State,
    /// His roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// His groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// When the state began, in seconds since 1970: for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// The subject, which a key may have as a digest only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where mail reaches him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// His name, as people write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What else the directory that provisions him says (SCIM, RFC 7643).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim: Option<Scim>,
}

/// What SCIM (RFC 7643, section 4.1) says of a user beside what every record has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scim {
    /// `userName`.
    pub user_name: String,
    /// `externalId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `name.givenName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// `name.familyName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created: i64,
    /// When it was changed, likewise.
    pub modified: i64,
    /// It was SCIM that suspended him, and so it may let him come again. Who was shut out otherwise stays out for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

/// Whether a user may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// He may.
    Active,
    /// Not now.
    Suspended,
    /// Not any more.
    Left,
}

impl User {
    /// The user in a state that those who manage him give him, since now if it is another one. Whom they shut out,
    /// SCIM does not let in again.
    #[must_use]
    pub fn becomes(self, state: State, now: i64) -> Self {
        let since = if self.state == state { self.since } else { Some(now) };
        let scim = self.scim.map(|scim| Scim { suspended: false, ..scim });
        Self { state, since, scim, ..self }
    }
}

impl State {
    /// The word in a record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Left => "left",
        }
    }
}

/// Looks the principal up and gives it the directory's roles and groups.
pub(crate) fn look_up(
    directory: Directory,
    given: Given<'_, '_>,
    principal: &mut Principal,
) -> Result<(), Denial> {
    if directory == Directory::Off {
        return Ok(());
    }
    let stored = given.user()?;
    let Some(user) = stored.read::<User>()? else {
        return match directory {
            Directory::Required => Err(Denial::new(
                Reason::UserUnknown,
                "the user is not in the tenant's directory, which is required",
            )),
            Directory::Optional | Directory::Off => Ok(()),
        };
    };
    match user.state {
        State::Active => {}
        State::Suspended => {
            return Err(Denial::new(Reason::UserSuspended, since("is suspended", user.since)));
        }
        State::Left => return Err(Denial::new(Reason::UserLeft, since("has left", user.since))),
    }
    if user.roles.len() > MAX_ROLES || !user.roles.iter().all(|role| is_role(role)) {
        return Err(stored.unreadable("has a role that is no name, or more than 64"));
    }
    // Each is compared with each of a label's: without an end, two records of a tenant's could hold up
    // the requests of the others.
    if user.groups.len() > MAX_NAMES || !user.groups.iter().all(|group| is_name(group)) {
        return Err(stored.unreadable("has a group that is no name, or more than 256"));
    }
    principal.set_rights(user.roles, user.groups);
    Ok(())
}

fn since(what: &'static str, since: Option<i64>) -> Cow<'static, str> {
    match since.and_then(|since| jiff::Timestamp::from_second(since).ok()) {
        Some(since) => format!("the user {what} since {since}").into(),
        None => format!("the user {what}").into(),
    }
}
