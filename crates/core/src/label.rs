//! The visibility label of an assistant (R7).
//!
//! ```json
//! {"v":1,"visibility":"organization"}
//! {"v":1,"visibility":"restricted","users":["u-42"],"groups":["sales"]}
//! {"v":1,"visibility":"personal","owner":"u-42"}
//! ```
//!
//! Looked at where the route says which of its parameters names an assistant. In evaluation order:
//!
//! 1. The identifier is 1 to 128 unreserved characters (RFC 3986, section 2.3): what has only one
//!    spelling has only one label.
//! 2. There is a record.
//! 3. It lets the principal see the assistant: everyone of the tenant, the named users and the
//!    members of the named groups, or the owner alone.
//!
//! Each of the three is refused with the same answer, so that nobody learns which assistants there
//! are. The detail, which the operator alone sees, tells them apart.

use crate::denial::{Denial, Reason};
use crate::records::Given;
use crate::request::target::is_unreserved;
use crate::token::claims::Principal;
use serde::{Deserialize, Serialize};

/// Who may see an assistant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "visibility", rename_all = "lowercase", deny_unknown_fields)]
pub enum Label {
    /// Everyone of the tenant.
    Organization {},
    /// Those who are named, and the members of the groups that are.
    Restricted {
        /// Subjects.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        users: Vec<String>,
        /// Groups.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<String>,
    },
    /// Its owner alone.
    Personal {
        /// A subject.
        owner: String,
    },
}

/// Whether this may be an assistant's identifier.
pub fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

/// Judges whether the principal may see the assistant that stands in the path.
pub(crate) fn judge(
    assistant: Option<&str>,
    given: Given<'_, '_>,
    principal: &Principal,
) -> Result<(), Denial> {
    if !assistant.is_some_and(is_id) {
        return Err(not_found("no assistant can have this identifier"));
    }
    let label: Label =
        given.assistant()?.read()?.ok_or_else(|| not_found("there is no such assistant"))?;
    let (visible, detail) = match &label {
        Label::Organization {} => (true, ""),
        Label::Restricted { users, groups } => (
            users.iter().any(|user| user == principal.subject())
                || groups.iter().any(|group| principal.groups().contains(group)),
            "the assistant is restricted to other users and groups",
        ),
        Label::Personal { owner } => {
            (owner == principal.subject(), "the assistant is another user's own")
        }
    };
    if visible { Ok(()) } else { Err(not_found(detail)) }
}

fn not_found(detail: &'static str) -> Denial {
    Denial::new(Reason::AssistantNotFound, detail)
}
