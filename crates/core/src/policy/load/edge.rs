//! What stands before the gateway.

use super::Loader;
use super::suggest::did_you_mean;
use crate::hexadecimal;
use crate::policy::edge::{CDNS, ClientAddress, ProxySecret};
use crate::policy::source::{EdgeSource, Gateway, ProxySecretSource, Spanned, WordOrBlocks};
use crate::policy::{Edge, TrustedProxies};
use crate::request::headers::{is_hop_by_hop, is_reserved, is_single, is_token};
use sha2::{Digest, Sha256};

const FILE: &str = "gateway.toml";

impl Loader<'_> {
    pub(super) fn edge(&mut self, gateway: &Gateway) -> Edge {
        let source = &gateway.edge;
        let trusted_proxies = self.trusted_proxies(source.trusted_proxies.as_ref());
        let client_address = self.client_address(source);
        let proxy_secret = source.proxy_secret.as_ref().map(|secret| {
            if matches!(&trusted_proxies, TrustedProxies::Blocks(blocks) if blocks.is_empty()) {
                self.fault(
                    "proxy-secret-without-proxies",
                    (FILE, Some(secret.span())),
                    "no proxy is trusted, so nobody is asked for this secret",
                    "name the proxies in trusted_proxies, or write trusted_proxies = \"peer\" to ask whoever connects",
                );
            }
            self.proxy_secret(secret.get_ref(), &client_address)
        });
        let unnamed_client = source.unnamed_client.as_ref().map(|unnamed| *unnamed.get_ref());
        let unnamed_client = unnamed_client.unwrap_or_default();
        Edge { trusted_proxies, client_address, unnamed_client, proxy_secret }
    }

    fn trusted_proxies(&mut self, given: Option<&Spanned<WordOrBlocks>>) -> TrustedProxies {
        let Some(given) = given else { return TrustedProxies::Blocks(Vec::new()) };
        match given.get_ref() {
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
        }
    }

    fn client_address(&mut self, source: &EdgeSource) -> ClientAddress {
        if let (Some(cdn), Some(_)) = (&source.cdn, &source.client_address_header) {
            self.fault(
                "client-address-twice",
                (FILE, Some(cdn.span())),
                "both cdn and client_address_header say where the client's address stands",
                "drop one of the two",
            );
        }
        let header = match (&source.cdn, &source.client_address_header) {
            (Some(cdn), _) => self.cdn_header(cdn),
            (None, Some(header)) => self.client_address_header(header),
            (None, None) => "x-forwarded-for".to_owned(),
        };
        ClientAddress::of(header)
    }

    fn cdn_header(&mut self, cdn: &Spanned<String>) -> String {
        if let Some((_, header)) = CDNS.iter().find(|(name, _)| name == cdn.get_ref()) {
            return (*header).to_owned();
        }
        let known = CDNS.map(|(name, _)| name);
        let help = did_you_mean(cdn.get_ref(), known.into_iter()).unwrap_or_else(|| {
            format!(
                "known here: {}; for another CDN, write its header as client_address_header",
                known.join(", ")
            )
        });
        let message = format!("there is no preset for the CDN {:?}", cdn.get_ref());
        self.fault("cdn-unknown", (FILE, Some(cdn.span())), message, help);
        String::new()
    }

    fn client_address_header(&mut self, given: &Spanned<String>) -> String {
        let name = given.get_ref().to_ascii_lowercase();
        if !is_name(&name) || is_standard(&name) && name != "forwarded" {
            self.fault(
                "header-name-invalid",
                (FILE, Some(given.span())),
                format!("{:?} can't name the client", given.get_ref()),
                "write x-forwarded-for, forwarded, or a header that your CDN sets to the client's address alone",
            );
        }
        name
    }

    fn proxy_secret(&mut self, source: &ProxySecretSource, client: &ClientAddress) -> ProxySecret {
        let header = source.header.get_ref().to_ascii_lowercase();
        let own = is_name(&header) && !is_standard(&header) && !is_reserved(&header);
        if !own || header == client.header() {
            self.fault(
                "proxy-secret-header-invalid",
                (FILE, Some(source.header.span())),
                format!("{:?} can't carry the proxy's secret", source.header.get_ref()),
                "write a header of your own that nothing else uses, as x-edge-secret",
            );
        }
        let given = source.sha256.get_ref();
        if !(1..=2).contains(&given.len()) {
            self.fault(
                "proxy-secret-hash-count",
                (FILE, Some(source.sha256.span())),
                format!("{} hashes of the proxy's secret", given.len()),
                "write one, or two while the secret is rotated",
            );
        }
        let sha256 = given.iter().filter_map(|hash| self.hash(hash)).collect();
        ProxySecret { header, sha256 }
    }

    fn hash(&mut self, given: &Spanned<String>) -> Option<[u8; 32]> {
        let hash = hexadecimal::sha256(given.get_ref());
        // Whoever has no secret hashes an empty one.
        let hash = hash.filter(|hash| Sha256::digest(b"").as_slice() != hash);
        if hash.is_none() {
            self.fault(
                "proxy-secret-hash-invalid",
                (FILE, Some(given.span())),
                "not SHA-256 of a secret",
                "write the 64 hexadecimal digits that `printf %s \"$SECRET\" | sha256sum` prints; never the secret itself",
            );
        }
        hash
    }
}

/// A field name that step 2 lets through: a token in lower case without an underscore.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| is_token(b) && b != b'_')
}

/// A request field with a meaning of its own, which clients send.
fn is_standard(name: &str) -> bool {
    const PREFIXES: [&str; 7] =
        ["accept", "access-control-", "content-", "if-", "proxy-", "sec-", "x-requested-"];
    const NAMES: [&str; 22] = [
        "authorization",
        "baggage",
        "cache-control",
        "cookie",
        "dnt",
        "early-data",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "link",
        "pragma",
        "prefer",
        "priority",
        "save-data",
        "set-cookie",
        "traceparent",
        "tracestate",
        "via",
        "x-csrf-token",
        "x-xsrf-token",
        "x-forwarded-proto",
    ];
    is_single(name)
        || is_hop_by_hop(name)
        || NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
