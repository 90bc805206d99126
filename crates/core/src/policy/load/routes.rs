//! The ways through the gateway.

use super::Loader;
use super::suggest::did_you_mean;
use super::timeouts::resolve;
use crate::network::BUSINESS;
use crate::policy::source::Spanned;
use crate::policy::source::{RouteSource, TimeoutsSource};
use crate::policy::{Origin, Route};
use crate::request::canonical::METHODS;
use crate::token::claims::is_role;
use std::collections::{BTreeMap, HashMap};

impl Loader<'_> {
    pub(super) fn routes(
        &mut self,
        sources: Vec<RouteSource>,
        origins: &HashMap<String, Origin>,
        (max_body, timeouts): (u64, &TimeoutsSource),
    ) -> (Vec<Route>, matchit::Router<Vec<usize>>) {
        const FILE: &str = "gateway.toml";
        let mut routes: Vec<Route> = Vec::with_capacity(sources.len());
        let mut by_pattern: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut spans = Vec::with_capacity(sources.len());
        for source in sources {
            self.name(FILE, &source.id, "route");
            if routes.iter().any(|route| route.id == *source.id.get_ref()) {
                self.fault(
                    "route-duplicate",
                    (FILE, Some(source.id.span())),
                    format!("the route {:?} stands twice", source.id.get_ref()),
                    "give each route an id of its own",
                );
            }
            let methods = self.methods(&source.methods);
            self.route(&source, origins);
            self.timeouts(&source.timeouts);
            if self.path_pattern(&source.path) {
                let same_path = by_pattern.entry(source.path.get_ref().clone()).or_default();
                let clash = same_path
                    .iter()
                    .filter_map(|other| routes.get(*other))
                    .find(|other| other.methods.iter().any(|method| methods.contains(method)))
                    .map(|other| other.id.clone());
                same_path.push(routes.len());
                if let Some(other) = clash {
                    self.fault(
                        "route-shadowed",
                        (FILE, Some(source.path.span())),
                        format!("the route {other:?} has the same path and a method of this one"),
                        "make them differ in path or methods",
                    );
                }
            }
            spans.push(source.path.clone());
            routes.push(Route {
                id: source.id.into_inner(),
                path: source.path.into_inner(),
                methods,
                origins: source.origins.into_iter().map(Spanned::into_inner).collect(),
                public: source.public.is_some_and(Spanned::into_inner),
                network: source.network.map_or_else(|| BUSINESS.to_owned(), Spanned::into_inner),
                roles: source.roles.into_iter().map(Spanned::into_inner).collect(),
                all_roles: source.all_roles.into_iter().map(Spanned::into_inner).collect(),
                assistant: source.assistant.map(Spanned::into_inner),
                enforce: source.enforce.unwrap_or(true),
                max_body: source.max_body_bytes.unwrap_or(max_body),
                timeouts: resolve(&source.timeouts, timeouts),
            });
        }
        let mut paths = matchit::Router::new();
        for (pattern, indices) in by_pattern {
            let first = indices.first().and_then(|index| spans.get(*index)).cloned();
            if let (Err(error), Some(path)) = (paths.insert(pattern, indices), first) {
                self.path_fault(&path, &error.to_string());
            }
        }
        (routes, paths)
    }

    /// What must hold of a route whatever the others are.
    fn route(&mut self, source: &RouteSource, origins: &HashMap<String, Origin>) {
        const FILE: &str = "gateway.toml";
        for origin in &source.origins {
            if !origins.contains_key(origin.get_ref()) {
                let known = origins.keys().map(String::as_str);
                let help = did_you_mean(origin.get_ref(), known)
                    .unwrap_or_else(|| "define it as [origins.<id>]".into());
                self.fault(
                    "origin-unknown",
                    (FILE, Some(origin.span())),
                    format!("there is no origin {:?}", origin.get_ref()),
                    help,
                );
            }
        }
        if source.origins.is_empty() {
            self.fault(
                "route-without-origin",
                (FILE, Some(source.id.span())),
                format!("the route {:?} has no origin", source.id.get_ref()),
                "name at least one in origins = [...]",
            );
        }
        if source.methods.is_empty() {
            self.fault(
                "route-without-method",
                (FILE, Some(source.id.span())),
                format!("the route {:?} has no method", source.id.get_ref()),
                "name at least one in methods = [...]",
            );
        }
        for role in source.roles.iter().filter(|role| !is_role(role.get_ref())) {
            self.fault(
                "role-invalid",
                (FILE, Some(role.span())),
                format!("{:?} is no role name", role.get_ref()),
                "use letters, digits, '-', '_', '.', ':' or '/'",
            );
        }
        let public = source.public.as_ref().is_some_and(|public| *public.get_ref());
        if public && !source.roles.is_empty() {
            self.fault(
                "public-route-with-roles",
                (FILE, source.public.as_ref().map(Spanned::span)),
                format!("the route {:?} is public and asks for roles", source.id.get_ref()),
                "drop one of the two: on a public route nobody is asked who he is",
            );
        }
        if let Some(network) = &source.network {
            self.name(FILE, network, "network");
        }
    }

    fn methods(&mut self, sources: &[Spanned<String>]) -> Vec<&'static str> {
        let mut methods = Vec::new();
        for source in sources {
            match METHODS.into_iter().find(|method| method == source.get_ref()) {
                Some(method) => methods.push(method),
                None => self.fault(
                    "method-unknown",
                    ("gateway.toml", Some(source.span())),
                    format!("{:?} is no method that a route can have", source.get_ref()),
                    format!("use one of {}", METHODS.join(", ")),
                ),
            }
        }
        methods
    }
}
