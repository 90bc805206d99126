//! Who asks: what the gateway has verified, in the fields that no client can set.

use crate::problem::Problem;
use crate::scim::Settings;
use crate::store::{Scope, Store};
use axum::http::{HeaderMap, StatusCode, request::Parts};
use sekisho_core::Policy;
use sekisho_core::policy::{Tenant, TenantId};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The policy for requests to a host, or why there is none.
pub type PolicyOf = dyn Fn(&str) -> Result<Arc<Policy>, String> + Send + Sync;

/// Where a line of the audit record goes.
pub type Log = dyn Fn(String) + Send + Sync;

/// What the component has of its host.
pub struct Site {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The policy that is mounted.
    pub policy: Arc<PolicyOf>,
    /// Lines of the audit record.
    pub log: Arc<Log>,
    /// Where the audit trail would be, if it is mounted.
    pub trail: PathBuf,
    /// Seconds since 1970.
    pub now: i64,
    /// The same as text, RFC 3339.
    pub time: String,
    /// A name that nothing has yet: 128 random bits in lower-case hexadecimal.
    pub fresh: String,
    /// What the operator says of SCIM, or why nobody knows.
    pub scim: Result<Settings, String>,
}

/// A request of somebody whom the gateway has let by.
#[derive(Clone)]
pub struct Call {
    /// His tenant's records.
    pub scope: Scope,
    /// The request's identifier.
    pub request_id: String,
    /// His address, if the gateway knows it.
    pub client: Option<IpAddr>,
    subject: String,
    host: String,
    site: Arc<Site>,
}

impl Call {
    /// Reads the gateway's fields, and that the caller has the role that this part of the interface asks for.
    ///
    /// # Errors
    /// The request did not come through a gateway's route with a token, or the role is missing.
    pub fn of(parts: &Parts, role: &str, site: &Arc<Site>) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let field = |name| {
            one(headers, name).ok_or_else(|| {
                forbidden("not-by-the-gateway", "This is for requests that a gateway has judged.")
            })
        };
        let tenant = field("x-tenant-id")?;
        let tenant = TenantId::parse(tenant).ok_or_else(|| {
            forbidden("not-by-the-gateway", "This is for requests that a gateway has judged.")
        })?;
        let roles = field("x-user-roles")?;
        if !roles.split(',').any(|own| own == role) {
            let detail = format!("This asks for the role {role:?}.");
            return Err(forbidden("role-missing", detail));
        }
        Ok(Self {
            scope: Scope::new(tenant.as_str(), Arc::clone(&site.store)),
            request_id: field("x-request-id")?.to_owned(),
            client: one(headers, "x-forwarded-for").and_then(|text| text.parse().ok()),
            subject: field("x-user-id")?.to_owned(),
            host: field("x-forwarded-host")?.to_owned(),
            site: Arc::clone(site),
        })
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.site.now
    }

    /// A name that nothing has yet, one for each request.
    pub fn fresh(&self) -> &str {
        &self.site.fresh
    }

    /// Where the audit trail would be. It has the records of all tenants.
    pub fn trail(&self) -> &Path {
        &self.site.trail
    }

    /// What the operator says of SCIM.
    ///
    /// # Errors
    /// Nobody knows.
    pub fn scim(&self) -> Result<&Settings, Problem> {
        self.site.scim.as_ref().map_err(Problem::unavailable)
    }

    /// Where the tenant is, as its users write it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What the policy says of the tenant, given to the function.
    ///
    /// # Errors
    /// There is no policy, or it does not know the tenant.
    pub fn with_tenant<T>(&self, read: impl FnOnce(&Tenant) -> T) -> Result<T, Problem> {
        let policy = (self.site.policy)(&self.host).map_err(Problem::unavailable)?;
        let own =
            policy.tenants().iter().find(|tenant| tenant.id().as_str() == self.scope.tenant());
        own.map(read).ok_or_else(|| Problem::unavailable("the policy does not know the tenant"))
    }

    /// Writes what was changed: names of members, and never what they say of a person.
    pub fn changed(&self, action: &str, target: &str, changed: &[&str]) {
        let record: Value = json!({
            "v": 1,
            "event": "administration",
            "time": self.site.time,
            "tenant": self.scope.tenant(),
            "subject": self.subject,
            "client": self.client,
            "request_id": self.request_id,
            "action": action,
            "target": target,
            "changed": changed,
        });
        (self.site.log)(record.to_string());
    }
}

fn forbidden(reason: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, reason, "Not allowed", detail)
}

/// A field that stands once.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().filter(|text| !text.is_empty())
}
