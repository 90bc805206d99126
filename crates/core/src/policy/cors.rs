//! Which other sites' pages may call a tenant's services.

use serde::{Deserialize, Serialize};

/// Which other sites' pages may call a tenant's services (WHATWG Fetch, section 3.2).
#[derive(Debug, Serialize, Deserialize)]
pub struct Cors {
    pub(super) origins: Vec<String>,
    pub(super) credentials: bool,
    pub(super) headers: Vec<String>,
    pub(super) expose_headers: Vec<String>,
    pub(super) max_age: u32,
}

impl Cors {
    /// The site that an `Origin` names, if its pages may call: byte for byte, because browsers have one way to
    /// write it.
    pub fn site(&self, origin: &[u8]) -> Option<&str> {
        self.origins.iter().map(String::as_str).find(|site| site.as_bytes() == origin)
    }

    /// The sites.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Whether they may use the user's session cookie.
    pub fn credentials(&self) -> bool {
        self.credentials
    }

    /// The header fields that they may send, in lower case.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The header fields of an answer that they may read, in lower case.
    pub fn expose_headers(&self) -> &[String] {
        &self.expose_headers
    }

    /// How long a browser may remember it, in seconds.
    pub fn max_age(&self) -> u32 {
        self.max_age
    }
}
