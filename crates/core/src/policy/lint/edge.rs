//! Who is believed before the gateway.

use super::{GATEWAY, Linter, warning};
use crate::policy::{Fault, TrustedProxies, UnnamedClient};
use ipnet::IpNet;

impl Linter<'_> {
    /// A trusted proxy names the client and vouches for HTTPS, so whoever is one passes any
    /// allowlist.
    pub(super) fn edge(&self, found: &mut Vec<Fault>) {
        let proxies = self.gateway.key("edge").key("trusted_proxies");
        let believed = self.policy.edge().trusted_proxies();
        let blocks = match believed {
            TrustedProxies::Blocks(blocks) => blocks.as_slice(),
            TrustedProxies::Peer => &[],
        };
        for (index, block) in blocks.iter().enumerate() {
            let wide = match block {
                IpNet::V4(block) => block.prefix_len() < 8,
                IpNet::V6(block) => block.prefix_len() < 16,
            };
            if wide {
                found.push(warning(
                    "proxies-everyone",
                    (GATEWAY, &proxies.clone().at(index)),
                    format!("whoever connects from {block} may say which address it has"),
                    "name the blocks of your own proxies, or \"peer\" if only they can connect",
                ));
            }
        }
        if self.policy.edge().unnamed_client() == UnnamedClient::Peer {
            found.push(warning(
                "unnamed-client-peer",
                (GATEWAY, &self.gateway.key("edge").key("unnamed_client")),
                "whoever comes by a proxy that does not name him has the proxy's address",
                "keep the proxies' addresses out of the tenants' networks, or write \"nobody\"",
            ));
        }
        if matches!(believed, TrustedProxies::Peer) && self.policy.edge().proxy_secret().is_none() {
            found.push(warning(
                "proxies-peer",
                (GATEWAY, &proxies),
                "whoever connects is believed",
                "make sure that only your proxy can connect, or have it show a proxy_secret",
            ));
        }
    }
}
