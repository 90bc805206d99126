//! A way through the gateway.

use super::Rewrite;
use crate::request::canonical::METHODS;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// A way through the gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    pub(super) id: String,
    pub(super) path: String,
    #[serde(deserialize_with = "methods")]
    pub(super) methods: Vec<&'static str>,
    pub(super) origins: Vec<String>,
    pub(super) answer: Option<OwnAnswer>,
    pub(super) public: bool,
    pub(super) network: String,
    pub(super) roles: Vec<String>,
    pub(super) all_roles: Vec<String>,
    pub(super) assistant: Option<String>,
    pub(super) rewrite: Option<Rewrite>,
    pub(super) enforce: bool,
    pub(super) max_body: u64,
    pub(super) timeouts: Timeouts,
}

impl Route {
    /// The identifier, for records and tests.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The path pattern.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The methods: exactly these, so GET does not bring HEAD.
    pub fn methods(&self) -> &[&'static str] {
        &self.methods
    }

    /// The identifiers of its origins.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().map(String::as_str)
    }

    /// What the gateway answers itself, in place of an origin.
    pub fn answer(&self) -> Option<OwnAnswer> {
        self.answer
    }

    /// No token is asked for.
    pub fn is_public(&self) -> bool {
        self.public
    }

    /// The network that the client must be in.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Roles of which the principal must have one; none: every principal of the tenant.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Roles of which the principal must have every one, besides.
    pub fn all_roles(&self) -> &[String] {
        &self.all_roles
    }

    /// The parameter of the path that names an assistant.
    pub fn assistant(&self) -> Option<&str> {
        self.assistant.as_deref()
    }

    /// Another path prefix at the origin.
    pub fn rewrite(&self) -> Option<&Rewrite> {
        self.rewrite.as_ref()
    }

    /// Its rules refuse; without, they are judged for the record alone.
    pub fn enforced(&self) -> bool {
        self.enforce
    }

    /// The longest request body, in bytes.
    pub fn max_body(&self) -> u64 {
        self.max_body
    }

    /// How long the origin may take.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }
}

/// What the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OwnAnswer {
    /// The public part of its own keys, as a JWK Set (RFC 7517, section 5).
    #[serde(rename = "jwks")]
    PublishedKeys,
}

impl OwnAnswer {
    /// The name in the policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublishedKeys => "jwks",
        }
    }
}

/// How long an origin may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// To accept the connection.
    pub connect: Duration,
    /// To send the first byte of its answer.
    pub first_byte: Duration,
    /// Between two bytes.
    pub idle: Duration,
}

/// Names of methods as the constants that requests are compared with.
fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static str>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|name| METHODS.into_iter().find(|method| method == name))
        .collect::<Option<_>>()
        .ok_or_else(|| D::Error::custom("a method that no route can have"))
}
