//! Step 10: an origin in the tenant's region, and the request as an origin will see it.
//!
//! [`Permit`] has private fields and no public constructor: holding one proves that a request
//! walked the whole road, and forwarding takes nothing else.

use crate::authorize::Authorized;
use crate::cors::Sharing;
use crate::denial::{Denial, Reason};
use crate::origins::{Candidates, Health};
use crate::policy::{Directory, Origin, Policy, Route, Tenant};
use crate::records::Needed;
use crate::request::Headers;
use crate::request::headers::{connection_options, is_hop_by_hop, is_reserved};
use crate::request::target::Target;
use crate::response::ResponseRules;
use crate::token::claims::Principal;
use crate::token::locate::without_session_cookie;
use crate::token::own::assertion::{self, Assertion};
use crate::trace::Trace;
use crate::watch::Watch;
use std::net::IpAddr;
use std::time::Duration;

/// How many fields the gateway sets, at most.
const OURS: usize = 10;

/// The leave to forward one request.
#[derive(Debug)]
pub struct Permit<'p> {
    tenant: &'p Tenant,
    route: &'p Route,
    candidates: Candidates<'p>,
    origin: &'p Origin,
    sharing: Option<Sharing<'p>>,
    method: &'static str,
    target: Target,
    headers: Headers,
    content_length: Option<u64>,
    assertion: Option<(Assertion, u32)>,
    watched: Watched<'p>,
}

/// What an answer is watched by, if it turns out to have no end.
#[derive(Debug)]
pub struct Watched<'p> {
    needed: Needed<'p>,
    /// As the token has it, where the directory's word on rights may change.
    principal: Option<Principal>,
    directory: Directory,
    route: &'p Route,
    assistant: Option<String>,
    client: Option<IpAddr>,
    every: Duration,
}

impl Watched<'_> {
    /// The watch, apart from the policy; nothing, where nothing that was judged can change.
    pub fn watch(self) -> Option<Watch> {
        let needed = self.needed.lasting();
        let principal = self.principal.filter(|_| !needed.keys().is_empty())?;
        Some(Watch {
            needed,
            principal,
            directory: self.directory,
            route: self.route.clone(),
            assistant: self.assistant,
            client: self.client,
            every: self.every,
        })
    }
}

impl<'p> Permit<'p> {
    /// The last step of the road.
    pub(crate) fn issue(
        authorized: Authorized<'p>,
        policy: &'p Policy,
        trace: Option<&Trace>,
    ) -> Result<Self, Denial> {
        let authenticated = authorized.live.authenticated;
        let routed = authenticated.admitted.routed;
        let (route, located) = (routed.route, routed.located);
        let (tenant, request) = (located.hosted.tenant, *located.hosted.request);
        let candidates = Candidates { tenant, route, policy };
        // The first of equals, so that the same request has the same answer wherever it is judged.
        let first = Health::default().choose(candidates, None, 0, Duration::ZERO);
        let origin = first.map_err(|_| {
            Denial::new(Reason::RegionNotAllowed, "the route has no origin in the tenant's regions")
        })?;
        let target = match route.rewrite() {
            None => request.target,
            Some(rewrite) => rewrite.apply(&request.target)?,
        };
        let address_header = policy.edge().client_address_header();
        let mut headers = from_client(request.headers, address_header, trace);
        headers.reserve(OURS);
        headers.push("x-tenant-id", tenant.id().as_str());
        if let Some(principal) = &authenticated.principal {
            identify(&mut headers, principal);
        }
        let assertion = policy.assertion().zip(authenticated.principal.as_ref());
        let assertion = assertion.map(|(rules, principal)| {
            let assertion = Assertion {
                iss: rules.issuer().to_owned(),
                aud: origin.id().to_owned(),
                sub: principal.subject().to_owned(),
                tenant: tenant.id().as_str().to_owned(),
                roles: principal.roles().to_vec(),
                policy: policy.digest().to_owned(),
            };
            (assertion, rules.lifetime())
        });
        headers.push("x-request-id", request.request_id);
        // Without the port: it is whatever the client wrote, and no rule has judged it.
        let host = request.authority.host();
        if let Some(client) = located.client {
            let text = text(client);
            let forwarded = forwarded(client, &text, host);
            headers.push("x-forwarded-for", text);
            headers.push("forwarded", forwarded);
        }
        headers.push("x-forwarded-proto", "https");
        headers.push("x-forwarded-host", host);
        if let Some(traceparent) = trace.and_then(Trace::traceparent) {
            headers.push("traceparent", traceparent);
        }
        Ok(Self {
            tenant,
            route,
            candidates,
            origin,
            sharing: routed.sharing,
            method: request.method,
            target,
            headers,
            content_length: request.content_length,
            assertion,
            watched: Watched {
                needed: Needed::default(),
                principal: authenticated.principal,
                directory: tenant.directory(),
                route,
                assistant: routed.assistant,
                client: located.client,
                every: policy.recheck(),
            },
        })
    }

    /// Keeps what steps 8 and 9 looked at, and the principal as the token has it, where that is another.
    pub(crate) fn judged_by(&mut self, needed: Needed<'p>, said: Option<Principal>) {
        self.watched.needed = needed;
        if said.is_some() {
            self.watched.principal = said;
        }
    }

