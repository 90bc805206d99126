//! Step 3: the host name belongs to a tenant, and that one has room. Without a tenant there is no further work.

use crate::denial::{Denial, Reason};
use crate::policy::{Policy, Tenant};
use crate::request::Canonical;

/// A request to a tenant's host.
#[derive(Debug)]
pub struct Hosted<'p> {
    /// Apart, because all later steps carry it.
    pub(crate) request: Box<Canonical>,
    pub(crate) tenant: &'p Tenant,
}

/// Leaves the other tenants room: of the requests for one host only so many may be in flight. Apart from
/// [`select`], so that the record of the refusal names the tenant.
pub fn limit_concurrency(hosted: &Hosted<'_>, policy: &Policy) -> Result<(), Denial> {
    match (hosted.request.in_flight, policy.concurrency()) {
        (Some(in_flight), Some(limit)) if in_flight > limit => Err(Denial::new(
            Reason::ConcurrencyLimited,
            format!("{in_flight} requests for this host are in flight; the policy allows {limit}"),
        )
        // RFC 6585, section 4: one of them may end in a moment.
        .with_header("retry-after", "1".to_owned())),
        _ => Ok(()),
    }
}

/// Finds the tenant by exact host name; the port does not count, because it is the operator's.
pub fn select(request: Canonical, policy: &Policy) -> Result<Hosted<'_>, Denial> {
    match policy.tenant_of_host(request.authority.host()) {
        Some(tenant) => Ok(Hosted { request: Box::new(request), tenant }),
        None => Err(Denial::new(Reason::TenantUnknown, "no tenant has this host")),
    }
}
