//! What a permit must be, said once more in the most naive way, from the policy as it was generated
//! and the bytes as they were sent. Nothing here calls core's rules: an error in one of them is not
//! in both.
//!
//! Clauses in order; `judge` names the first that does not hold:
//!
//! 1. every name that the request gives its host is the tenant's;
//! 2. it came over HTTPS, by the peer or by a trusted proxy's word;
//! 3. the path is forwarded as it was sent, and means what is written there;
//! 4. the route is the most specific one for path and method;
//! 5. the token was signed by a key of one of the tenant's issuers, for this audience and tenant;
//! 6. its user is known to the tenant, and was not revoked ([`super::rights`]);
//! 7. unless the route is in dry run, the client's address lies in the tenant's network of that
//!    route, and the user may take it and see its assistant;
//! 8. the origin lies in a region of the tenant;
//! 9. what the origin is told is true, said once, and by the gateway; the rest is the client's own
//!    ([`super::upstream`]).

use super::upstream::{Told, upstream};
use super::{Permitted, rights};
use crate::arbitrary::policy::{Issuer, Network, Proxies, Route, Tenant, World};
use crate::arbitrary::request::{Minted, REQUEST_ID, Sent};
use crate::support::NOW;
use serde_json::Value;
use std::net::IpAddr;

/// `Err` with the clause that a permit breaks.
pub(super) type Held<T> = Result<T, String>;

pub(super) fn hold(held: bool, clause: &str) -> Held<()> {
    if held { Ok(()) } else { Err(clause.to_owned()) }
}

/// Whether this may be the permit for what was sent.
pub(super) fn judge(world: &World, sent: &Sent, permit: &Permitted) -> Held<()> {
    let tenant = world.tenants.iter().find(|tenant| tenant.id == permit.tenant);
    let tenant = tenant.ok_or("the tenant is none of the policy's")?;
    let host = host(sent, tenant)?;
    let proxied = proxied(world, sent);
    transport(sent, proxied)?;
    let (path, query) = target(sent)?;
    let route = route(world, sent, permit, &path)?;
    hold(permit.target == format!("{}{query}", at_origin(route, &path)), "another target")?;
    let client = client(world, sent, proxied)?;
    let user = admitted(world, sent, tenant, route, client)?;
    region(world, tenant, route, permit)?;
    let told = Told { tenant, user, client, host, request_id: request_id(sent, proxied) };
    upstream(sent, permit, &told)
}

/// Whether a refusal of what was sent would be wrong: it is right by itself, and the tenant can take
/// the route that it was made for.
pub(super) fn must_permit(world: &World, sent: &Sent) -> bool {
    let Some((tenant, route)) = &sent.right else { return false };
    let tenant = world.tenants.iter().find(|t| t.id == *tenant).unwrap();
    let route = world.routes.iter().find(|r| r.id == *route).unwrap();
    let client = client(world, sent, proxied(world, sent)).unwrap();
    let path = &sent.request.target;
    let best = world.routes.iter().filter(|route| matches(route.pattern, path));
    let best = best.min_by_key(|route| rank(route.pattern));
    best.is_some_and(|best| best.pattern == route.pattern)
        && admitted(world, sent, tenant, route, client).is_ok()
}

/// Clauses 5 to 7: who the user is, and that he may.
fn admitted(
    world: &World,
    sent: &Sent,
    tenant: &Tenant,
    route: &Route,
    client: Option<IpAddr>,
) -> Held<Option<User>> {
    let user =
        if route.public { None } else { Some(rights::known(world, tenant, token(sent, tenant)?)?) };
    if route.enforce {
        network(tenant, route, client)?;
        let path = path_of(sent);
        user.as_ref().map_or(Ok(()), |user| rights::may(world, tenant, route, path, user))?;
    }
    Ok(user)
}

/// The values of every field of this name, which is in lower case.
pub(super) fn values<'s>(sent: &'s Sent, name: &str) -> Vec<&'s str> {
    let fields = sent.request.headers.iter().filter(|(n, _)| n.to_lowercase() == name);
    fields.map(|(_, value)| std::str::from_utf8(value).unwrap()).collect()
}

fn absolute(target: &str) -> Option<(&str, &str)> {
    let rest = target.strip_prefix("https://")?;
    Some(rest.split_at(rest.find('/')?))
}

fn host(sent: &Sent, tenant: &Tenant) -> Held<String> {
    let mut names = values(sent, "host");
    names.extend(sent.request.authority.as_deref());
    names.extend(absolute(&sent.request.target).map(|(authority, _)| authority));
    hold(!names.is_empty(), "no host was named")?;
    for name in &names {
        let name = name.split(':').next().unwrap().trim_end_matches('.').to_lowercase();
        hold(tenant.hosts.contains(&name.as_str()), "a host is not the tenant's")?;
    }
    Ok(names[0].split(':').next().unwrap().trim_end_matches('.').to_lowercase())
}

