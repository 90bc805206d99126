//! What stands between the clients and the gateway.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use subtle::{Choice, ConstantTimeEq};

/// What stands between the clients and the gateway.
#[derive(Debug, Serialize, Deserialize)]
pub struct Edge {
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) client_address: ClientAddress,
    pub(super) unnamed_client: UnnamedClient,
    pub(super) proxy_secret: Option<ProxySecret>,
}

impl Edge {
    /// The proxies whose word counts.
    pub fn trusted_proxies(&self) -> &TrustedProxies {
        &self.trusted_proxies
    }

    /// Where a trusted proxy names the client.
    pub fn client_address(&self) -> &ClientAddress {
        &self.client_address
    }

    /// The one header in which a trusted proxy names the client, in lower case.
    pub fn client_address_header(&self) -> &str {
        self.client_address.header()
    }

    /// Whom a request is of that a trusted proxy sends without naming a client.
    pub fn unnamed_client(&self) -> UnnamedClient {
        self.unnamed_client
    }

    /// What a trusted proxy must know.
    pub fn proxy_secret(&self) -> Option<&ProxySecret> {
        self.proxy_secret.as_ref()
    }
}

/// The header in which a trusted proxy names the client.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAddress {
    /// `X-Forwarded-For`: a list that each proxy appends to.
    XForwardedFor,
    /// `Forwarded` (RFC 7239): a list that each proxy appends to.
    Forwarded,
    /// A proxy's own header with exactly one address; its name in lower case.
    Single(String),
}

impl ClientAddress {
    /// The header of this name, in lower case.
    pub(super) fn of(header: String) -> Self {
        match header.as_str() {
            "x-forwarded-for" => Self::XForwardedFor,
            "forwarded" => Self::Forwarded,
            _ => Self::Single(header),
        }
    }

    /// The header's name, in lower case.
    pub fn header(&self) -> &str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::Single(header) => header,
        }
    }
}

/// Whom a request is of that a trusted proxy sends without naming a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UnnamedClient {
    /// Nobody knows, so it is refused.
    #[default]
    Nobody,
    /// The proxy itself.
    Peer,
}

/// CDNs by name, each with the header in which it names the client. Never its addresses: they
/// change, and an old list trusts whoever got them next.
///
/// | name | header | before it may be believed |
/// | --- | --- | --- |
/// | `cloudflare` | `CF-Connecting-IP` | nothing: Cloudflare replaces a client's |
/// | `fastly` | `Fastly-Client-IP` | Fastly keeps what a client wrote: set it to `client.ip` in `vcl_recv` at the edge |
/// | `akamai` | `True-Client-IP` | switch the behaviour on and "Allow Clients To Set" off |
/// | `cloudfront` | `X-Forwarded-For` | nothing: CloudFront appends the client |
/// | `azure-front-door` | `X-Azure-SocketIP` | nothing; `X-Azure-ClientIP` is not it, because clients can set it |
pub const CDNS: [(&str, &str); 5] = [
    ("cloudflare", "cf-connecting-ip"),
    ("fastly", "fastly-client-ip"),
    ("akamai", "true-client-ip"),
    ("cloudfront", "x-forwarded-for"),
    ("azure-front-door", "x-azure-socketip"),
];

/// A secret that a trusted proxy sends with every request. The policy holds SHA-256 of it, so it
/// must be long and random: 32 bytes or more.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProxySecret {
    pub(super) header: String,
    pub(super) sha256: Vec<[u8; 32]>,
}

impl ProxySecret {
    /// The header that carries it, in lower case.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Whether this is the secret, or while it is rotated one of the two. Takes as long for every
    /// value of the same length.
    pub fn accepts(&self, secret: &[u8]) -> bool {
        let given = Sha256::digest(secret);
        let same = self
            .sha256
            .iter()
            .fold(Choice::from(0), |same, hash| same | given.as_slice().ct_eq(hash));
        same.into()
    }
}

/// Whose word on the client's address and on HTTPS is taken.
#[derive(Debug, Serialize, Deserialize)]
pub enum TrustedProxies {
    /// Peers in these blocks; none by default.
    Blocks(Vec<IpNet>),
    /// Whoever connects: for a listener that only the proxy can reach, or with a secret that only
    /// the proxy knows. It speaks for itself alone, so only the last entry of a list is its word.
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
