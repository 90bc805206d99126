//! From choices to a request: what is right first, then the twists, in turn.

use super::keys::{kid, sign};
use super::place::address;
use super::policy::{Issuer, Proxies, ROLES_CLAIMS, Route, TENANT_CLAIMS, Tenant, World};
use super::request::{Minted, Plan, REQUEST_ID, Sent};
use super::spoof::MARK;
use super::state::{GROUPS, subject};
use super::twist::Twist;
use crate::support::{NOW, b64};
use proptest::sample::Index;
use sekisho_core::{Headers, Request, Scheme};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The request while it is being put together.
pub(super) struct Draft<'w> {
    world: &'w World,
    route: &'w Route,
    method: String,
    scheme: Scheme,
    host: String,
    second_host: Option<String>,
    authority: Option<String>,
    absolute: Option<String>,
    path: String,
    query: Option<String>,
    pub(super) address: IpAddr,
    no_peer: bool,
    mapped: bool,
    issuer: &'w Issuer,
    key: Option<usize>,
    claims: Value,
    with_token: bool,
    second_token_of: Option<&'w Tenant>,
    forged: Option<&'w Tenant>,
    proxy_says: Option<&'static str>,
    fields: Vec<(String, Vec<u8>)>,
}

impl<'w> Draft<'w> {
    /// A user of a tenant, at its host, from its network, with its token.
    pub(super) fn right(world: &'w World, plan: &Plan) -> Self {
        let tenant = plan.tenant(world);
        let route = plan.route.get(&world.routes);
        let issuer = plan.method.get(&tenant.issuers);
        let field = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Self {
            world,
            route,
            method: (*plan.method.get(&route.methods)).to_owned(),
            scheme: Scheme::Https,
            host: (*plan.method.get(&tenant.hosts)).to_owned(),
            second_host: None,
            authority: None,
            absolute: None,
            path: path(route, &plan.parameters),
            query: None,
            address: address(tenant, route.network, &plan.place),
            no_peer: false,
            mapped: false,
            issuer,
            key: None,
            claims: claims(tenant, issuer, route),
            with_token: true,
            second_token_of: None,
            forged: None,
            proxy_says: None,
            fields: plan
                .fields
                .iter()
                .map(field)
                .chain(plan.spoofs.iter().map(|spoof| spoof.field(world)))
                .collect(),
        }
    }

    pub(super) fn twist(&mut self, twist: &Twist, parameters: &[&str]) {
        let world = self.world;
        let tenant = |index: &Index| index.get(&world.tenants);
        let host = |index: &Index| (*index.get(&tenant(index).hosts)).to_owned();
        let mut claim = |name: &str, value: Value| self.claims[name] = value;
        match twist {
            Twist::HostOf(index) => self.host = host(index),
            Twist::SecondHostOf(index) => self.second_host = Some(host(index)),
            Twist::AuthorityOf(index) => self.authority = Some(host(index)),
            Twist::AbsoluteOf(index) => self.absolute = Some(host(index)),
            Twist::HostSpelt(before, after) => self.host = format!("{before}{}{after}", self.host),
            Twist::HostInCapitals => self.host.make_ascii_uppercase(),
            Twist::Cleartext => self.scheme = Scheme::Http,
            Twist::ProxySays(proto) => self.proxy_says = Some(proto),
            Twist::Method(method) => (*method).clone_into(&mut self.method),
            Twist::PathOf(index) => self.path = path(index.get(&world.routes), parameters),
            Twist::PathWith(at, mark) => {
                // Between two characters, wherever that is.
                let at = at.index(self.path.len() + 1);
                let at = (0..=at).rev().find(|at| self.path.is_char_boundary(*at)).unwrap();
                self.path.insert_str(at, mark);
            }
            Twist::Query(query) => self.query = Some((*query).to_owned()),
            Twist::NoToken => {
                self.with_token = false;
                self.second_token_of = None;
            }
            Twist::SecondTokenOf(index) => self.second_token_of = Some(tenant(index)),
            Twist::TokenOf(index) => {
                self.issuer = index.get(&tenant(index).issuers);
                self.claims = claims(tenant(index), self.issuer, self.route);
            }
            Twist::IssuerOf(index) => {
                let issuer = index.get(&tenant(index).issuers);
                claim("iss", issuer.name.as_str().into());
                self.issuer = issuer;
            }
            Twist::SignedWith(key) => self.key = Some(*key),
            Twist::ClaimOf(index) => {
                if let Some(name) = self.issuer.tenant_claim {
                    claim(name, tenant(index).id.into());
                }
            }
            Twist::ClaimsOf(first, second) => {
                for (name, index) in TENANT_CLAIMS.into_iter().zip([first, second]) {
                    claim(name, tenant(index).id.into());
                }
            }
            Twist::ClaimsAsList(index) => {
                let ids: Vec<&str> = world.tenants.iter().map(|tenant| tenant.id).collect();
                claim(TENANT_CLAIMS[index.index(TENANT_CLAIMS.len())], json!(ids));
            }
            Twist::NoClaim => {
                let claims = self.claims.as_object_mut().unwrap();
                claims.retain(|name, _| !TENANT_CLAIMS.contains(&name.as_str()));
            }
            Twist::ForgedClaimOf(index) => self.forged = Some(tenant(index)),
            Twist::Audience(audience) => claim("aud", audience.clone()),
            Twist::Times(name, after) => claim(name, json!(NOW + after)),
            Twist::Roles(roles) => {
                for name in ROLES_CLAIMS {
                    claim(name, json!(roles));
                }
            }
            Twist::SubjectOf(index) => claim("sub", subject(tenant(index).id).into()),
            Twist::Groups(groups) => claim("teams", json!(groups)),
            Twist::AddressOf(index, place) => {
                self.address = address(tenant(index), self.route.network, place);
            }
            Twist::Address(any) => self.address = *any,
            Twist::NoPeer => self.no_peer = true,
            Twist::Mapped => self.mapped = true,
            Twist::Field(name, value) => {
                self.fields.push(((*name).to_owned(), value.as_bytes().to_vec()));
            }
        }
    }

