//! The policy: what the operator and the tenants wrote, compiled, checked and immutable.
//!
//! | place | what |
//! | --- | --- |
//! | `source` | the TOML, as types; unknown keys are errors |
//! | [`load()`] | from files to a [`Policy`], collecting every fault |
//! | [`fault`] | a mistake with its file, place and remedy |

pub mod fault;
mod load;
mod source;

pub use fault::Fault;
pub use load::{Files, MAX_FILE, is_policy_file, load};

use crate::network::Network;
use crate::request::headers::HeadLimits;
use crate::token::keys::{Algorithm, KeySet};
use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A compiled policy.
#[derive(Debug)]
pub struct Policy {
    digest: String,
    edge: Edge,
    head_limits: HeadLimits,
    check_revocation: bool,
    origins: HashMap<String, Origin>,
    routes: Vec<Route>,
    paths: matchit::Router<Vec<usize>>,
    tenants: Vec<Tenant>,
    hosts: HashMap<String, usize>,
}

impl Policy {
    /// SHA-256 over every file that can change a verdict, as 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What stands before the gateway.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// How large a request head may be.
    pub fn head_limits(&self) -> HeadLimits {
        self.head_limits
    }

    /// Whether step 8 asks the state for revocations.
    pub fn checks_revocation(&self) -> bool {
        self.check_revocation
    }

    /// The tenant of a canonical host name.
    pub fn tenant_of_host(&self, host: &str) -> Option<&Tenant> {
        self.hosts.get(host).and_then(|index| self.tenants.get(*index))
    }

    /// Every tenant, by identifier.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// Every route, in the order of the file.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The routes whose pattern is the most specific one for this path; they differ in method.
    pub fn routes_of_path(&self, path: &str) -> Vec<&Route> {
        self.paths.at(path).map_or_else(
            |_| Vec::new(),
            |found| found.value.iter().filter_map(|index| self.routes.get(*index)).collect(),
        )
    }

    /// The origin of this identifier.
    pub fn origin(&self, id: &str) -> Option<&Origin> {
        self.origins.get(id)
    }

    /// Every origin.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.origins.values()
    }
}

/// What stands between the clients and the gateway.
#[derive(Debug)]
pub struct Edge {
    trusted_proxies: TrustedProxies,
    client_address_header: String,
}

impl Edge {
    /// The proxies whose word counts.
    pub fn trusted_proxies(&self) -> &TrustedProxies {
        &self.trusted_proxies
    }

    /// The one header in which a trusted proxy names the client, in lower case.
    pub fn client_address_header(&self) -> &str {
        &self.client_address_header
    }
}

/// Whose word on the client's address and on HTTPS is taken.
#[derive(Debug)]
pub enum TrustedProxies {
    /// Peers in these blocks; none by default.
    Blocks(Vec<IpNet>),
    /// Whoever connects: for a listener that only the proxy can reach. It speaks for itself alone,
    /// so only the last entry of a list is its word.
    Peer,
}

impl TrustedProxies {
    /// Whether this peer's word counts. A peer that the host does not name is trusted only where
    /// every peer is.
    pub fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Self::Peer => true,
            Self::Blocks(_) => peer.is_some_and(|peer| self.contains(peer)),
        }
    }

    /// Whether an address in a list of hops is a trusted proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        match self {
            Self::Peer => false,
            Self::Blocks(blocks) => {
                let address = address.to_canonical();
                blocks.iter().any(|block| block.contains(&address))
            }
        }
    }
}

/// A tenant's identifier: lower-case letters, digits and hyphens; the name of its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(String);

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
#[derive(Debug)]
pub struct Tenant {
    id: TenantId,
    hosts: Vec<String>,
    regions: Vec<String>,
    networks: BTreeMap<String, Network>,
    issuers: Vec<Issuer>,
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

    /// The regions in which its data may be processed (R10).
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The network of this name, if the tenant has set it.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.get(name)
    }

    /// Who may issue tokens for it.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }
}

/// Who issues tokens, and how they are checked.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    keys: KeySet,
    tenant_proof: TenantProof,
    roles_claim: String,
}

impl Issuer {
    /// The exact value of `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The values of `aud` that are meant for this gateway.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// The algorithms that it signs with.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Its keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// How its tokens prove their tenant.
    pub fn tenant_proof(&self) -> &TenantProof {
        &self.tenant_proof
    }

    /// The claim that lists roles.
    pub fn roles_claim(&self) -> &str {
        &self.roles_claim
    }
}

/// How a token proves whose it is.
#[derive(Debug)]
pub enum TenantProof {
    /// This claim equals the tenant's identifier.
    Claim(String),
    /// The issuer is declared to serve this tenant alone.
    SoleTenant,
}

/// A way through the gateway.
#[derive(Debug)]
pub struct Route {
    id: String,
    path: String,
    methods: Vec<&'static str>,
    origins: Vec<String>,
    public: bool,
    network: String,
    roles: Vec<String>,
    max_body: u64,
    timeouts: Timeouts,
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

    /// The methods.
    pub fn methods(&self) -> &[&'static str] {
        &self.methods
    }

    /// The identifiers of its origins.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.origins.iter().map(String::as_str)
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

    /// The longest request body, in bytes.
    pub fn max_body(&self) -> u64 {
        self.max_body
    }

    /// How long the origin may take.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }
}

/// How long an origin may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To accept the connection.
    pub connect: Duration,
    /// To send the first byte of its answer.
    pub first_byte: Duration,
    /// Between two bytes.
    pub idle: Duration,
}

/// A service that requests are forwarded to.
#[derive(Debug)]
pub struct Origin {
    id: String,
    https: bool,
    authority: String,
    region: String,
    tenant_echo: TenantEcho,
}

impl Origin {
    /// The identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Scheme and authority, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    /// Reached over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Where it runs.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether its answers must name the tenant.
    pub fn tenant_echo(&self) -> TenantEcho {
        self.tenant_echo
    }
}

/// Whether an origin's answer must carry the `X-Tenant-Id` that it was asked with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenantEcho {
    /// It must be there and match.
    #[default]
    Required,
    /// If it is there, it must match.
    IfPresent,
    /// It is not looked at.
    Off,
}
