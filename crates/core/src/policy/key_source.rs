//! Where an issuer's keys come from.

use crate::request::authority::{Authority, stays_on_the_host};
use crate::request::target::Target;
use crate::token::keys::{Algorithm, KeySet};
use crate::token::own::OwnKeys;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an issuer's keys come from.
#[derive(Debug, Serialize, Deserialize)]
pub enum KeySource {
    /// A file of the policy.
    Written(KeySet),
    /// The issuer publishes them, and the gateway asks for them.
    Published {
        /// Where.
        at: Published,
        /// A file of the policy that stands in for them where nobody can ask: in `sekisho explain`
        /// and the other tools. The gateway never looks at it, so a compiled policy has none.
        #[serde(skip)]
        stand_in: Option<KeySet>,
    },
    /// They are the gateway's own, which signed the token itself. They are secret, and no part of a
    /// policy.
    Own,
}

impl KeySource {
    /// The keys where nobody can be asked, for an issuer of these algorithms: the gateway's own are these, if
    /// any.
    pub(super) fn offline<'k>(
        &'k self,
        algorithms: &[Algorithm],
        own: Option<&'k OwnKeys>,
    ) -> Result<&'k KeySet, String> {
        match self {
            Self::Written(keys) => Ok(keys),
            Self::Published { stand_in, .. } => stand_in.as_ref().ok_or_else(|| {
                "nobody asks the issuer for its keys here; a jwks_file beside would stand in for them"
                    .into()
            }),
            Self::Own => match own {
                Some(own) => own.checking(algorithms).map(|keys| &**keys),
                None => Err("the gateway's own keys are secret, and not given here".into()),
            },
        }
    }
}

/// Where an issuer publishes its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Published {
    /// Its discovery document says where: this is the document's address (OpenID Connect
    /// Discovery 1.0, section 4).
    Discovery(WebAddress),
    /// A JWK Set (RFC 7517, section 5).
    JwkSet(WebAddress),
}

impl Published {
    /// What is asked first.
    pub fn address(&self) -> &WebAddress {
        match self {
            Self::Discovery(address) | Self::JwkSet(address) => address,
        }
    }

    /// The discovery document of an issuer: its name must be an address without a query.
    pub(crate) fn discovery_of(issuer: &str) -> Option<Self> {
        let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
        if issuer.contains('?') {
            return None;
        }
        WebAddress::parse(&format!("{issuer}/.well-known/openid-configuration"))
            .map(Self::Discovery)
    }
}

/// An address that can be asked without being overheard: `https`, or `http` on the same host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebAddress {
    https: bool,
    authority: String,
    path_and_query: String,
}

impl WebAddress {
    /// Parses an absolute address (RFC 3986, section 4.3) with a host and path in canonical form;
    /// without a path it is `/`. `None` for any other, and for one in the clear that leaves the
    /// host.
    pub fn parse(text: &str) -> Option<Self> {
        let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(end);
        let authority = Authority::parse(authority).ok()?;
        if !https && !stays_on_the_host(authority.host()) {
            return None;
        }
        let path_and_query = if path_and_query.is_empty() { "/" } else { path_and_query };
        let target = Target::parse(path_and_query).ok()?;
        Some(Self {
            https,
            authority: authority.to_text(),
            path_and_query: target.as_str().to_owned(),
        })
    }

    /// Reached over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// Scheme and authority, without a path.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path_and_query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (name, text, want) in [
            ("https", "https://idp.example/jwks.json", Some("https://idp.example/jwks.json")),
            ("a port", "https://idp.example:8443/k", Some("https://idp.example:8443/k")),
            ("a query", "https://idp.example/k?p=x", Some("https://idp.example/k?p=x")),
            ("no path", "https://idp.example", Some("https://idp.example/")),
            ("upper case", "https://IDP.Example/K", Some("https://idp.example/K")),
            ("loopback", "http://127.0.0.1:3481/k", Some("http://127.0.0.1:3481/k")),
            ("localhost", "http://idp.localhost:1/k", Some("http://idp.localhost:1/k")),
            ("IPv6 loopback", "http://[::1]:1/k", Some("http://[::1]:1/k")),
            ("in the clear", "http://idp.example/k", None),
            ("a private network", "http://10.0.0.1/k", None),
            ("another scheme", "file:///etc/keys", None),
            ("no scheme", "idp.example/k", None),
            ("userinfo", "https://u:p@idp.example/k", None),
            ("a fragment", "https://idp.example/k#f", None),
            ("a fragment at once", "https://idp.example#f", None),
            ("only a query", "https://idp.example?k", None),
            ("dot segments", "https://idp.example/a/../k", None),
            ("a space", "https://idp.example/a k", None),
            ("no host", "https:///k", None),
            ("empty", "", None),
        ] {
            let got = WebAddress::parse(text).map(|address| address.to_string());
            assert_eq!(got.as_deref(), want, "{name}");
        }
    }

    #[test]
    fn discovery_documents() {
        for (name, issuer, want) in [
            (
                "plain",
                "https://idp.example",
                Some("https://idp.example/.well-known/openid-configuration"),
            ),
            (
                "a slash",
                "https://idp.example/",
                Some("https://idp.example/.well-known/openid-configuration"),
            ),
            (
                "a path",
                "https://idp.example/t/1",
                Some("https://idp.example/t/1/.well-known/openid-configuration"),
            ),
            ("a query", "https://idp.example/?t=1", None),
            ("a fragment", "https://idp.example/#t", None),
            ("no address", "idp.example", None),
            ("in the clear", "http://idp.example", None),
        ] {
            let got = Published::discovery_of(issuer).map(|at| at.address().to_string());
            assert_eq!(got.as_deref(), want, "{name}");
        }
    }
}