    pub(super) fn send(
        mut self,
        right: Option<(&'static str, String)>,
        via_proxy: bool,
        by_cookie: bool,
    ) -> Sent {
        let mut minted = Vec::new();
        if self.with_token {
            let token = self.mint(&mut minted);
            self.carry(&token, by_cookie);
        }
        if let Some(tenant) = self.second_token_of {
            self.issuer = &tenant.issuers[0];
            self.claims = claims(tenant, self.issuer, self.route);
            let token = self.mint(&mut minted);
            self.carry(&token, !by_cookie);
        }
        for host in [Some(self.host.clone()), self.second_host.take()].into_iter().flatten() {
            self.fields.push(("Host".into(), host.into_bytes()));
        }
        let peer = self.connect(via_proxy);
        let mut target = self.path;
        if let Some(query) = self.query {
            target = format!("{target}?{query}");
        }
        if let Some(host) = self.absolute {
            target = format!("https://{host}{target}");
        }
        let request = Request {
            method: self.method,
            scheme: self.scheme,
            authority: self.authority,
            target,
            headers: Headers::new(self.fields),
            in_flight: None,
            peer: peer.map(|address| SocketAddr::new(address, 50_211)),
            request_id: REQUEST_ID.into(),
            trace_ratio: None,
        };
        Sent { request, minted, right }
    }

    /// Gives the client's address by the connection or by a proxy's word.
    fn connect(&mut self, via_proxy: bool) -> Option<IpAddr> {
        let proxied = match self.world.proxies {
            Proxies::Nobody => false,
            Proxies::Blocks(_) => via_proxy,
            Proxies::Peer => true,
        };
        let client = match self.address {
            IpAddr::V4(address) if self.mapped => address.to_ipv6_mapped().into(),
            address => address,
        };
        if !proxied {
            return (!self.no_peer).then_some(client);
        }
        if let Some(word) = self.proxy_says {
            self.fields.push(("X-Forwarded-Proto".into(), word.into()));
        }
        if !self.no_peer {
            let word = match self.world.address_header {
                "x-forwarded-for" => format!("192.0.2.66, {client}"),
                _ => client.to_string(),
            };
            self.fields.push((self.world.address_header.into(), word.into()));
        }
        Some(Ipv4Addr::new(10, 0, 0, 1).into())
    }

    fn mint(&self, minted: &mut Vec<Minted>) -> String {
        let key = self.key.unwrap_or(self.issuer.keys[0]);
        let place = self.issuer.keys.iter().position(|known| *known == key).unwrap_or(key);
        let mut token = sign(key, &kid(place), &self.claims);
        minted.push(Minted { token: token.clone(), key, claims: self.claims.clone() });
        if let Some(tenant) = self.forged {
            let mut forged = self.claims.clone();
            for name in TENANT_CLAIMS {
                forged[name] = tenant.id.into();
            }
            forged["sub"] = MARK.into();
            let mut parts: Vec<&str> = token.split('.').collect();
            let payload = b64(forged.to_string());
            parts[1] = &payload;
            token = parts.join(".");
        }
        token
    }

    fn carry(&mut self, token: &str, by_cookie: bool) {
        let (name, value) = if by_cookie {
            ("Cookie", format!("lang=ja; __Host-sekisho={token}"))
        } else {
            ("Authorization", format!("Bearer {token}"))
        };
        self.fields.push((name.into(), value.into_bytes()));
    }
}

/// A path that the route's pattern matches, whichever route then takes it.
fn path(route: &Route, parameters: &[&str]) -> String {
    let mut parameters = parameters.iter().copied().cycle();
    let segment = |segment: &str| match segment {
        "{*rest}" => format!("{}/{}", parameters.next().unwrap(), parameters.next().unwrap()),
        "{x}" | "{y}" => parameters.next().unwrap().to_owned(),
        literal => literal.to_owned(),
    };
    route.pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The claims of a user of this tenant who may take this route.
fn claims(tenant: &Tenant, issuer: &Issuer, route: &Route) -> Value {
    let role = route.roles.last().copied().unwrap_or("member");
    let mut claims = json!({
        "iss": issuer.name, "aud": [issuer.audiences[0], "other"], "sub": subject(tenant.id),
        "exp": NOW + 300, "nbf": NOW - 10, "iat": NOW - 10, "sid": format!("s-1.{}", tenant.id),
        "teams": [GROUPS[0]],
    });
    let roles = ["tester", role].into_iter().chain(route.all_roles.iter().copied());
    claims[issuer.roles_claim] = roles.collect();
    if let Some(claim) = issuer.tenant_claim {
        claims[claim] = tenant.id.into();
    }
    claims
}
