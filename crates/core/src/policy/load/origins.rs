//! The services behind the gateway.

use super::Loader;
use crate::policy::Origin;
use crate::policy::source::OriginSource;
use crate::policy::source::Spanned;
use crate::request::authority::{Authority, host_name, stays_on_the_host};
use std::collections::{BTreeMap, HashMap};

impl Loader<'_> {
    pub(super) fn origins(
        &mut self,
        sources: BTreeMap<Spanned<String>, OriginSource>,
    ) -> HashMap<String, Origin> {
        const FILE: &str = "gateway.toml";
        let mut origins = HashMap::new();
        for (id, source) in sources {
            let url = source.url.get_ref();
            let (https, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
                (Some(rest), _) => (true, rest),
                (_, Some(rest)) => (false, rest),
                _ => (false, ""),
            };
            let authority = Authority::parse(rest.strip_suffix('/').unwrap_or(rest));
            if authority.is_err() {
                self.fault(
                    "origin-url-invalid",
                    (FILE, Some(source.url.span())),
                    format!("{url:?} is not the address of an origin"),
                    "write http:// or https://, a host and an optional port, without a path",
                );
            }
            if let Ok(authority) = &authority
                && !https
                && !source.cleartext
                && !stays_on_the_host(authority.host())
            {
                self.fault(
                    "origin-cleartext",
                    (FILE, Some(source.url.span())),
                    format!("traffic to {url:?} would not be encrypted"),
                    "write https://, or add cleartext = true if something else encrypts the way there",
                );
            }
            self.name(FILE, &id, "origin");
            self.name(FILE, &source.region, "region");
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
                // A fault stands against an empty one, and routes that name this origin have none of
                // their own.
                authority: authority.map(|authority| authority.to_text()).unwrap_or_default(),
                region: source.region.into_inner(),
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
}
