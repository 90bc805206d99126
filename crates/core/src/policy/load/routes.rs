//! The ways through the gateway.

use super::Loader;
use super::suggest::did_you_mean;
use super::timeouts::resolve;
use crate::network::BUSINESS;
use crate::policy::source::Spanned;
use crate::policy::source::{RouteSource, TimeoutsSource};
use crate::policy::{Origin, OwnAnswer, Pattern, Route};
use crate::request::canonical::METHODS;
use crate::token::claims::is_role;
use std::collections::{BTreeMap, HashMap};

const FILE: &str = "gateway.toml";

impl Loader<'_> {
    pub(super) fn routes(
        &mut self,
        sources: Vec<RouteSource>,
        origins: &HashMap<String, Origin>,
        (max_body, timeouts): (u64, &TimeoutsSource),
    ) -> (Vec<Route>, matchit::Router<Vec<usize>>) {
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
            let methods = self.methods(&source);
            self.origins_of_route(&source, origins);
            self.roles(&source);
            self.timeouts(&source.timeouts);
            if let Some(network) = &source.network {
                self.name(FILE, network, "network");
            }
            let pattern = self.path_pattern(&source.path);
            self.assistant(&source, pattern.as_ref());
            if pattern.is_some() {
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
            let rewrite = pattern.and_then(|_| self.rewrite(&source));
            spans.push(source.path.clone());
            routes.push(Route {
                id: source.id.into_inner(),
                path: source.path.into_inner(),
                methods,
                origins: inner(source.origins),
                answer: source.answer.map(Spanned::into_inner),
                public: source.public.is_some_and(Spanned::into_inner),
                network: source.network.map_or_else(|| BUSINESS.to_owned(), Spanned::into_inner),
                roles: inner(source.roles),
                all_roles: inner(source.all_roles),
                assistant: source.assistant.map(Spanned::into_inner),
                rewrite,
                enforce: source.enforce.is_none_or(Spanned::into_inner),
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

    fn methods(&mut self, source: &RouteSource) -> Vec<&'static str> {
        if source.methods.is_empty() {
            self.fault(
                "route-without-method",
                (FILE, Some(source.id.span())),
                format!("the route {:?} has no method", source.id.get_ref()),
                "name at least one in methods = [...]",
            );
        }
        let mut methods = Vec::new();
        for source in &source.methods {
            match METHODS.into_iter().find(|method| method == source.get_ref()) {
                Some(method) => methods.push(method),
                None => self.fault(
                    "method-unknown",
                    (FILE, Some(source.span())),
                    format!("{:?} is no method that a route can have", source.get_ref()),
                    format!("use one of {}", METHODS.join(", ")),
                ),
            }
        }
        methods
    }

    /// Each is known and stands once: its weight says how often it is asked.
    fn origins_of_route(&mut self, source: &RouteSource, origins: &HashMap<String, Origin>) {
        if let Some(answer) = &source.answer {
            self.own_answer(source, answer);
            return;
        }
        if source.origins.is_empty() {
            self.fault(
                "route-without-origin",
                (FILE, Some(source.id.span())),
                format!("the route {:?} has no origin", source.id.get_ref()),
                "name at least one in origins = [...]",
            );
        }
        for (index, id) in source.origins.iter().enumerate() {
            if !origins.contains_key(id.get_ref()) {
                let known = origins.keys().map(String::as_str);
                let help = did_you_mean(id.get_ref(), known)
                    .unwrap_or_else(|| "define it as [origins.<id>]".into());
                self.fault(
                    "origin-unknown",
                    (FILE, Some(id.span())),
                    format!("there is no origin {:?}", id.get_ref()),
                    help,
                );
            }
            if source.origins.iter().take(index).any(|other| other == id) {
                self.fault(
                    "origin-duplicate",
                    (FILE, Some(id.span())),
                    format!("the origin {:?} stands twice", id.get_ref()),
                    "name it once; its weight says how often it is asked",
                );
            }
        }
    }

    /// What the gateway publishes itself is for everybody, and nothing that only an origin has a use for
    /// stands beside it.
    fn own_answer(&mut self, source: &RouteSource, answer: &Spanned<OwnAnswer>) {
        let public = source.public.as_ref().is_some_and(|public| *public.get_ref());
        let get = |method: &Spanned<String>| matches!(method.get_ref().as_str(), "GET" | "HEAD");
        let why = if !source.origins.is_empty() {
            "has origins beside"
        } else if source.network.is_some() {
            "demands a network, which nothing that is published does"
        } else if source.rewrite.is_some() {
            "rewrites the path for no origin"
        } else if !public {
            "is not public = true"
        } else if !source.methods.iter().all(get) {
            "takes other methods than GET and HEAD"
        } else {
            return;
        };
        self.fault(
            "answer-invalid",
            (FILE, Some(answer.span())),
            format!("the route {:?}, which the gateway answers itself, {why}", source.id.get_ref()),
            "write methods = [\"GET\"], public = true, answer = \"jwks\", and no origins",
        );
    }

    fn roles(&mut self, source: &RouteSource) {
        let mut roles = source.roles.iter().chain(&source.all_roles).peekable();
        let public = source.public.as_ref().filter(|public| *public.get_ref());
        if let (Some(public), Some(_)) = (public, roles.peek()) {
            self.fault(
                "public-route-with-roles",
                (FILE, Some(public.span())),
                format!("the route {:?} is public and asks for roles", source.id.get_ref()),
                "drop one of the two: on a public route nobody is asked who he is",
            );
        }
        for role in roles.filter(|role| !is_role(role.get_ref())) {
            self.fault(
                "role-invalid",
                (FILE, Some(role.span())),
                format!("{:?} is no role name", role.get_ref()),
                "use letters, digits, '-', '_', '.', ':' or '/'",
            );
        }
    }

    fn assistant(&mut self, source: &RouteSource, pattern: Option<&Pattern<'_>>) {
        let Some(assistant) = &source.assistant else { return };
        if let Some(public) = source.public.as_ref().filter(|public| *public.get_ref()) {
            self.fault(
                "public-route-with-assistant",
                (FILE, Some(public.span())),
                format!("the route {:?} is public and names an assistant", source.id.get_ref()),
                "drop one of the two: who may see an assistant depends on who asks",
            );
        }
        if pattern.is_some_and(|pattern| !pattern.has_parameter(assistant.get_ref())) {
            self.fault(
                "assistant-unknown",
                (FILE, Some(assistant.span())),
                format!(
                    "the path {:?} has no parameter {{{}}}",
                    source.path.get_ref(),
                    assistant.get_ref()
                ),
                "name the parameter of the path that stands for the assistant, without braces; \
                 {*rest} is none",
            );
        }
    }
}

fn inner(spanned: Vec<Spanned<String>>) -> Vec<String> {
    spanned.into_iter().map(Spanned::into_inner).collect()
}
