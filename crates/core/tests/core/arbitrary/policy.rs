//! A policy as plain data: what the oracle judges by, and the files that core loads. Tenants look
//! alike on purpose: names that begin alike, hosts below each other, networks inside each other,
//! issuers, keys and `kid`s in common.

use super::keys::POOL;
use super::state::{State, state};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const REGIONS: [&str; 3] = ["jp", "eu", "us"];
pub(crate) const ROLES: [&str; 3] = ["member", "admin", "auditor"];
/// Claims that may name the tenant; a token may have both.
pub(crate) const TENANT_CLAIMS: [&str; 2] = ["tenant", "org"];
pub(crate) const ROLES_CLAIMS: [&str; 2] = ["roles", "groups"];
pub(crate) const AUDIENCES: [&str; 2] = ["sekisho", "sekisho-2"];

pub(crate) const IDS: [&str; 5] = ["acme", "acme-2", "a", "globex", "0"];
const HOSTS: [&str; 9] = [
    "acme.example",
    "www.acme.example",
    "acme.example.jp",
    "globex.example",
    "a.example",
    "a.a.example",
    "203.0.113.80",
    "localhost",
    "xn--fsqu00a.example",
];
const SHARED_ISSUERS: [&str; 2] = ["https://idp.example", "https://idp.example/"];
const PATTERNS: [&str; 11] = [
    "/",
    "/api/me",
    "/api/{x}",
    "/api/{x}/chat",
    "/api/{x}/{y}",
    "/api/me/chat",
    "/files/{*rest}",
    "/files/open",
    "/admin/users",
    "/healthz",
    "/{x}",
];

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) proxies: Proxies,
    pub(crate) address_header: &'static str,
    pub(crate) revocation: bool,
    /// The rate limit, of every route.
    pub(crate) limit: Option<Per>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) routes: Vec<Route>,
    pub(crate) tenants: Vec<Tenant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proxies {
    Nobody,
    Blocks(Vec<&'static str>),
    Peer,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Per {
    Tenant,
    Subject,
}

#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) region: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) id: String,
    pub(crate) pattern: &'static str,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) origins: Vec<String>,
    pub(crate) public: bool,
    pub(crate) network: &'static str,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) all_roles: Vec<&'static str>,
    /// What the origin calls `/api`.
    pub(crate) rewrite: Option<&'static str>,
    /// The segment of the pattern that names an assistant.
    pub(crate) assistant: Option<&'static str>,
    pub(crate) enforce: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: &'static str,
    pub(crate) hosts: Vec<&'static str>,
    pub(crate) regions: Vec<&'static str>,
    pub(crate) networks: BTreeMap<&'static str, Network>,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) directory: &'static str,
    pub(crate) state: State,
}

#[derive(Clone, Debug)]
pub(crate) enum Network {
    Any,
    /// CIDR blocks as they stand in the file.
    Blocks {
        allow: Vec<String>,
        deny: Vec<String>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) audiences: Vec<&'static str>,
    /// Keys of the pool, in the order of the set.
    pub(crate) keys: Vec<usize>,
    /// The claim that names the tenant; `None` where the issuer serves this tenant alone.
    pub(crate) tenant_claim: Option<&'static str>,
    pub(crate) roles_claim: &'static str,
}

/// Any sound policy of two to four tenants.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let proxies = prop_oneof![
        3 => Just(Proxies::Nobody),
        3 => Just(Proxies::Blocks(vec!["10.0.0.0/8", "2001:db8:ffff::/48"])),
        1 => Just(Proxies::Peer),
    ];
    let header = select(&["x-forwarded-for", "cf-connecting-ip"][..]);
    let routes = subsequence(&PATTERNS[..], 3..=PATTERNS.len())
        .prop_flat_map(|patterns| patterns.into_iter().map(routes_of).collect::<Vec<_>>())
        .prop_map(|routes| routes.concat());
    let names = (Just(IDS.to_vec()).prop_shuffle(), Just(HOSTS.to_vec()).prop_shuffle());
    let limit = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Per::Tenant)),
        1 => Just(Some(Per::Subject)),
    ];
    let edge = (proxies, header, any::<bool>(), limit);
    (names, prop::collection::vec(tenant(), 2..=4), routes, edge).prop_map(
        |((ids, hosts), mut tenants, mut routes, (proxies, address_header, revocation, limit))| {
            let mut hosts = hosts.into_iter();
            for (tenant, id) in tenants.iter_mut().zip(ids) {
                name(tenant, id, &mut hosts);
                tenant.networks.retain(|network, _| {
                    *network != "lab" || routes.iter().any(|route| route.network == "lab")
                });
            }
            // The tenants of one issuer read one claim.
            let mut claims = BTreeMap::new();
            for issuer in tenants.iter_mut().flat_map(|tenant| &mut tenant.issuers) {
                issuer.tenant_claim =
                    *claims.entry(issuer.name.clone()).or_insert(issuer.tenant_claim);
            }
            for (n, route) in routes.iter_mut().enumerate() {
                route.id = format!("route-{n}");
                serve(route, &tenants);
            }
            let origins = REGIONS.into_iter().flat_map(origins_of).collect();
            World { proxies, address_header, revocation, limit, origins, routes, tenants }
        },
    )
}

