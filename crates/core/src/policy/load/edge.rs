//! What stands before the gateway.

use super::Loader;
use crate::policy::source::{Gateway, WordOrBlocks};
use crate::policy::{Edge, TrustedProxies};
use crate::request::headers::is_token;

impl Loader<'_> {
    pub(super) fn edge(&mut self, gateway: &Gateway) -> Edge {
        const FILE: &str = "gateway.toml";
        let trusted_proxies = match &gateway.edge.trusted_proxies {
            None => TrustedProxies::Blocks(Vec::new()),
            Some(given) => match given.get_ref() {
                WordOrBlocks::Word(word) if word == "peer" => TrustedProxies::Peer,
                WordOrBlocks::Word(word) => {
                    self.fault(
                        "proxies-invalid",
                        (FILE, Some(given.span())),
                        format!("{word:?} is no kind of trusted proxy"),
                        "write a list of CIDR blocks, or \"peer\" if only your proxy can connect",
                    );
                    TrustedProxies::Blocks(Vec::new())
                }
                WordOrBlocks::Blocks(blocks) => TrustedProxies::Blocks(self.blocks(FILE, blocks)),
            },
        };
        let client_address_header = match &gateway.edge.client_address_header {
            None => "x-forwarded-for".to_owned(),
            Some(given) => {
                let name = given.get_ref().to_ascii_lowercase();
                // Step 2 refuses a request with an underscore in a header's name.
                let possible = !name.is_empty() && name.bytes().all(|b| is_token(b) && b != b'_');
                if !possible || name == "forwarded" {
                    self.fault(
                        "header-name-invalid",
                        (FILE, Some(given.span())),
                        format!("{:?} can't name the client", given.get_ref()),
                        "write x-forwarded-for, or a header that your CDN sets to the client's address alone",
                    );
                }
                name
            }
        };
        Edge { trusted_proxies, client_address_header }
    }
}
