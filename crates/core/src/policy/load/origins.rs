//! The services behind the gateway.

use super::Loader;
use super::rewrites::is_prefix;
use crate::policy::source::OriginSource;
use crate::policy::source::Spanned;
use crate::policy::{HostPolicy, Origin};
use crate::request::authority::{Authority, host_name, stays_on_the_host};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

const FILE: &str = "gateway.toml";

/// Shares of more than this differ by less than anybody can see.
const WEIGHTS: RangeInclusive<u32> = 0..=1000;

/// Where an origin is.
#[derive(Default)]
struct Place {
    https: bool,
    authority: String,
    prefix: String,
}

impl Loader<'_> {
    pub(super) fn origins(
        &mut self,
        sources: BTreeMap<Spanned<String>, OriginSource>,
    ) -> HashMap<String, Origin> {
        let mut origins = HashMap::new();
        for (id, source) in sources {
            self.name(FILE, &id, "origin");
            self.name(FILE, &source.region, "region");
            let Place { https, authority, prefix } = self.place(&source);
            let weight = source.weight.as_ref().map_or(1, |weight| *weight.get_ref());
            if let Some(given) = source.weight.as_ref().filter(|_| !WEIGHTS.contains(&weight)) {
                self.fault(
                    "origin-weight-invalid",
                    (FILE, Some(given.span())),
                    format!("{weight} is no share of the requests"),
                    "write 0 to 1000; 0 for an origin that waits until all others are passed over",
                );
            }
            let host = self.host_policy(source.host.as_ref());
            for host in &source.redirect_hosts {
                if host_name(host.get_ref()).ok().as_ref() != Some(host.get_ref()) {
                    self.fault(
                        "redirect-host-invalid",
                        (FILE, Some(host.span())),
                        format!("{:?} is not the name of a host", host.get_ref()),
                        "write its name in lower case, without a scheme, a port or a path",
                    );
                }
                self.redirects.push(host.clone());
            }
            let origin = Origin {
                id: id.get_ref().clone(),
                https,
                authority,
                prefix,
                region: source.region.into_inner(),
                weight,
                host,
                connections: source.connections,
                tenant_echo: source.tenant_echo,
                redirect_hosts: source
                    .redirect_hosts
                    .into_iter()
                    .map(Spanned::into_inner)
                    .collect(),
            };
            origins.insert(id.into_inner(), origin);
        }
        origins
    }

    /// A fault stands against an empty one, and routes that name this origin have none of their own.
    fn place(&mut self, source: &OriginSource) -> Place {
        let url = source.url.get_ref();
        let (https, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => (false, ""),
        };
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let prefix = if prefix == "/" { "" } else { prefix };
        let sound =
            Authority::parse(authority).ok().filter(|_| prefix.is_empty() || is_prefix(prefix));
        let Some(authority) = sound else {
            self.fault(
                "origin-url-invalid",
                (FILE, Some(source.url.span())),
                format!("{url:?} is not the address of an origin"),
                "write http:// or https://, a host, an optional port, and an optional path in normal form \
                 without a slash at its end",
            );
            return Place::default();
        };
        if !https && !source.cleartext && !stays_on_the_host(authority.host()) {
            self.fault(
                "origin-cleartext",
                (FILE, Some(source.url.span())),
                format!("traffic to {url:?} would not be encrypted"),
                "write https://, or add cleartext = true if something else encrypts the way there",
            );
        }
        Place { https, authority: authority.to_text(), prefix: prefix.to_owned() }
    }

    fn host_policy(&mut self, source: Option<&Spanned<String>>) -> HostPolicy {
        let Some(source) = source else { return HostPolicy::Origin };
        match source.get_ref().as_str() {
            "origin" => HostPolicy::Origin,
            "client" => HostPolicy::Client,
            name => {
                let canonical = Authority::parse(name).map(|name| name.to_text());
                if canonical.is_ok_and(|canonical| canonical == name) {
                    return HostPolicy::Named(name.to_owned());
                }
                self.fault(
                    "origin-host-invalid",
                    (FILE, Some(source.span())),
                    format!("{name:?} is no host that an origin can be asked for"),
                    "write \"origin\", \"client\", or a name in lower case with an optional port",
                );
                HostPolicy::Origin
            }
        }
    }
}