fn name(tenant: &mut Tenant, id: &'static str, hosts: &mut impl Iterator<Item = &'static str>) {
    tenant.id = id;
    for host in &mut tenant.hosts {
        *host = hosts.next().unwrap();
    }
    for (n, issuer) in tenant.issuers.iter_mut().enumerate() {
        if issuer.name.is_empty() {
            issuer.name = format!("https://{id}.idp.example/{n}");
        }
    }
}

/// A policy with a tenant that no origin of a route may serve is refused, and one of which a route
/// has two origins in a region.
fn serve(route: &mut Route, tenants: &[Tenant]) {
    for tenant in tenants {
        let served = |id: &String| tenant.regions.iter().any(|region| id.starts_with(region));
        if !route.origins.iter().any(served) {
            route.origins.push(format!("{}-1", tenant.regions[0]));
        }
    }
    let mut regions = BTreeSet::new();
    route.origins.retain(|id| regions.insert(id.split('-').next().map(str::to_owned)));
}

fn origins_of(region: &'static str) -> [Origin; 2] {
    [1, 2].map(|n| Origin {
        id: format!("{region}-{n}"),
        url: format!("https://{region}-{n}.internal:8443"),
        region,
    })
}

fn routes_of(pattern: &'static str) -> impl Strategy<Value = Vec<Route>> {
    let methods = prop_oneof![
        Just(vec![vec!["GET", "POST"]]),
        Just(vec![vec!["GET", "HEAD"], vec!["POST", "DELETE"]]),
        Just(vec![vec!["POST"]]),
    ];
    methods.prop_flat_map(move |split| {
        let one = |methods: Vec<&'static str>| {
            // One of each region: a second would be refused as never asked.
            let regions = subsequence(&REGIONS[..], 1..=REGIONS.len()).prop_shuffle();
            let origins = (regions, [1..=2, 1..=2, 1..=2]).prop_map(|(regions, which)| {
                regions.into_iter().zip(which).map(|(region, n)| format!("{region}-{n}")).collect()
            });
            let network = prop_oneof![3 => Just("business"), 1 => Just("admin"), 1 => Just("lab")];
            let public = prop::bool::weighted(0.15);
            (origins, public, network, rules(pattern)).prop_map(
                move |(origins, public, network, rules)| Route {
                    methods: methods.clone(),
                    origins,
                    public,
                    network,
                    ..if public { rules_of_nobody(rules) } else { rules }
                },
            )
        };
        split.into_iter().map(one).collect::<Vec<_>>()
    })
}

/// A route with what it asks of a user and of the path.
fn rules(pattern: &'static str) -> impl Strategy<Value = Route> {
    let roles = || subsequence(&ROLES[..], 0..=1);
    let rewrite = prop::option::weighted(0.3, select(&["/", "/v1", "/v1/api"][..]));
    (subsequence(&ROLES[..], 0..=2), roles(), rewrite, prop::bool::weighted(0.3), any::<u8>())
        .prop_map(move |(roles, all_roles, rewrite, assistant, dry)| Route {
            id: String::new(),
            pattern,
            methods: Vec::new(),
            origins: Vec::new(),
            public: false,
            network: "",
            roles,
            // Few, so that most users have them.
            all_roles: if dry % 4 == 0 { all_roles } else { Vec::new() },
            rewrite: rewrite.filter(|_| pattern.starts_with("/api/")),
            assistant: pattern.split('/').find(|segment| assistant && *segment == "{x}"),
            enforce: dry % 8 != 1,
        })
}

/// What a public route can't ask for.
fn rules_of_nobody(route: Route) -> Route {
    Route { roles: Vec::new(), all_roles: Vec::new(), assistant: None, ..route }
}