/// The address as bits, after an IPv4-mapped one was made the IPv4 address it is.
fn bits(address: IpAddr) -> (bool, String) {
    match address.to_canonical() {
        IpAddr::V4(address) => (false, format!("{:032b}", address.to_bits())),
        IpAddr::V6(address) => (true, format!("{:0128b}", address.to_bits())),
    }
}

/// The length of the longest block that holds the address.
fn longest<'b>(blocks: impl IntoIterator<Item = &'b str>, address: IpAddr) -> Option<usize> {
    let address = bits(address);
    let held = blocks.into_iter().filter_map(|block| {
        let (network, length) = block.split_once('/').unwrap();
        let (network, length) = (bits(network.parse().unwrap()), length.parse().unwrap());
        let same = network.1.chars().zip(address.1.chars()).take(length).all(|(a, b)| a == b);
        (network.0 == address.0 && same).then_some(length)
    });
    held.max()
}

fn proxied(world: &World, sent: &Sent) -> bool {
    match &world.proxies {
        Proxies::Nobody => false,
        Proxies::Peer => true,
        Proxies::Blocks(blocks) => sent
            .request
            .peer
            .is_some_and(|peer| longest(blocks.iter().copied(), peer.ip()).is_some()),
    }
}

fn transport(sent: &Sent, proxied: bool) -> Held<()> {
    let word = values(sent, "x-forwarded-proto");
    let secure = if proxied && !word.is_empty() {
        word.len() == 1 && word[0].to_lowercase() == "https"
    } else {
        sent.request.scheme.as_str() == "https"
    };
    hold(secure, "it did not come over HTTPS")
}

/// The target as it was written, without scheme and authority.
fn written(sent: &Sent) -> &str {
    absolute(&sent.request.target).map_or(&sent.request.target, |(_, target)| target)
}

fn path_of(sent: &Sent) -> &str {
    written(sent).split('?').next().unwrap()
}

/// What the origin is asked for.
fn at_origin(route: &Route, path: &str) -> String {
    let Some(to) = route.rewrite else { return path.to_owned() };
    let rest = path.strip_prefix("/api/").unwrap();
    format!("{}/{rest}", to.trim_end_matches('/'))
}

/// Path, and query with its question mark.
fn target(sent: &Sent) -> Held<(String, &str)> {
    let path = path_of(sent);
    let once = decode(path).ok_or("the path does not decode")?;
    hold(decode(&once).is_none_or(|twice| twice == once), "the path decodes twice")?;
    hold(once.matches('/').count() == path.matches('/').count(), "a slash was hidden")?;
    hold(path.starts_with('/') && !path.contains("//"), "a segment is empty")?;
    hold(
        path.chars().all(|c| c.is_ascii_graphic() && !"\\;#\"<>".contains(c)),
        "a sign may not stand in a path",
    )?;
    hold(
        !once.contains(|c: char| c.is_ascii_control()) && !once.contains('\\'),
        "a sign is hidden",
    )?;
    let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    hold(!once.split('/').any(dots), "a dot segment")?;
    Ok((path.to_owned(), written(sent).strip_prefix(path).unwrap()))
}

/// Percent-decodes once; `None` where that gives no text.
fn decode(text: &str) -> Option<String> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            (byte, _, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn route<'w>(world: &'w World, sent: &Sent, permit: &Permitted, path: &str) -> Held<&'w Route> {
    let mut matching: Vec<&Route> =
        world.routes.iter().filter(|route| matches(route.pattern, path)).collect();
    matching.sort_by_key(|route| rank(route.pattern));
    let best = matching.first().ok_or("no route has this path")?.pattern;
    let method = &sent.request.method;
    hold(permit.method == *method, "the method is not forwarded as it was sent")?;
    let route = matching
        .into_iter()
        .find(|route| route.pattern == best && route.methods.iter().any(|m| m == method))
        .ok_or("no route of this path has this method")?;
    hold(route.id == permit.route, "the route is not the most specific one")?;
    Ok(route)
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    if let Some((&"{*rest}", before)) = pattern.split_last() {
        let rest = path.get(before.len()..).unwrap_or_default().join("/");
        return !rest.is_empty() && matches(&before.join("/"), &path[..before.len()].join("/"));
    }
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(path)
            .all(|(p, segment)| *p == segment || (p.starts_with('{') && !segment.is_empty()))
}

/// Sorts literals before parameters, and these before a rest.
fn rank(pattern: &str) -> Vec<u8> {
    let rank = |segment: &str| match segment {
        "{*rest}" => 2,
        parameter if parameter.starts_with('{') => 1,
        _ => 0,
    };
    pattern.split('/').map(rank).collect()
}

