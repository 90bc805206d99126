//! The customers: one file each.

use super::Loader;
use crate::policy::source::{Spanned, TenantSource};
use crate::policy::{Issuer, Tenant, TenantId};
use crate::request::canonical::host_name;
use std::collections::HashMap;
use std::ops::Range;

/// A tenant, and where the parts of it stand that must agree with other files.
pub(super) struct Placed {
    pub(super) tenant: Tenant,
    pub(super) file: String,
    pub(super) regions: Range<usize>,
    /// Of each of the tenant's hosts, in their order.
    pub(super) hosts: Vec<Range<usize>>,
    /// By name.
    pub(super) networks: HashMap<String, Range<usize>>,
    /// Of each of the networks that the tenant manages, in their order.
    pub(super) managed: Vec<Range<usize>>,
    /// Of each of the tenant's issuers, in their order.
    pub(super) issuers: Vec<Range<usize>>,
    pub(super) login: Option<Range<usize>>,
    /// Of each site of `cors`, in their order.
    pub(super) sites: Vec<Range<usize>>,
}

impl Loader<'_> {
    pub(super) fn tenants(&mut self) -> Vec<Placed> {
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
                tenants.push(self.tenant(file, id, source));
            }
        }
        tenants
    }

    fn tenant(&mut self, file: String, id: TenantId, source: TenantSource) -> Placed {
        if source.hosts.get_ref().is_empty() {
            self.fault(
                "tenant-without-host",
                (&file, Some(source.hosts.span())),
                format!("the tenant {id} has no host"),
                "name at least one in hosts = [...]",
            );
        }
        if source.regions.get_ref().is_empty() {
            self.fault(
                "tenant-without-region",
                (&file, Some(source.regions.span())),
                format!("the tenant {id} has no region, so no origin may serve it"),
                "name at least one in regions = [...]",
            );
        }
        let (hosts, host_spans) = self.tenant_hosts(&file, source.hosts.get_ref());
        let networks = source
            .networks
            .iter()
            .map(|(name, given)| (name.get_ref().clone(), self.network(&file, name, given)))
            .collect();
        let sites = source.cors.iter().flat_map(|cors| cors.origins.get_ref()).map(Spanned::span);
        let sites = sites.collect();
        let cors = source.cors.map(|source| self.cors(&file, source));
        let login_span = source.login.as_ref().map(Spanned::span);
        let login = source.login.map(|source| self.login(&file, source));
        let mut issuers: Vec<Issuer> = Vec::new();
        let mut issuer_spans = Vec::new();
        for issuer in source.issuers {
            let span = issuer.issuer.span();
            if issuers.iter().any(|other| other.name == *issuer.issuer.get_ref()) {
                self.fault(
                    "issuer-duplicate",
                    (&file, Some(span.clone())),
                    "the issuer stands twice",
                    "keep one of them",
                );
            }
            if let Some(issuer) = self.issuer(&file, issuer) {
                issuers.push(issuer);
                issuer_spans.push(span);
            }
        }
        Placed {
            regions: source.regions.span(),
            hosts: host_spans,
            networks: source
                .networks
                .keys()
                .map(|name| (name.get_ref().clone(), name.span()))
                .collect(),
            managed: source.managed_networks.iter().map(Spanned::span).collect(),
            issuers: issuer_spans,
            login: login_span,
            sites,
            file,
            tenant: Tenant {
                id,
                hosts,
                regions: source.regions.into_inner().into_iter().map(Spanned::into_inner).collect(),
                networks,
                managed_networks: source
                    .managed_networks
                    .into_iter()
                    .map(Spanned::into_inner)
                    .collect(),
                issuers,
                directory: source.directory,
                login,
                cors,
            },
        }
    }

    /// The canonical names, and where each stands.
    fn tenant_hosts(
        &mut self,
        file: &str,
        sources: &[Spanned<String>],
    ) -> (Vec<String>, Vec<Range<usize>>) {
        let (mut hosts, mut spans) = (Vec::new(), Vec::new());
        for source in sources {
            if let Ok(name) = host_name(source.get_ref()) {
                hosts.push(name);
                spans.push(source.span());
            } else {
                self.fault(
                    "host-invalid",
                    (file, Some(source.span())),
                    format!("{:?} is no host name", source.get_ref()),
                    "write the name as it stands in the address bar, without scheme, port or wildcard",
                );
            }
        }
        (hosts, spans)
    }
}
