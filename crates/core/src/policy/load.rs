//! From files to a [`Policy`]. Every fault of every file is collected; a policy with a fault is
//! no policy.

use super::source::{
    Gateway, IssuerSource, OriginSource, RouteSource, TenantSource, TimeoutsSource, WordOrBlocks,
};
use super::{
    Edge, Fault, Issuer, Origin, Policy, Route, Tenant, TenantId, TenantProof, Timeouts,
    TrustedProxies,
};
use crate::network::{AddressSet, BUSINESS, Network};
use crate::request::canonical::{Authority, METHODS, host_name};
use crate::request::headers::{HeadLimits, is_token};
use crate::request::target::{Target, is_unreserved};
use crate::token::claims::is_role;
use crate::token::keys::KeySet;
use ipnet::IpNet;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;

/// The files of a policy directory by path relative to it, with `/` between the parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 4 * 1024 * 1024;

/// Whether a file of the directory belongs to the policy: whatever else lies there (a README, an
/// editor's backup) is not read and does not change the digest.
pub fn is_policy_file(path: &str) -> bool {
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let extension = match folder {
        "" => return name == "gateway.toml",
        "tenants" => "toml",
        "keys" => "json",
        _ => return false,
    };
    !name.contains('/')
        && !name.starts_with('.')
        && name
            .rsplit_once('.')
            .is_some_and(|(_, last)| last == extension)
}

/// Compiles a policy, or says all that is wrong with it.
pub fn load(files: &Files) -> Result<Policy, Vec<Fault>> {
    let mut loader = Loader {
        files,
        faults: Vec::new(),
    };
    let policy = loader.policy();
    match policy {
        Some(policy) if loader.faults.is_empty() => Ok(policy),
        _ => Err(loader.faults),
    }
}

struct Loader<'f> {
    files: &'f Files,
    faults: Vec<Fault>,
}

/// Where a fault stands.
type Place<'a> = (&'a str, Option<Range<usize>>);

