//! A request as choices. By itself it is right: a user of a tenant, at its host, from its network,
//! with its token. Up to three twists take a part from another tenant or spoil it.

use super::draft::Draft;
use super::place::{Place, inside};
use super::policy::{Tenant, World};
use super::spoof::{Spoof, spoof};
use super::twist::{Twist, twist};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use sekisho_core::Request;
use serde_json::Value;
use std::fmt;

/// The identifier that the adapter gives.
pub(crate) const REQUEST_ID: &str = "our-request-id";

/// A request, still as choices.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(super) tenant: Index,
    pub(super) route: Index,
    pub(super) method: Index,
    pub(super) parameters: Vec<&'static str>,
    pub(super) place: Place,
    pub(super) via_proxy: bool,
    pub(super) by_cookie: bool,
    pub(super) fields: Vec<(&'static str, &'static str)>,
    pub(super) spoofs: Vec<Spoof>,
    pub(super) twists: Vec<Twist>,
}

/// Any request.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let fields = [
        ("Accept", "text/event-stream"),
        ("x-custom", "kept"),
        ("tenant", "kept"),
        ("x-tenants", "kept"),
        ("Content-Length", "0"),
        ("Cookie", "theme=dark"),
        ("Cookie", "a=__Host-sekisho; b=2"),
        ("Connection", "x-custom, x-tenant-id, x-user-id, forwarded"),
        ("Connection", "close"),
        ("TE", "trailers"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic YTpi"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let segments = ["a1", "me", "chat", "users", "open", "x.y", "...", "%E9%96%A2", "%25", "-"];
    (
        (any::<Index>(), any::<Index>(), any::<Index>()),
        prop::collection::vec(select(segments.to_vec()), 3),
        inside(),
        (any::<bool>(), prop::bool::weighted(0.2)),
        subsequence(fields.to_vec(), 0..=3),
        prop::collection::vec(spoof(), 0..4),
        prop_oneof![
            4 => Just(Vec::new()),
            5 => prop::collection::vec(twist(), 1),
            3 => prop::collection::vec(twist(), 2..4),
        ],
    )
        .prop_map(
            |((tenant, route, method), parameters, place, by, fields, spoofs, twists)| {
                let (via_proxy, by_cookie) = by;
                Plan {
                    tenant,
                    route,
                    method,
                    parameters,
                    place,
                    via_proxy,
                    by_cookie,
                    fields,
                    spoofs,
                    twists,
                }
            },
        )
}

/// A token that somebody signed, and with what. No other token is anyone's.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) key: usize,
    pub(crate) claims: Value,
}

/// A request as it is sent, and what the oracle must know of it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) minted: Vec<Minted>,
    /// Tenant and route that it was made for, if nothing was twisted or spoofed.
    pub(crate) right: Option<(&'static str, String)>,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { method, target, scheme, authority, peer, headers, .. } = &self.request;
        writeln!(f, "{method} {target} by {} of {authority:?} from {peer:?}", scheme.as_str())?;
        for (name, value) in headers.iter() {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value))?;
        }
        for Minted { key, claims, .. } in &self.minted {
            writeln!(f, "signed with key {key}: {claims}")?;
        }
        Ok(())
    }
}

impl Plan {
    /// The same with one more twist.
    pub(crate) fn twisted(&self, twist: Twist) -> Self {
        let mut plan = self.clone();
        plan.twists.push(twist);
        plan
    }

    /// The tenant that it is made for, before any twist.
    pub(super) fn tenant<'w>(&self, world: &'w World) -> &'w Tenant {
        self.tenant.get(&world.tenants)
    }

    /// The request as it is sent to a gateway with this policy.
    pub(crate) fn send(&self, world: &World) -> Sent {
        let mut draft = Draft::right(world, self);
        for twist in &self.twists {
            draft.twist(twist, &self.parameters);
        }
        let right =
            self.twists.is_empty() && self.spoofs.is_empty() && !world.trusts(draft.address);
        let made_for = (self.tenant(world).id, self.route.get(&world.routes).id.clone());
        draft.send(right.then_some(made_for), self.via_proxy, self.by_cookie)
    }
}
