//! The way back: the origin's answer belongs to the tenant that asked, and nothing internal goes out.
//!
//! In evaluation order:
//!
//! 1. `X-Tenant-Id` names the tenant (`tenant_echo` of the origin): an origin that mixes tenants up
//!    is caught here, and the body is never sent.
//! 2. Hop-by-hop, reserved and self-describing fields go; so do `Alt-Svc` (RFC 7838), which would
//!    lead clients around the gateway, and a `Set-Cookie` that is the gateway's own or reaches
//!    beyond the tenant's host.
//! 3. `Location` sends the client nowhere but to the tenant (`location`), or the answer is
//!    refused; a `Content-Location` that does not name the tenant goes, and so does `Refresh`, which no standard has.
//! 4. No shared cache may serve an answer that not everybody may have: of a route that asks for a token or for a
//!    network (`cache`).
//! 5. Who may read it on another site's page, where the tenant's policy has a word on that ([`cors`](crate::cors)).
//! 6. `Strict-Transport-Security`, `X-Content-Type-Options`, `Referrer-Policy` are set.

use crate::cache::{self, is_targeted_cache_control};
use crate::cors::Sharing;
use crate::denial::{Denial, Reason};
use crate::location::Bounds;
use crate::policy::{Origin, Route, Tenant, TenantEcho};
use crate::request::Headers;
use crate::request::headers::{connection_options, is_hop_by_hop, is_reserved, is_token};
use crate::token::locate::SESSION_COOKIE;

/// Two years (RFC 6797, section 6.1).
const HSTS: &str = "max-age=63072000";

/// What an answer is judged by.
#[derive(Debug, Clone, Copy)]
pub struct ResponseRules<'p> {
    tenant: &'p Tenant,
    route: &'p Route,
    origin: &'p Origin,
    sharing: Option<Sharing<'p>>,
}

impl<'p> ResponseRules<'p> {
    pub(crate) fn new(
        tenant: &'p Tenant,
        route: &'p Route,
        origin: &'p Origin,
        sharing: Option<Sharing<'p>>,
    ) -> Self {
        Self { tenant, route, origin, sharing }
    }

    /// Judges the head of the origin's answer to a request for this host; gives the fields that the client will
    /// see.
    pub fn judge(&self, headers: &Headers, host: &str) -> Result<Headers, Denial> {
        self.check_echo(headers)?;
        let named = connection_options(headers);
        let mut kept = Headers::default();
        for (name, value) in headers.iter().filter(|(name, _)| !named.contains(name)) {
            if name == "trailer" {
                if let Some(names) = announced(value) {
                    kept.push(name.to_owned(), names);
                }
            } else if !is_internal(name) && (name != "set-cookie" || self.may_set(value)) {
                kept.push(name.to_owned(), value);
            }
        }
        self.confine(&mut kept, host)?;
        cache::confine(&mut kept, self.tenant, self.route);
        if let Some(sharing) = self.sharing {
            sharing.mark(&mut kept);
        }
        harden(&mut kept);
        Ok(kept)
    }

    fn confine(&self, headers: &mut Headers, host: &str) -> Result<(), Denial> {
        let (tenant, origin, rewrite) = (self.tenant, self.origin, self.route.rewrite());
        let bounds = Bounds { host, tenant, origin, rewrite };
        let confined = |name: &str| {
            let mut values = headers.values(name);
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => bounds.confine(value).map(Some).ok_or(()),
                // Of two, the client may follow either.
                (Some(_), Some(_)) => Err(()),
            }
        };
        let (location, content) = (confined("location"), confined("content-location"));
        match location {
            Ok(None) => {}
            Ok(Some(location)) => headers.set("location", location),
            Err(()) => {
                return Err(Denial::new(
                    Reason::OriginRedirectRefused,
                    "the origin's answer sends the client to a host that is not the tenant's",
                ));
            }
        }
        match content {
            Ok(Some(location)) => headers.set("content-location", location),
            Ok(None) | Err(()) => headers.retain(|name, _| name != "content-location"),
        }
        Ok(())
    }

    /// A cookie with a `Domain` goes to every host below it (RFC 6265, section 4.1.2.3): for a
    /// domain above the tenant's host, to other tenants.
    /// One with a control is none, and a reader that drops the control would read another name.
    fn may_set(&self, cookie: &[u8]) -> bool {
        if cookie.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return false;
        }
        let mut parts = cookie.split(|byte| *byte == b';').map(|part| {
            let mut sides = part.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
            (sides.next().unwrap_or_default(), sides.next().unwrap_or_default())
        });
        let (name, value) = parts.next().unwrap_or_default();
        // A cookie without a name is sent as its value alone, which may look like ours.
        let ours = |text: &[u8]| {
            text.get(..SESSION_COOKIE.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(SESSION_COOKIE.as_bytes()))
        };
        if ours(name) || (name.is_empty() && ours(value)) {
            return false;
        }
        parts.filter(|(name, _)| name.eq_ignore_ascii_case(b"domain")).all(|(_, domain)| {
            let domain = domain.strip_prefix(b".").unwrap_or(domain);
            domain.is_empty()
                || self
                    .tenant
                    .hosts()
                    .iter()
                    .any(|host| host.as_bytes().eq_ignore_ascii_case(domain))
        })
    }

    fn check_echo(&self, headers: &Headers) -> Result<(), Denial> {
        let mut echoes = headers.values("x-tenant-id").peekable();
        let mismatch = |detail| Err(Denial::new(Reason::OriginTenantMismatch, detail));
        match self.origin.tenant_echo() {
            TenantEcho::Off => return Ok(()),
            TenantEcho::Required if echoes.peek().is_none() => {
                return mismatch("the origin's answer has no X-Tenant-Id");
            }
            TenantEcho::Required | TenantEcho::IfPresent => {}
        }
        if echoes.all(|echo| echo == self.tenant.id().as_str().as_bytes()) {
            Ok(())
        } else {
            mismatch("the origin's answer names another tenant")
        }
    }
}