fn client(world: &World, sent: &Sent, proxied: bool) -> Held<Option<IpAddr>> {
    if !proxied {
        return Ok(sent.request.peer.map(|peer| peer.ip().to_canonical()));
    }
    let lines = values(sent, world.address_header);
    let address = |text: &str| text.trim().parse::<IpAddr>().map(|address| address.to_canonical());
    let unreadable = |_| "the proxy's word on the client can't be read".to_owned();
    if world.address_header != "x-forwarded-for" {
        hold(lines.len() == 1, "the proxy names not one client")?;
        return address(lines[0]).map(Some).map_err(unreadable);
    }
    let trusted = |address: IpAddr| match &world.proxies {
        Proxies::Blocks(blocks) => longest(blocks.iter().copied(), address).is_some(),
        Proxies::Nobody | Proxies::Peer => false,
    };
    let list = lines.join(",");
    hold(!lines.is_empty(), "the proxy names no client")?;
    let mut client = None;
    for entry in list.rsplit(',') {
        client = Some(address(entry).map_err(unreadable)?);
        if client.is_some_and(|address| !trusted(address)) {
            break;
        }
    }
    Ok(client)
}

fn network(tenant: &Tenant, route: &Route, client: Option<IpAddr>) -> Held<()> {
    match tenant.networks.get(route.network) {
        None => hold(route.network == "business", "the tenant has not set the network"),
        Some(Network::Any) => Ok(()),
        Some(Network::Blocks { allow, deny }) => {
            let client = client.ok_or("the network of nobody was judged")?;
            let longest = |blocks: &[String]| longest(blocks.iter().map(String::as_str), client);
            hold(longest(allow) > longest(deny), "the client is not in the tenant's network")
        }
    }
}

/// What the token proves.
pub(super) struct User {
    pub(super) subject: String,
    pub(super) roles: Vec<String>,
    pub(super) groups: Vec<String>,
}

fn token(sent: &Sent, tenant: &Tenant) -> Held<User> {
    let mut tokens = values(sent, "authorization");
    for cookies in values(sent, "cookie") {
        let ours = |pair: &str| pair.trim().starts_with("__Host-sekisho=");
        tokens.extend(
            cookies
                .split(';')
                .filter(|pair| ours(pair))
                .map(|pair| pair.trim().split_once('=').unwrap().1),
        );
    }
    hold(tokens.len() == 1, "there is not exactly one token")?;
    let token = tokens[0].trim_start_matches("Bearer ");
    let minted = sent.minted.iter().find(|minted| minted.token == token);
    let minted = minted.ok_or("nobody signed the token")?;
    let issuer = tenant.issuers.iter().find(|issuer| minted.claims["iss"] == *issuer.name);
    let issuer = issuer.ok_or("the issuer is none of the tenant's")?;
    claims(minted, issuer, tenant)?;
    Ok(User {
        subject: minted.claims["sub"].as_str().unwrap().to_owned(),
        roles: list(&minted.claims[issuer.roles_claim]),
        groups: list(&minted.claims["teams"]),
    })
}

fn claims(minted: &Minted, issuer: &Issuer, tenant: &Tenant) -> Held<()> {
    let Minted { key, claims, .. } = minted;
    hold(issuer.keys.contains(key), "the key is none of the issuer's")?;
    let audiences = list(&claims["aud"]);
    hold(audiences.iter().any(|a| issuer.audiences.iter().any(|b| a == b)), "another's audience")?;
    let time = |name: &str| claims[name].as_i64();
    hold(time("exp").is_some_and(|time| time > NOW - 60), "the token has expired")?;
    hold(time("nbf").is_none_or(|time| time <= NOW + 60), "its time has not come")?;
    hold(time("iat").is_none_or(|time| time <= NOW + 60), "it was issued in the future")?;
    let named = issuer.tenant_claim.is_none_or(|claim| claims[claim] == tenant.id);
    hold(named, "the token names another tenant")
}

/// A text, or the texts of a list.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().map(|i| i.as_str().unwrap().to_owned()).collect(),
        _ => Vec::new(),
    }
}

fn region(world: &World, tenant: &Tenant, route: &Route, permit: &Permitted) -> Held<()> {
    let origin = world.origins.iter().find(|origin| origin.id == permit.origin);
    let origin = origin.ok_or("the origin is none of the policy's")?;
    hold(tenant.regions.contains(&origin.region), "the origin is in another region")?;
    hold(route.origins.contains(&origin.id), "the origin is none of the route's")?;
    hold(permit.url == format!("{}{}", origin.url, permit.target), "the URL leads elsewhere")
}

fn request_id(sent: &Sent, proxied: bool) -> String {
    let given = values(sent, "x-request-id");
    let plain = |id: &str| {
        (1..=64).contains(&id.len())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match given[..] {
        [id] if proxied && plain(id) => id.to_owned(),
        _ => REQUEST_ID.to_owned(),
    }
}