impl Loader<'_> {
    fn fault(
        &mut self,
        code: &'static str,
        (file, span): Place<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Fault {
            code,
            file: file.to_owned(),
            span,
            message: message.into(),
            help: help.into(),
        });
    }

    fn policy(&mut self) -> Option<Policy> {
        let gateway = self.toml::<Gateway>("gateway.toml");
        let tenants = self.tenants();
        let gateway = gateway?;
        if *gateway.version.get_ref() != 1 {
            self.fault(
                "version-unknown",
                ("gateway.toml", Some(gateway.version.span())),
                format!("policy version {} is not known", gateway.version.get_ref()),
                "this gateway reads version = 1",
            );
        }
        let edge = self.edge(&gateway);
        let origins = self.origins(gateway.origins);
        let defaults = (gateway.limits.body_bytes, gateway.timeouts);
        let (routes, paths) = self.routes(gateway.routes, &origins, defaults);
        self.regions(&routes, &origins, &tenants);
        self.networks(&routes, &tenants);
        self.sole_issuers(&tenants);
        let hosts = self.hosts(&tenants);
        Some(Policy {
            digest: digest(self.files),
            edge,
            head_limits: HeadLimits {
                bytes: gateway.limits.head_bytes,
                fields: gateway.limits.head_fields,
            },
            check_revocation: gateway.state.revocation,
            origins,
            routes,
            paths,
            tenants,
            hosts,
        })
    }

    fn text(&mut self, file: &str) -> Option<String> {
        let Some(bytes) = self.files.get(file) else {
            self.fault(
                "file-missing",
                (file, None),
                "the file is missing",
                "a policy is a directory with gateway.toml, tenants/<id>.toml and the key files they name",
            );
            return None;
        };
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Some(text.to_owned());
        }
        self.fault(
            "not-utf8",
            (file, None),
            "the file is not UTF-8",
            "save it as UTF-8",
        );
        None
    }

    fn toml<T: DeserializeOwned>(&mut self, file: &str) -> Option<T> {
        let text = self.text(file)?;
        match toml::from_str(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                let message = error.message().to_owned();
                let help = suggestion(&message);
                self.fault("toml-invalid", (file, error.span()), message, help);
                None
            }
        }
    }

    fn edge(&mut self, gateway: &Gateway) -> Edge {
        const FILE: &str = "gateway.toml";
        let trusted_proxies = match &gateway.edge.trusted_proxies {
            None => TrustedProxies::Blocks(Vec::new()),
            Some(given) => match given.get_ref() {
                WordOrBlocks::Word(word) if word == "peer" => TrustedProxies::Peer,
                WordOrBlocks::Word(word) => {
                    self.fault(
                        "proxies-invalid",
                        (FILE, Some(given.span())),
                        format!("{word:?} is no kind of trusted proxy"),
                        "write a list of CIDR blocks, or \"peer\" if only your proxy can connect",
                    );
                    TrustedProxies::Blocks(Vec::new())
                }
                WordOrBlocks::Blocks(blocks) => TrustedProxies::Blocks(self.blocks(FILE, blocks)),
            },
        };
        let client_address_header = match &gateway.edge.client_address_header {
            None => "x-forwarded-for".to_owned(),
            Some(given) => {
                let name = given.get_ref().to_ascii_lowercase();
                // Step 2 refuses a request with an underscore in a header's name.
                let possible = !name.is_empty() && name.bytes().all(|b| is_token(b) && b != b'_');
                if !possible || name == "forwarded" {
                    self.fault(
                        "header-name-invalid",
                        (FILE, Some(given.span())),
                        format!("{:?} can't name the client", given.get_ref()),
                        "write x-forwarded-for, or a header that your CDN sets to the client's address alone",
                    );
                }
                name
            }
        };
        Edge {
            trusted_proxies,
            client_address_header,
        }
    }

    fn origins(
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
            self.name(FILE, &id, "origin");
            self.name(FILE, &source.region, "region");
            let origin = Origin {
                id: id.get_ref().clone(),
                https,
                // A fault stands against an empty one, and routes that name this origin have none of
                // their own.
                authority: authority
                    .map(|authority| authority.to_text())
                    .unwrap_or_default(),
                region: source.region.into_inner(),
                tenant_echo: source.tenant_echo,
            };
            origins.insert(id.into_inner(), origin);
        }
        origins
    }

    /// An identifier that can stand in a record and be compared: letters, digits, `-`, `_`, `.`.
    fn name(&mut self, file: &str, name: &Spanned<String>, what: &str) {
        let fits = (1..=64).contains(&name.get_ref().len())
            && name
                .get_ref()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !fits {
            self.fault(
                "name-invalid",
                (file, Some(name.span())),
                format!("{:?} is no name for a {what}", name.get_ref()),
                "use 1 to 64 letters, digits, hyphens, underscores or dots",
            );
        }
    }

    fn routes(
        &mut self,
        sources: Vec<RouteSource>,
        origins: &HashMap<String, Origin>,
        (max_body, timeouts): (u64, TimeoutsSource),
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
            let index = routes.len();
            let same_path = by_pattern.entry(source.path.get_ref().clone()).or_default();
            let clash = same_path
                .iter()
                .filter_map(|other| routes.get(*other))
                .find(|other| other.methods.iter().any(|method| methods.contains(method)))
                .map(|other| other.id.clone());
            same_path.push(index);
            if let Some(other) = clash {
                self.fault(
                    "route-shadowed",
                    (FILE, Some(source.path.span())),
                    format!("the route {other:?} has the same path and a method of this one"),
                    "make them differ in path or methods",
                );
            }
            spans.push(source.path.clone());
            routes.push(Route {
                id: source.id.into_inner(),
                path: source.path.into_inner(),
                methods,
                origins: source
                    .origins
                    .into_iter()
                    .map(Spanned::into_inner)
                    .collect(),
                public: source.public.is_some_and(Spanned::into_inner),
                network: source
                    .network
                    .map_or_else(|| BUSINESS.to_owned(), Spanned::into_inner),
                roles: source.roles.into_iter().map(Spanned::into_inner).collect(),
                max_body: source.max_body_bytes.unwrap_or(max_body),
                timeouts: resolve(source.timeouts, timeouts),
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
        for role in source.roles.iter().filter(|role| !is_role(role.get_ref())) {
            self.fault(
                "role-invalid",
                (FILE, Some(role.span())),
                format!("{:?} is no role name", role.get_ref()),
                "use letters, digits, '-', '_', '.', ':' or '/'",
            );
        }
        let public = source
            .public
            .as_ref()
            .is_some_and(|public| *public.get_ref());
        if public && !source.roles.is_empty() {
            self.fault(
                "public-route-with-roles",
                (FILE, source.public.as_ref().map(Spanned::span)),
                format!(
                    "the route {:?} is public and asks for roles",
                    source.id.get_ref()
                ),
                "drop one of the two: on a public route nobody is asked who he is",
            );
        }
        if let Some(network) = &source.network {
            self.name(FILE, network, "network");
        }
        self.path_pattern(&source.path);
    }

    /// A pattern's literals are of unreserved characters (RFC 3986, section 2.3), the only ones that
    /// a canonical path spells in one way: `/v1:run` would let `/v1%3Arun` by, to a wider pattern.
    fn path_pattern(&mut self, path: &Spanned<String>) {
        let pattern = path.get_ref();
        if !pattern.starts_with('/') {
            self.path_fault(path, "it does not start with a slash");
            return;
        }
        let mut literals = String::with_capacity(pattern.len());
        let mut rest = pattern.as_str();
        while let Some((literal, parameter)) = rest.split_once('{') {
            literals.push_str(literal);
            // What stands for the parameter is no dot segment.
            literals.push('x');
            rest = parameter.split_once('}').map_or("", |(_, rest)| rest);
        }
        literals.push_str(rest);
        let plain = literals.bytes().all(|b| is_unreserved(b) || b == b'/');
        if !plain || Target::parse(&literals).is_err() {
            self.path_fault(path, "no canonical path, or not only one, would match it");
        }
    }

    fn path_fault(&mut self, path: &Spanned<String>, why: &str) {
        self.fault(
            "route-path-invalid",
            ("gateway.toml", Some(path.span())),
            format!("{:?} is no path pattern: {why}", path.get_ref()),
            "write /literal/{parameter}/{*rest}; two patterns may not differ in parameter names only",
        );
    }

    fn methods(&mut self, sources: &[Spanned<String>]) -> Vec<&'static str> {
        let mut methods = Vec::new();
        for source in sources {
            match METHODS
                .into_iter()
                .find(|method| method == source.get_ref())
            {
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

    fn tenants(&mut self) -> Vec<Tenant> {
        let files: Vec<String> = self
            .files
            .keys()
            .filter(|file| file.starts_with("tenants/"))
            .cloned()
            .collect();
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
            if issuers
                .iter()
                .any(|other| other.name == *issuer.issuer.get_ref())
            {
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
            regions: source
                .regions
                .into_inner()
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
            networks,
            issuers,
        }
    }

    fn issuer(&mut self, file: &str, source: IssuerSource) -> Option<Issuer> {
        for (what, empty, span) in [
            (
                "audiences",
                source.audiences.get_ref().is_empty(),
                source.audiences.span(),
            ),
            (
                "algorithms",
                source.algorithms.get_ref().is_empty(),
                source.algorithms.span(),
            ),
        ] {
            if empty {
                self.fault(
                    "issuer-incomplete",
                    (file, Some(span)),
                    format!("the issuer has no {what}, so none of its tokens can pass"),
                    format!("name at least one in {what} = [...]"),
                );
            }
        }
        let tenant_proof = match (source.tenant_claim, source.sole_tenant) {
            (Some(claim), false) => TenantProof::Claim(claim.into_inner()),
            (None, true) => TenantProof::SoleTenant,
            (claim, _) => {
                let span = claim.map_or_else(|| source.issuer.span(), |claim| claim.span());
                self.fault(
                    "tenant-proof",
                    (file, Some(span)),
                    "it must be said how the issuer's tokens prove their tenant, once",
                    "write tenant_claim = \"<claim>\", or sole_tenant = true if the issuer has no other tenant",
                );
                return None;
            }
        };
        let place = (file, Some(source.jwks_file.span()));
        let name = source.jwks_file.get_ref();
        let Some(bytes) = self.files.get(name) else {
            self.fault(
                "jwks-missing",
                place,
                format!("there is no file {name:?} in the policy directory"),
                "put the issuer's JWK Set there: sekisho token keys prints one, your IdP publishes one",
            );
            return None;
        };
        match KeySet::parse(bytes) {
            Ok(keys) => Some(Issuer {
                name: source.issuer.into_inner(),
                audiences: source.audiences.into_inner(),
                algorithms: source.algorithms.into_inner(),
                keys,
                tenant_proof,
                roles_claim: source.roles_claim,
            }),
            Err(why) => {
                self.fault(
                    "jwks-invalid",
                    place,
                    format!("{name}: {why}"),
                    "it must be a JWK Set of public keys (RFC 7517), each with a kid",
                );
                None
            }
        }
    }

    fn blocks(&mut self, file: &str, sources: &[Spanned<String>]) -> Vec<IpNet> {
        let mut blocks = Vec::with_capacity(sources.len());
        for source in sources {
            let text = source.get_ref();
            match text.parse::<IpNet>() {
                Ok(block) if block.addr() != block.network() => self.fault(
                    "block-host-bits",
                    (file, Some(source.span())),
                    format!("{text:?} has bits set behind its prefix"),
                    format!("did you mean {:?}, or {:?}?", block.trunc().to_string(), format!("{}/{}", block.addr(), block.max_prefix_len())),
                ),
                Ok(IpNet::V6(block)) if block.addr().to_ipv4_mapped().is_some() => self.fault(
                    "block-mapped",
                    (file, Some(source.span())),
                    format!("{text:?} is an IPv4 block written as IPv6"),
                    "write it as IPv4: a client is judged by its IPv4 address",
                ),
                Ok(block) => blocks.push(block),
                Err(_) => self.fault(
                    "block-invalid",
                    (file, Some(source.span())),
                    format!("{text:?} is no CIDR block"),
                    "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or 2001:db8::/32",
                ),
            }
        }
        blocks
    }

    /// R10: a route that a tenant can take must have an origin in one of its regions, or every
    /// request of that tenant would be refused at the last step.
    fn regions(&mut self, routes: &[Route], origins: &HashMap<String, Origin>, tenants: &[Tenant]) {
        for tenant in tenants {
            let served = |route: &&Route| {
                route
                    .origins()
                    .filter_map(|id| origins.get(id))
                    .any(|o| tenant.regions.contains(&o.region))
            };
            let unserved: Vec<&str> = routes
                .iter()
                .filter(|route| {
                    !served(route) && route.origins().all(|id| origins.contains_key(id))
                })
                .map(Route::id)
                .collect();
            if !unserved.is_empty() {
                self.fault(
                    "region-without-origin",
                    (&format!("tenants/{}.toml", tenant.id), None),
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
    fn networks(&mut self, routes: &[Route], tenants: &[Tenant]) {
        let known = || routes.iter().map(Route::network).chain([BUSINESS, "admin"]);
        for tenant in tenants {
            for name in tenant
                .networks
                .keys()
                .filter(|name| known().all(|known| known != *name))
            {
                self.fault(
                    "network-unused",
                    (&format!("tenants/{}.toml", tenant.id), None),
                    format!("no route demands the network {name:?}"),
                    did_you_mean(name, known())
                        .unwrap_or_else(|| "name it as a route's network, or drop it".into()),
                );
            }
        }
    }

    /// An issuer that is declared to serve one tenant alone serves no other: its tokens would be
    /// good at both.
    fn sole_issuers(&mut self, tenants: &[Tenant]) {
        let mut tenants_of: BTreeMap<&str, Vec<&Tenant>> = BTreeMap::new();
        for tenant in tenants {
            for issuer in &tenant.issuers {
                tenants_of.entry(&issuer.name).or_default().push(tenant);
            }
        }
        for tenant in tenants {
            for issuer in &tenant.issuers {
                let other = tenants_of
                    .get(issuer.name.as_str())
                    .into_iter()
                    .flatten()
                    .find(|other| other.id != tenant.id);
                if let (TenantProof::SoleTenant, Some(other)) = (&issuer.tenant_proof, other) {
                    self.fault(
                        "issuer-not-sole",
                        (&format!("tenants/{}.toml", tenant.id), None),
                        format!(
                            "the issuer {:?} is also the tenant {}'s",
                            issuer.name, other.id
                        ),
                        "write tenant_claim instead of sole_tenant = true, with both tenants",
                    );
                }
            }
        }
    }

    fn hosts(&mut self, tenants: &[Tenant]) -> HashMap<String, usize> {
        let mut hosts = HashMap::new();
        for (index, tenant) in tenants.iter().enumerate() {
            for host in &tenant.hosts {
                if let Some(other) = hosts.insert(host.clone(), index)
                    && let Some(other) = tenants.get(other)
                {
                    self.fault(
                        "host-duplicate",
                        (&format!("tenants/{}.toml", tenant.id), None),
                        format!(
                            "the host {host} stands twice: here and with the tenant {}",
                            other.id
                        ),
                        "a host belongs to one tenant, and stands once",
                    );
                }
            }
        }
        hosts
    }
}

fn resolve(route: TimeoutsSource, gateway: TimeoutsSource) -> Timeouts {
    let pick = |route: Option<u64>, gateway: Option<u64>, default: u64| {
        Duration::from_millis(route.or(gateway).unwrap_or(default))
    };
    Timeouts {
        connect: pick(route.connect_ms, gateway.connect_ms, 5_000),
        first_byte: pick(route.first_byte_ms, gateway.first_byte_ms, 30_000),
        idle: pick(route.idle_ms, gateway.idle_ms, 300_000),
    }
}

/// Names and contents, each with its length before it, so that no two directories share a digest.
fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for (file, bytes) in files {
        part(file.as_bytes());
        part(bytes);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The remedy for what the TOML reader says: for an unknown key or word, the nearest known one.
fn suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let known: Vec<&str>;
    if message.starts_with("unknown")
        && let Some(unknown) = quoted.next()
    {
        known = quoted.collect();
        return did_you_mean(unknown, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
    }
    "see the annotated example in policy/ for the form of this file".into()
}

fn did_you_mean<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean {name:?}?"))
}
