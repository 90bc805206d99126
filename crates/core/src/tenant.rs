//! Step 3: the host name belongs to a tenant. Without one there is no further work.

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

/// Finds the tenant by exact host name; the port does not count, because it is the operator's.
pub fn select(request: Canonical, policy: &Policy) -> Result<Hosted<'_>, Denial> {
    match policy.tenant_of_host(request.authority.host()) {
        Some(tenant) => Ok(Hosted { request: Box::new(request), tenant }),
        None => Err(Denial::new(Reason::TenantUnknown, "no tenant has this host")),
    }
}
