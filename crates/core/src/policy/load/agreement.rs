//! What must hold between files: routes, origins and tenants agree.

use super::Loader;
use super::suggest::did_you_mean;
use super::tenants::Placed;
use crate::network::BUSINESS;
use crate::policy::{Cors, Origin, Route, TenantProof};
use crate::request::authority::Authority;
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl Loader<'_> {
    /// R10: a route that a tenant can take must have an origin in one of its regions, or every
    /// request of that tenant would be refused at the last step.
    pub(super) fn regions(
        &mut self,
        routes: &[Route],
        origins: &HashMap<String, Origin>,
        tenants: &[Placed],
    ) {
        for Placed { tenant, file, regions, .. } in tenants {
            let served = |route: &&Route| {
                route
                    .origins()
                    .filter_map(|id| origins.get(id))
                    .any(|o| tenant.regions.contains(&o.region))
            };
            let unserved: Vec<&str> = routes
                .iter()
                .filter(|route| {
                    route.answer().is_none()
                        && !served(route)
                        && route.origins().all(|id| origins.contains_key(id))
                })
                .map(Route::id)
                .collect();
            if !unserved.is_empty() {
                self.fault(
                    "region-without-origin",
                    (file, Some(regions.clone())),
                    format!(
                        "no origin in {} serves the routes {}",
                        tenant.regions.join(", "),
                        unserved.join(", ")
                    ),
                    "give these routes an origin in a region of the tenant, or the tenant another region",
                );
            }
        }
    }

    /// A network that no route demands is a slip of the pen, and `buisness` would leave the tenant
    /// open. `business` and `admin` are known even where no route demands them.
    pub(super) fn networks(&mut self, routes: &[Route], tenants: &[Placed]) {
        let known = || routes.iter().map(Route::network).chain([BUSINESS, "admin"]);
        for Placed { tenant, file, networks, .. } in tenants {
            for name in tenant.networks.keys().filter(|name| known().all(|known| known != *name)) {
                self.fault(
                    "network-unused",
                    (file, networks.get(name).cloned()),
                    format!("no route demands the network {name:?}"),
                    did_you_mean(name, known())
                        .unwrap_or_else(|| "name it as a route's network, or drop it".into()),
                );
            }
        }
    }

    /// A network that the tenant narrows must be one that a route demands and the operator has given: what is not there
    /// can't be narrowed.
    pub(super) fn managed_networks(&mut self, routes: &[Route], tenants: &[Placed]) {
        let known = || routes.iter().map(Route::network).chain([BUSINESS, "admin"]);
        for Placed { tenant, file, managed, .. } in tenants {
            let mut seen = BTreeSet::new();
            for (name, span) in tenant.managed_networks().iter().zip(managed) {
                let place = (file.as_str(), Some(span.clone()));
                if known().all(|known| known != name) {
                    self.fault(
                        "network-unused",
                        place,
                        format!("no route demands the network {name:?}"),
                        did_you_mean(name, known())
                            .unwrap_or_else(|| "name a network of a route, or drop it".into()),
                    );
                } else if name != BUSINESS && tenant.network(name).is_none() {
                    self.fault(
                        "managed-network-undefined",
                        place,
                        format!("the tenant can't narrow the network {name:?}, which is not set"),
                        format!(
                            "set {name} in [networks] to the widest that is allowed, or \"any\""
                        ),
                    );
                } else if !seen.insert(name) {
                    self.fault(
                        "managed-network-duplicate",
                        place,
                        format!("the network {name:?} stands twice"),
                        "keep one of them",
                    );
                }
            }
        }
    }

    /// Whoever is sent to sign in has no token: a place that asks for one would send him there again.
    pub(super) fn logins(
        &mut self,
        routes: &[Route],
        paths: &matchit::Router<Vec<usize>>,
        tenants: &[Placed],
    ) {
        for Placed { tenant, file, login, .. } in tenants {
            let Some(at) = tenant.login().filter(|login| login.starts_with('/')) else { continue };
            let path = at.split('?').next().unwrap_or_default();
            let open = paths.at(path).is_ok_and(|found| {
                let mut of_path = found.value.iter().filter_map(|index| routes.get(*index));
                of_path.any(|route| route.is_public() && route.methods().contains(&"GET"))
            });
            if !open {
                self.fault(
                    "login-not-public",
                    (file, login.clone()),
                    format!("no public route takes GET {path}, where browsers are sent to sign in"),
                    "name a path of a route with public = true and GET among its methods",
                );
            }
        }
    }

    /// An issuer that is declared to serve one tenant alone serves no other: its tokens would be
    /// good at both.
    pub(super) fn sole_issuers(&mut self, tenants: &[Placed]) {
        let mut tenants_of: BTreeMap<&str, Vec<&Placed>> = BTreeMap::new();
        for placed in tenants {
            for issuer in &placed.tenant.issuers {
                tenants_of.entry(&issuer.name).or_default().push(placed);
            }
        }
        for Placed { tenant, file, issuers, .. } in tenants {
            for (issuer, span) in tenant.issuers.iter().zip(issuers) {
                let other = tenants_of
                    .get(issuer.name.as_str())
                    .into_iter()
                    .flatten()
                    .find(|other| other.tenant.id != tenant.id);
                if let (TenantProof::SoleTenant, Some(other)) = (&issuer.tenant_proof, other) {
                    self.fault(
                        "issuer-not-sole",
                        (file, Some(span.clone())),
                        format!(
                            "the issuer {:?} is also the tenant {}'s",
                            issuer.name, other.tenant.id
                        ),
                        "write tenant_claim instead of sole_tenant = true, with both tenants",
                    );
                }
            }
        }
    }

    /// Every tenant's answers would be led to the one whose host it is.
    pub(super) fn redirects(&mut self, hosts: &HashMap<String, usize>) {
        for host in std::mem::take(&mut self.redirects) {
            if hosts.contains_key(host.get_ref()) {
                self.fault(
                    "redirect-host-tenant",
                    ("gateway.toml", Some(host.span())),
                    format!("{} is a tenant's host", host.get_ref()),
                    "drop it: a tenant's answers may lead to its own hosts, and to no other tenant's",
                );
            }
        }
    }

    /// Pages of one tenant's host would read what is another's.
    pub(super) fn sites(&mut self, hosts: &HashMap<String, usize>, tenants: &[Placed]) {
        for (index, Placed { tenant, file, sites, .. }) in tenants.iter().enumerate() {
            let origins = tenant.cors().into_iter().flat_map(Cors::origins);
            for (site, span) in origins.zip(sites) {
                let authority = site.split_once("://").map_or("", |(_, authority)| authority);
                let host = Authority::parse(authority).map(|site| site.host().to_owned());
                let other = host.ok().and_then(|host| hosts.get(&host).copied());
                if other.is_some_and(|other| other != index) {
                    self.fault(
                        "cors-origin-tenant",
                        (file, Some(span.clone())),
                        format!(
                            "{site} is another tenant's, whose pages may not read what is {}'s",
                            tenant.id()
                        ),
                        "name a site of the tenant's own",
                    );
                }
            }
        }
    }

    /// The tenants by host, each the index of one.
    pub(super) fn hosts(&mut self, tenants: &[Placed]) -> HashMap<String, usize> {
        let mut hosts = HashMap::new();
        for (index, Placed { tenant, file, hosts: spans, .. }) in tenants.iter().enumerate() {
            for (host, span) in tenant.hosts.iter().zip(spans) {
                if let Some(other) = hosts.insert(host.clone(), index)
                    && let Some(other) = tenants.get(other)
                {
                    self.fault(
                        "host-duplicate",
                        (file, Some(span.clone())),
                        format!(
                            "the host {host} stands twice: here and with the tenant {}",
                            other.tenant.id
                        ),
                        "a host belongs to one tenant, and stands once",
                    );
                }
            }
        }
        hosts
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Files, load};
    use crate::{Headers, Progress, Reason, Request, Scheme, Verdict, decide};
    use std::sync::Arc;

    /// Were this file not asked, or a stored policy another than the one that it judged.
    #[test]
    fn an_origin_of_another_region_is_denied_all_the_same() {
        let gateway = "version = 1\n[origins.o]\nurl = \"https://origin.example\"\nregion = \"jp\"\n\
             [[routes]]\nid = \"r\"\npath = \"/\"\nmethods = [\"GET\"]\norigins = [\"o\"]\npublic = true\n";
        let mut policy = load(&Files::from([
            ("gateway.toml".into(), gateway.into()),
            ("tenants/acme.toml".into(), "hosts = [\"acme.example\"]\nregions = [\"jp\"]\n".into()),
        ]))
        .unwrap();
        for (region, want) in [
            ("jp", None),
            ("eu", Some(Reason::RegionNotAllowed)),
            ("", Some(Reason::RegionNotAllowed)),
            ("JP", Some(Reason::RegionNotAllowed)),
        ] {
            let gateway = Arc::get_mut(&mut policy.gateway).unwrap();
            gateway.origins.get_mut("o").unwrap().region = region.into();
            let request = Request {
                method: "GET".into(),
                scheme: Scheme::Https,
                authority: Some("acme.example".into()),
                target: "/".into(),
                headers: Headers::default(),
                in_flight: None,
                peer: None,
                request_id: "id".into(),
                trace_ratio: None,
            };
            let Progress::Decided(decision) =
                decide(&policy, request, "2026-11-23T00:00:00Z".parse().unwrap())
            else {
                panic!("a public route needs no record")
            };
            let got = match decision.verdict {
                Verdict::Permit(_) | Verdict::Answer(_) => None,
                Verdict::Deny(denial) => Some(denial.reason()),
            };
            assert_eq!(got, want, "{region:?}");
        }
    }
}
