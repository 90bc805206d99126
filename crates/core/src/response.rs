//! The way back: the origin's answer belongs to the tenant that asked, and nothing internal goes out.
//!
//! In evaluation order:
//!
//! 1. `X-Tenant-Id` names the tenant (`tenant_echo` of the origin): an origin that mixes tenants up
//!    is caught here, and the body is never sent.
//! 2. Hop-by-hop, reserved and self-describing fields go.
//! 3. An authenticated answer without a cache rule of its own is `private, no-store` (RFC 9111,
//!    section 5.2.2): no shared cache may serve one tenant's answer to another.
//! 4. `Strict-Transport-Security`, `X-Content-Type-Options`, `Referrer-Policy` are set.

use crate::denial::{Denial, Reason};
use crate::policy::{Origin, Route, Tenant, TenantEcho};
use crate::request::Headers;
use crate::request::headers::{connection_options, is_hop_by_hop, is_reserved};

/// Two years (RFC 6797, section 6.1).
const HSTS: &str = "max-age=63072000";

/// What an answer is judged by.
#[derive(Debug, Clone, Copy)]
pub struct ResponseRules<'p> {
    tenant: &'p Tenant,
    echo: TenantEcho,
    public: bool,
}

impl<'p> ResponseRules<'p> {
    pub(crate) fn new(tenant: &'p Tenant, route: &Route, origin: &Origin) -> Self {
        Self { tenant, echo: origin.tenant_echo(), public: route.is_public() }
    }

    /// Judges the head of the origin's answer; gives the fields that the client will see.
    pub fn judge(&self, headers: &Headers) -> Result<Headers, Denial> {
        self.check_echo(headers)?;
        let named = connection_options(headers);
        let mut kept = Headers::default();
        for (name, value) in headers.iter() {
            let internal = is_reserved(name)
                || is_hop_by_hop(name)
                || matches!(name, "server" | "x-powered-by" | "strict-transport-security")
                || named.iter().any(|option| option == name);
            if !internal {
                kept.push(name, value);
            }
        }
        if !self.public && kept.values("cache-control").next().is_none() {
            kept.push("cache-control", "private, no-store");
        }
        harden(&mut kept);
        Ok(kept)
    }

    fn check_echo(&self, headers: &Headers) -> Result<(), Denial> {
        let mut echoes = headers.values("x-tenant-id").peekable();
        let mismatch = |detail| Err(Denial::new(Reason::OriginTenantMismatch, detail));
        match self.echo {
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

/// Sets the security fields that every answer over HTTPS has.
pub(crate) fn harden(headers: &mut Headers) {
    headers.set("strict-transport-security", HSTS);
    headers.set("x-content-type-options", "nosniff");
    if headers.values("referrer-policy").next().is_none() {
        headers.push("referrer-policy", "strict-origin-when-cross-origin");
    }
}
