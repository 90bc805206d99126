//! Names that may be labels: those of the policy in force, and of these no more than there is room for.

use sekisho_core::Policy;
use sekisho_core::policy::Origin;
use sekisho_host::Destination;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

/// What stands for every name that is none of the policy's, or for which there is no room.
pub(super) const OTHER: &str = "other";

/// The most routes, and the most origins, that have a name of their own, over all policies of a process.
const ROUTES: usize = 500;
const ORIGINS: usize = 500;

/// The names of one policy.
pub(super) struct Known {
    pub(super) policy: Arc<Policy>,
    tenants: HashSet<String>,
    /// The pattern of each route.
    routes: HashMap<String, String>,
    /// By scheme, host and port.
    origins: HashMap<(bool, String, u16), String>,
}

impl Known {
    fn of(policy: Arc<Policy>) -> Self {
        let origin = |origin: &Origin| Some((place(origin)?, origin.id().to_owned()));
        Self {
            tenants: policy.tenants().iter().map(|t| t.id().as_str().to_owned()).collect(),
            routes: policy
                .routes()
                .iter()
                .map(|route| (route.id().to_owned(), route.path().to_owned()))
                .collect(),
            origins: policy.origins().filter_map(origin).collect(),
            policy,
        }
    }

    /// The pattern of a route.
    pub(super) fn pattern(&self, route: &str) -> Option<&str> {
        self.routes.get(route).map(String::as_str)
    }
}

fn place(origin: &Origin) -> Option<(bool, String, u16)> {
    let authority: http::uri::Authority = origin.authority().parse().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let default = if origin.is_https() { 443 } else { 80 };
    Some((origin.is_https(), host.to_ascii_lowercase(), authority.port_u16().unwrap_or(default)))
}

/// The names that labels have.
pub(super) struct Names {
    known: RwLock<Arc<Known>>,
    tenants: Room,
    routes: Room,
    origins: Room,
}

impl Names {
    /// Those of a policy, of which so many tenants may have a name of their own.
    pub(super) fn new(policy: Arc<Policy>, tenants: usize) -> Self {
        Self {
            known: RwLock::new(Arc::new(Known::of(policy))),
            tenants: Room::new(tenants),
            routes: Room::new(ROUTES),
            origins: Room::new(ORIGINS),
        }
    }

    /// Another policy is in force.
    pub(super) fn replace(&self, policy: Arc<Policy>) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Known::of(policy));
    }

    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The label of a tenant; empty without one, which is what Prometheus takes for a label that is not there.
    pub(super) fn tenant(&self, name: Option<&str>) -> Arc<str> {
        self.tenants.label(name, |name| self.known().tenants.contains(name))
    }

    /// The label of a route.
    pub(super) fn route(&self, name: Option<&str>) -> Arc<str> {
        self.routes.label(name, |name| self.known().routes.contains_key(name))
    }

    /// The label of the origin at a place.
    pub(super) fn origin_at(&self, to: &Destination<'_>) -> Arc<str> {
        let known = self.known();
        let place = (to.https, to.host.to_ascii_lowercase(), to.port);
        let name = known.origins.get(&place).map_or(OTHER, String::as_str);
        self.origins.label(Some(name), |name| name != OTHER)
    }

    /// The tenants whose keys are told of: all, or where they are more than have a name of their own, those that have.
    pub(super) fn told(&self) -> Vec<Arc<str>> {
        let known = self.known();
        if known.tenants.len() <= self.tenants.size {
            return known.policy.tenants().iter().map(|t| Arc::from(t.id().as_str())).collect();
        }
        self.tenants.all()
    }
}

/// Names that were given room, first come, first served; none ever loses it, so that no counter goes back.
struct Room {
    size: usize,
    names: RwLock<HashMap<String, Arc<str>>>,
    other: Arc<str>,
    none: Arc<str>,
}

impl Room {
    fn new(size: usize) -> Self {
        Self { size, names: RwLock::default(), other: OTHER.into(), none: "".into() }
    }

    fn label(&self, name: Option<&str>, is_known: impl FnOnce(&str) -> bool) -> Arc<str> {
        let Some(name) = name else { return Arc::clone(&self.none) };
        if let Some(label) = self.names.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(label);
        }
        if !is_known(name) {
            return Arc::clone(&self.other);
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= self.size && !names.contains_key(name) {
            return Arc::clone(&self.other);
        }
        Arc::clone(names.entry(name.to_owned()).or_insert_with(|| name.into()))
    }

    fn all(&self) -> Vec<Arc<str>> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_dir;
    use std::path::Path;

    fn policy() -> Arc<Policy> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Arc::new(policy_dir::load(&root.join("policy")).unwrap().1)
    }

    #[test]
    fn names_of_the_policy_alone_are_labels() {
        let names = Names::new(policy(), 200);
        for (name, want) in [(None, ""), (Some("acme"), "acme"), (Some("invented"), OTHER)] {
            assert_eq!(&*names.tenant(name), want);
        }
        for (name, want) in [(None, ""), (Some("chat"), "chat"), (Some("/invented"), OTHER)] {
            assert_eq!(&*names.route(name), want);
        }
        for (https, host, port, want) in [
            (false, "127.0.0.1", 3480, "assistant"),
            (true, "127.0.0.1", 3480, OTHER),
            (false, "127.0.0.1", 80, OTHER),
            (false, "elsewhere", 3480, OTHER),
        ] {
            assert_eq!(&*names.origin_at(&Destination { https, host, port }), want);
        }
    }

    #[test]
    fn tenants_beyond_the_room_share_a_label() {
        let names = Names::new(policy(), 1);
        assert_eq!(names.told().len(), 0);
        assert_eq!(&*names.tenant(Some("globex")), "globex");
        assert_eq!(&*names.tenant(Some("acme")), OTHER);
        assert_eq!(&*names.tenant(Some("globex")), "globex", "whoever has it keeps it");
        assert_eq!(names.told().iter().map(|name| &**name).collect::<Vec<_>>(), ["globex"]);
    }
}
