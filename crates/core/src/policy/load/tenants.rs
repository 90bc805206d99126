//! The customers: one file each.

use super::Loader;
use crate::network::{AddressSet, Network};
use crate::policy::source::Spanned;
use crate::policy::source::{TenantSource, WordOrBlocks};
use crate::policy::{Issuer, Tenant, TenantId};
use crate::request::canonical::host_name;

impl Loader<'_> {
    pub(super) fn tenants(&mut self) -> Vec<Tenant> {
        let files: Vec<String> =
            self.files.keys().filter(|file| file.starts_with("tenants/")).cloned().collect();
        if files.is_empty() {
            self.fault(
                "no-tenant",
                ("tenants", None),
                "there is no tenant",
                "add a file tenants/<id>.toml for each customer",
            );
        }
        let mut tenants = Vec::with_capacity(files.len());
        for file in files {
            let id = file
                .strip_prefix("tenants/")
                .and_then(|name| name.strip_suffix(".toml"))
                .and_then(TenantId::parse);
            let Some(id) = id else {
                self.fault(
                    "tenant-id-invalid",
                    (&file, None),
                    "the file's name is no tenant",
                    "call it tenants/<id>.toml, <id> of lower-case letters, digits and hyphens",
                );
                continue;
            };
            if let Some(source) = self.toml::<TenantSource>(&file) {
                tenants.push(self.tenant(&file, id, source));
            }
        }
        tenants
    }

    fn tenant(&mut self, file: &str, id: TenantId, source: TenantSource) -> Tenant {
        let mut hosts = Vec::new();
        for host in source.hosts.get_ref() {
            match host_name(host.get_ref()) {
                Ok(name) => hosts.push(name),
                Err(_) => self.fault(
                    "host-invalid",
                    (file, Some(host.span())),
                    format!("{:?} is no host name", host.get_ref()),
                    "write the name as it stands in the address bar, without scheme, port or wildcard",
                ),
            }
        }
        if source.hosts.get_ref().is_empty() {
            self.fault(
                "tenant-without-host",
                (file, Some(source.hosts.span())),
                format!("the tenant {id} has no host"),
                "name at least one in hosts = [...]",
            );
        }
        if source.regions.get_ref().is_empty() {
            self.fault(
                "tenant-without-region",
                (file, Some(source.regions.span())),
                format!("the tenant {id} has no region, so no origin may serve it"),
                "name at least one in regions = [...]",
            );
        }
        let networks = source
            .networks
            .iter()
            .map(|(name, given)| {
                self.name(file, name, "network");
                let network = match given.get_ref() {
                    WordOrBlocks::Word(word) if word == "any" => Network::Any,
                    WordOrBlocks::Word(word) => {
                        self.fault(
                            "network-invalid",
                            (file, Some(given.span())),
                            format!("{word:?} is no network"),
                            "write a list of CIDR blocks, or \"any\"",
                        );
                        Network::List(AddressSet::default())
                    }
                    WordOrBlocks::Blocks(blocks) => {
                        Network::List(AddressSet::new(self.blocks(file, blocks)))
                    }
                };
                (name.get_ref().clone(), network)
            })
            .collect();
        let mut issuers: Vec<Issuer> = Vec::new();
        for issuer in source.issuers {
            let place = (file, Some(issuer.issuer.span()));
            if issuers.iter().any(|other| other.name == *issuer.issuer.get_ref()) {
                self.fault(
                    "issuer-duplicate",
                    place,
                    "the issuer stands twice",
                    "keep one of them",
                );
            }
            issuers.extend(self.issuer(file, issuer));
        }
        Tenant {
            id,
            hosts,
            regions: source.regions.into_inner().into_iter().map(Spanned::into_inner).collect(),
            networks,
            issuers,
            directory: source.directory,
        }
    }
}