    /// The tenant that all of this belongs to.
    pub fn tenant(&self) -> &'p Tenant {
        self.tenant
    }

    /// The route with its limits and timeouts.
    pub fn route(&self) -> &'p Route {
        self.route
    }

    /// The origin that it goes to: until [`choose`](Self::choose), the first that it may go to.
    pub fn origin(&self) -> &'p Origin {
        self.origin
    }

    /// Another origin may serve it, too.
    pub fn has_alternatives(&self) -> bool {
        self.candidates.are_several()
    }

    /// Directs it to an origin that works, as far as this instance knows. `now` is a clock that never goes back.
    pub fn choose(&mut self, health: &Health, random: u64, now: Duration) -> Result<(), Denial> {
        match health.choose(self.candidates, None, random, now) {
            Ok(origin) => {
                self.direct(origin);
                Ok(())
            }
            Err(wait) => {
                let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
                let detail =
                    "there was no connection to any origin, and it is too early to try again";
                Err(Denial::new(Reason::OriginsUnavailable, detail)
                    .with_header("retry-after", seconds.max(1).to_string()))
            }
        }
    }

    /// Directs it to another origin than now; `false` where none is left that works.
    pub fn choose_another(&mut self, health: &Health, random: u64, now: Duration) -> bool {
        let another = health.choose(self.candidates, Some(self.origin), random, now);
        another.map(|origin| self.direct(origin)).is_ok()
    }

    fn direct(&mut self, origin: &'p Origin) {
        self.origin = origin;
        if let Some((assertion, _)) = self.assertion.as_mut().filter(|(a, _)| a.aud != origin.id())
        {
            origin.id().clone_into(&mut assertion.aud);
        }
    }

    /// The method.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Path and query for the origin: byte for byte as they were judged, but for the prefix that the
    /// route rewrites.
    pub fn path_and_query(&self) -> &str {
        self.target.as_str()
    }

    /// The same with the origin's prefix.
    pub fn origin_target(&self) -> String {
        format!("{}{}", self.origin.prefix(), self.path_and_query())
    }

    /// The whole URL at the origin.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin.url(), self.path_and_query())
    }

    /// The header fields that the origin will see.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// What the origin wants the gateway's signed word on, and for how many seconds. A public route has
    /// nobody to say anything of.
    pub fn assertion(&self) -> Option<(&Assertion, u32)> {
        self.assertion.as_ref().map(|(assertion, lifetime)| (assertion, *lifetime))
    }

    /// Takes the header fields for the origin, with the signed word where there is one to give. They are there again
    /// only for another origin.
    pub fn take_headers(&mut self, assertion: Option<&str>) -> Headers {
        let mut headers = if self.has_alternatives() {
            self.headers.clone()
        } else {
            std::mem::take(&mut self.headers)
        };
        if let Some(token) = assertion {
            headers.push(assertion::HEADER, token);
        }
        headers
    }

    /// The declared length of the body in bytes.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Takes the permit apart: the rules for the origin's answer, and what that is watched by if it has no end.
    pub fn into_parts(self) -> (ResponseRules<'p>, Watched<'p>) {
        let rules = ResponseRules::new(self.tenant, self.route, self.origin, self.sharing);
        (rules, self.watched)
    }
}

/// What may pass of the client's fields: nothing reserved, nothing hop-by-hop, nothing that
/// `Connection` names (it can't name ours, which are set afterwards), no `Host`, no credentials of
/// the gateway, not the proxy's word on the client's address: an origin would take a client's for it.
/// No `Expect`, which the host has met already, and no trace that is not sound, or in which the gateway has its own place.
/// `TE` says no more than that trailers are welcome, as far as they are to the client (RFC 9110, section 10.1.4): gRPC
/// asks for it.
/// Several `Cookie` fields become one, in the place of the first.
fn from_client(mut headers: Headers, address_header: &str, trace: Option<&Trace>) -> Headers {
    let named = connection_options(&headers);
    let continued = trace.is_some_and(Trace::is_continued);
    let as_it_is = continued && trace.is_some_and(|trace| trace.span().is_none());
    let mut cookies = without_session_cookie(headers.values("cookie"));
    let mut trailers = headers.values("te").any(welcomes_trailers);
    headers.retain(|name, value| match name {
        "host" | "authorization" | "expect" => false,
        "te" if std::mem::take(&mut trailers) => {
            *value = b"trailers".to_vec();
            true
        }
        "traceparent" if !as_it_is => false,
        "tracestate" if !continued => false,
        _ if name == address_header || named.contains(name) => false,
        _ if is_hop_by_hop(name) || is_reserved(name) => false,
        "cookie" => match cookies.take() {
            Some(cookies) => {
                *value = cookies;
                true
            }
            None => false,
        },
        _ => true,
    });
    headers
}

fn welcomes_trailers(te: &[u8]) -> bool {
    te.split(|byte| *byte == b',')
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

fn identify(headers: &mut Headers, principal: &Principal) {
    headers.push("x-user-id", principal.subject());
    headers.push("x-user-roles", principal.roles().join(","));
}

/// As `Display` writes it, whose way to do so is a twentieth of a decision for IPv4.
fn text(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else {
        return address.to_string();
    };
    let mut text = String::with_capacity("255.255.255.255".len());
    for octet in address.octets() {
        if !text.is_empty() {
            text.push('.');
        }
        for (power, needed) in [(100, octet >= 100), (10, octet >= 10), (1, true)] {
            if needed {
                text.push(char::from(b'0' + octet / power % 10));
            }
        }
    }
    text
}

/// RFC 7239, section 4. IPv6 addresses are quoted (section 6), and so is the host, as it may be.
fn forwarded(client: IpAddr, text: &str, host: &str) -> String {
    let (opened, closed) = if client.is_ipv6() { ("\"[", "]\"") } else { ("", "") };
    ["for=", opened, text, closed, ";host=\"", host, "\";proto=https"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_they_are_displayed() {
        for octet in 0..=u8::MAX {
            let address = IpAddr::from([octet, 0, 255, octet]);
            assert_eq!(text(address), address.to_string());
        }
        assert_eq!(text("2001:db8::1".parse().unwrap()), "2001:db8::1");
    }
}