/// What the client will see of the trailers of an answer: as of its head, nothing internal, and nothing that comes too
/// late behind the content.
pub fn judge_trailers(trailers: &Headers) -> Headers {
    let mut kept = trailers.clone();
    kept.retain(|name, _| may_trail(name));
    kept
}

/// A field of which the client sees nothing, in head and trailers.
fn is_internal(name: &str) -> bool {
    is_reserved(name)
        || is_hop_by_hop(name)
        || matches!(
            name,
            "server" | "x-powered-by" | "strict-transport-security" | "alt-svc" | "refresh"
        )
}

/// What says how to read, cache, follow or trust an answer comes too late in a trailer (RFC 9110, section 6.5.1), and a
/// reader that merges trailers into the head would take it as judged.
fn may_trail(name: &str) -> bool {
    const GROUPS: [&str; 4] = ["access-control-", "content-", "cross-origin-", "sec-"];
    let too_late = is_targeted_cache_control(name)
        || (GROUPS.iter().any(|group| name.starts_with(group)) && name != "content-digest")
        || matches!(
            name,
            "age"
                | "allow"
                | "cache-control"
                | "clear-site-data"
                | "cookie"
                | "authorization"
                | "date"
                | "expires"
                | "host"
                | "last-modified"
                | "link"
                | "location"
                | "pragma"
                | "referrer-policy"
                | "retry-after"
                | "set-cookie"
                | "set-cookie2"
                | "vary"
                | "warning"
                | "www-authenticate"
                | "x-content-type-options"
                | "x-frame-options"
        );
    !is_internal(name) && !too_late
}

/// The trailers that an answer announces, without those that will not come (RFC 9110, section 6.6.2). A host may send
/// none to an HTTP/1.1 client but those that are announced.
fn announced(names: &[u8]) -> Option<String> {
    let names = std::str::from_utf8(names).ok()?.to_ascii_lowercase();
    let names = names.split(',').map(str::trim);
    let kept: Vec<&str> = names
        .filter(|name| !name.is_empty() && name.bytes().all(is_token) && may_trail(name))
        .collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

fn is_grpc(headers: &Headers) -> bool {
    const KIND: &[u8] = b"application/grpc";
    let kind = headers.one("content-type").and_then(|kind| kind.get(..KIND.len()));
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(KIND))
}

/// Whether an answer to this method has content of which nobody knows the end: events, or any that declares no
/// length (RFC 9112, section 6.3). What has the status of gRPC in its head has no content ("Trailers-Only").
pub fn is_open_ended(method: &str, status: u16, headers: &Headers) -> bool {
    let has_content = method != "HEAD"
        && !matches!(status, 204 | 304)
        && !(headers.values("grpc-status").next().is_some() && is_grpc(headers));
    let is_events = |value: &[u8]| {
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        kind.eq_ignore_ascii_case(b"text/event-stream")
    };
    has_content
        && (headers.values("content-length").next().is_none()
            || headers.values("content-type").any(is_events))
}

/// Adds to the request's fields on which the answer depends (RFC 9110, section 12.5.5).
pub(crate) fn vary_by(headers: &mut Headers, names: &[&str]) {
    let known: Vec<String> = headers
        .values("vary")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let is_known = |name: &str| known.iter().any(|known| known == name || known == "*");
    let new: Vec<&str> = names.iter().copied().filter(|name| !is_known(name)).collect();
    if !new.is_empty() {
        headers.push("vary", new.join(", "));
    }
}

/// Sets the security fields that every answer over HTTPS has.
pub(crate) fn harden(headers: &mut Headers) {
    headers.set("strict-transport-security", HSTS);
    headers.set("x-content-type-options", "nosniff");
    if headers.values("referrer-policy").next().is_none() {
        headers.push("referrer-policy", "strict-origin-when-cross-origin");
    }
}