/// A tenant whose names are not given yet.
fn tenant() -> impl Strategy<Value = Tenant> {
    let networks = (
        prop::option::weighted(0.7, network()),
        prop::option::weighted(0.9, network()),
        prop::option::weighted(0.9, network()),
    );
    let shared = subsequence(&SHARED_ISSUERS[..], 0..=2);
    let users = (select(&["off", "off", "optional", "required"][..]), state());
    let names = (1..=2_usize, subsequence(&REGIONS[..], 1..=3));
    (names, networks, shared, 0..=1_usize, users)
        .prop_flat_map(|((hosts, regions), (business, admin, lab), shared, own, users)| {
            let own = own.max(1 - shared.len().min(1));
            let issuers: Vec<_> = shared
                .into_iter()
                .map(|name| issuer(name, 0.0).boxed())
                .chain((0..own).map(|_| issuer("", 0.5).boxed()))
                .collect();
            let networks: BTreeMap<_, _> = [("business", business), ("admin", admin), ("lab", lab)]
                .into_iter()
                .filter_map(|(name, network)| Some((name, network?)))
                .collect();
            (Just((hosts, regions, networks, users)), issuers)
        })
        .prop_map(|((hosts, regions, networks, (directory, state)), issuers)| Tenant {
            id: "",
            hosts: vec![""; hosts],
            regions,
            networks,
            issuers,
            directory,
            state,
        })
}

fn issuer(name: &'static str, sole: f64) -> impl Strategy<Value = Issuer> {
    let keys = subsequence((0..POOL).collect::<Vec<_>>(), 1..=2).prop_shuffle();
    let claim = (prop::bool::weighted(sole), select(&TENANT_CLAIMS[..]));
    let audiences = subsequence(&AUDIENCES[..], 1..=2);
    (keys, claim, audiences, select(&ROLES_CLAIMS[..])).prop_map(
        move |(keys, (sole, claim), audiences, roles_claim)| Issuer {
            name: name.into(),
            audiences,
            keys,
            tenant_claim: (!sole).then_some(claim),
            roles_claim,
        },
    )
}

fn network() -> impl Strategy<Value = Network> {
    prop_oneof![
        1 => Just(Network::Any),
        4 => (blocks(1..6), blocks(0..2)).prop_map(|(allow, mut deny)| {
            // One block can't be both.
            deny.retain(|block| !allow.contains(block));
            Network::Blocks { allow, deny }
        }),
    ]
}

fn blocks(many: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(block(), many)
}

/// Blocks of few places and many lengths, so that they often lie inside each other.
fn block() -> impl Strategy<Value = String> {
    let v4 = (select(&[0xcb00_7100_u32, 0xcb00_7180, 0xc633_6400, 0x0a01_0000][..]), any::<u8>());
    let v4 = (v4, select(&[0_u32, 8, 16, 23, 24, 25, 28, 31, 32][..])).prop_map(
        |((base, low), length)| {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            format!("{}/{length}", Ipv4Addr::from_bits((base | u32::from(low)) & mask))
        },
    );
    let v6 = (select(&[1_u128, 0x42, 0xffff][..]), any::<u8>());
    let v6 = (v6, select(&[0_u32, 32, 47, 48, 64, 121, 127, 128][..])).prop_map(
        |((site, low), length)| {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let address = (0x2001_0db8 << 96 | site << 80 | u128::from(low)) & mask;
            format!("{}/{length}", Ipv6Addr::from_bits(address))
        },
    );
    prop_oneof![3 => v4, 2 => v6]
}

/// The first and the last address of a block.
pub(crate) fn ends(block: &str) -> (IpAddr, IpAddr) {
    let (address, length) = block.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    match address.parse().unwrap() {
        IpAddr::V4(first) => {
            let rest = u32::MAX.checked_shr(length).unwrap_or(0);
            (first.into(), Ipv4Addr::from_bits(first.to_bits() | rest).into())
        }
        IpAddr::V6(first) => {
            let rest = u128::MAX.checked_shr(length).unwrap_or(0);
            (first.into(), Ipv6Addr::from_bits(first.to_bits() | rest).into())
        }
    }
}

impl World {
    /// A client of this address would be taken for a proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let Proxies::Blocks(blocks) = &self.proxies else { return false };
        blocks.iter().any(|block| {
            let (first, last) = ends(block);
            first.is_ipv4() == address.is_ipv4() && first <= address && address <= last
        })
    }
}
