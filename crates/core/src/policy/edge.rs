//! What stands between the clients and the gateway.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What stands between the clients and the gateway.
#[derive(Debug, Serialize, Deserialize)]
pub struct Edge {
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) client_address_header: String,
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
#[derive(Debug, Serialize, Deserialize)]
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
