//! A generated policy as the directory that core loads.

use super::keys::jwks;
use super::policy::{Issuer, Network, Origin, Per, Proxies, Route, Tenant, World};
use sekisho_core::policy::Files;
use sekisho_core::session::Records;
use std::fmt::Write as _;

impl World {
    /// The directory that core loads.
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::from([("gateway.toml".to_owned(), self.gateway().into_bytes())]);
        for tenant in &self.tenants {
            files.insert(format!("tenants/{}.toml", tenant.id), tenant.text().into_bytes());
            for issuer in &tenant.issuers {
                files.insert(issuer.jwks_file(), jwks(&issuer.keys).to_string().into_bytes());
            }
        }
        files
    }

    /// All that the store holds, of every tenant.
    pub(crate) fn records(&self) -> Records {
        let mut records = Records::new();
        for tenant in &self.tenants {
            tenant.state.records(tenant.id, &mut records);
        }
        records
    }

    fn gateway(&self) -> String {
        let proxies = match &self.proxies {
            Proxies::Nobody => "[]".to_owned(),
            Proxies::Blocks(blocks) => format!("{blocks:?}"),
            Proxies::Peer => "\"peer\"".to_owned(),
        };
        let mut text = format!(
            "version = 1\n[edge]\ntrusted_proxies = {proxies}\nclient_address_header = {:?}\n\
             [state]\nrevocation = {}\n",
            self.address_header, self.revocation
        );
        for Origin { id, url, region } in &self.origins {
            write!(text, "[origins.{id}]\nurl = {url:?}\nregion = {region:?}\n").unwrap();
        }
        if let Some(per) = self.limit {
            let per = match per {
                Per::Tenant => "tenant",
                Per::Subject => "subject",
            };
            write!(
                text,
                "[[rate_limits]]\nid = \"all\"\nper = {per:?}\nburst = 2\nrefill_per_minute = 1\n"
            )
            .unwrap();
        }
        for route in &self.routes {
            let Route { id, pattern, methods, origins, public, network, roles, .. } = route;
            write!(
                text,
                "[[routes]]\nid = {id:?}\npath = {pattern:?}\nmethods = {methods:?}\n\
                 origins = {origins:?}\npublic = {public}\nnetwork = {network:?}\nroles = {roles:?}\n\
                 all_roles = {:?}\nenforce = {}\n",
                route.all_roles, route.enforce
            )
            .unwrap();
            if let Some(to) = route.rewrite {
                writeln!(text, "rewrite = {{ from = \"/api\", to = {to:?} }}").unwrap();
            }
            if let Some(segment) = route.assistant {
                writeln!(text, "assistant = {:?}", segment.trim_matches(['{', '}'])).unwrap();
            }
        }
        text
    }
}

impl Tenant {
    fn text(&self) -> String {
        let Self { hosts, regions, directory, .. } = self;
        let mut text = format!(
            "hosts = {hosts:?}\nregions = {regions:?}\ndirectory = {directory:?}\n[networks]\n"
        );
        for (name, network) in &self.networks {
            match network {
                Network::Any => writeln!(text, "{name} = \"any\""),
                Network::Blocks { allow, deny } if deny.is_empty() => {
                    writeln!(text, "{name} = {allow:?}")
                }
                Network::Blocks { allow, deny } => {
                    writeln!(text, "{name} = {{ allow = {allow:?}, deny = {deny:?} }}")
                }
            }
            .unwrap();
        }
        for issuer in &self.issuers {
            let proof = match issuer.tenant_claim {
                Some(claim) => format!("tenant_claim = {claim:?}"),
                None => "sole_tenant = true".to_owned(),
            };
            write!(
                text,
                "[[issuers]]\nissuer = {:?}\naudiences = {:?}\nalgorithms = [\"EdDSA\"]\n\
                 jwks_file = {:?}\nroles_claim = {:?}\ngroups_claim = \"teams\"\n{proof}\n",
                issuer.name,
                issuer.audiences,
                issuer.jwks_file(),
                issuer.roles_claim
            )
            .unwrap();
        }
        text
    }
}

impl Issuer {
    fn jwks_file(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        format!("keys/{}.jwks.json", keys.join("-"))
    }
}
