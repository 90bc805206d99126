//! Who is believed before the gateway.

use super::{GATEWAY, Linter, warning};
use crate::policy::Fault;
use ipnet::IpNet;

impl Linter<'_> {
    /// A trusted proxy names the client and vouches for HTTPS, so whoever is one passes any
    /// allowlist.
    pub(super) fn edge(&self, found: &mut Vec<Fault>) {
        let edge = self.gateway.key("edge");
        let proxies = edge.clone().key("trusted_proxies");
        for (block, place) in proxies.blocks() {
            let wide = match block {
                IpNet::V4(block) => block.prefix_len() < 8,
                IpNet::V6(block) => block.prefix_len() < 16,
            };
            if wide {
                found.push(warning(
                    "proxies-everyone",
                    (GATEWAY, &place),
                    format!("whoever connects from {block} may say which address it has"),
                    "name the blocks of your own proxies, or \"peer\" if only they can connect",
                ));
            }
        }
        if proxies.text() == Some("peer") && !edge.key("proxy_secret").is_given() {
            found.push(warning(
                "proxies-peer",
                (GATEWAY, &proxies),
                "whoever connects is believed",
                "make sure that only your proxy can connect, or have it show a proxy_secret",
            ));
        }
    }
}
