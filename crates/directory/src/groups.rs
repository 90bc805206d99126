//! Groups as an identity provider provisions them (SCIM, RFC 7643, section 4.2).
//!
//! ```json
//! {"v":1,"display_name":"Sales","external_id":"8aa1a0c0","created":1795338000,"modified":1795338000}
//! ```
//!
//! The record says that there is a group, under an identifier that a new name does not change. Who is in it stands in the
//! users' own records, by the group's name, as for groups that nobody provisions: no verdict looks at this one.

use serde::{Deserialize, Serialize};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// `displayName`, by which users' records name it.
    pub display_name: String,
    /// `externalId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created: i64,
    /// When it was changed, likewise.
    pub modified: i64,
}
