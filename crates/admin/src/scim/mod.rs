//! SCIM 2.0 (RFC 7643, RFC 7644): users and groups as an identity provider provisions them.

use crate::problem::Problem;
use axum::Router;
use sekisho_core::token::claims::{MAX_ROLES, is_role};
use serde_json::{Value, json};

/// Which member of a SCIM user is the subject of his tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectBy {
    /// `userName`.
    #[default]
    UserName,
    /// `externalId`.
    ExternalId,
}


/// What the operator says of SCIM.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which member is the subject of tokens.
    pub subject: SubjectBy,
    /// The roles of a user to whom the identity provider gives none.
    pub default_roles: Vec<String>,
}

impl Settings {
    /// Reads them from the component's variables.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(subject: &str, default_roles: &str) -> Result<Self, String> {
        let subject = match subject {
            "userName" => SubjectBy::UserName,
            "externalId" => SubjectBy::ExternalId,
            _ => return Err("the variable scim_subject is userName or externalId".to_owned()),
        };
        let roles = default_roles.split(',').map(str::trim).filter(|role| !role.is_empty());
        let default_roles: Vec<String> = roles.map(str::to_owned).collect();
        if default_roles.len() > MAX_ROLES || !default_roles.iter().all(|role| is_role(role)) {
            return Err("the variable scim_default_roles is names of roles, separated by commas".to_owned());
        }
        Ok(Self { subject, default_roles })
    }
}

/// Where it is.
pub const PREFIX: &str = "/scim/v2";

/// The role that it asks for.
pub const ROLE: &str = "provisioner";

/// The media type of its bodies (RFC 7644, section 8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

pub(crate) fn router() -> Router {
    Router::new()
}

/// The body of an error (RFC 7644, section 3.12).
pub(crate) fn error(problem: &Problem) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": problem.status.as_u16().to_string(),
        "detail": problem.detail,
    })
}
