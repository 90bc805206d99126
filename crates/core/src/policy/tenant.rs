//! A customer: who it is, where its users come from, who issues their tokens.

use super::{Cors, Issuer};
use crate::network::Network;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A tenant's identifier: lower-case letters, digits and hyphens; the name of its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TenantId(String);

impl TryFrom<String> for TenantId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no identifier of a tenant")
    }
}

impl TenantId {
    /// Parses an identifier of 1 to 63 characters that could be a DNS label.
    pub fn parse(text: &str) -> Option<Self> {
        let label = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        label.then(|| Self(text.to_owned()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A customer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tenant {
    pub(super) id: TenantId,
    pub(super) hosts: Vec<String>,
    pub(super) regions: Vec<String>,
    pub(super) networks: BTreeMap<String, Network>,
    pub(super) managed_networks: Vec<String>,
    pub(super) issuers: Vec<Issuer>,
    pub(super) directory: Directory,
    pub(super) login: Option<String>,
    pub(super) cors: Option<Cors>,
}

impl Tenant {
    /// The identifier.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// The canonical host names.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The regions in which its data may be processed (R10), the preferred first.
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The network of this name, if the tenant has set it.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.get(name)
    }

    /// Whether the tenant narrows the network of this name itself, by a record.
    pub fn manages(&self, network: &str) -> bool {
        self.managed_networks.iter().any(|name| name == network)
    }

    /// The networks that the tenant narrows itself.
    pub fn managed_networks(&self) -> &[String] {
        &self.managed_networks
    }

    /// Whether its users are looked up in the directory.
    pub fn directory(&self) -> Directory {
        self.directory
    }

    /// Where a browser is sent that comes without a sound token: a path, or an `https` address.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    /// Which other sites' pages may call; nothing, where the gateway leaves that to the origins.
    pub fn cors(&self) -> Option<&Cors> {
        self.cors.as_ref()
    }

    /// Who may issue tokens for it.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }
}

/// Whether a tenant's users are looked up in the directory: records of the state that say who may
/// come, and with which roles and groups (R6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Directory {
    /// Whoever is not in it is refused.
    Required,
    /// Whoever is not in it has the roles and groups of the token.
    Optional,
    /// Nobody is looked up.
    #[default]
    Off,
}
