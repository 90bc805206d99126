//! Cross-origin resource sharing (WHATWG Fetch, section 3.2), where the tenant's policy has a word on it: then
//! whatever an origin says of it is dropped. Otherwise it is left to the origins, and nothing here is done.
//!
//! A preflight is answered here, so that no origin needs to. In evaluation order:
//!
//! 1. `OPTIONS` with one `Origin` and one `Access-Control-Request-Method`; any other is a request like all.
//! 2. The site is one of the tenant's (`cors.origins`).
//! 3. A route takes the method at the path, and the client is in the network that it demands (step 6).
//! 4. Every field of `Access-Control-Request-Headers` is one of the tenant's (`cors.headers`).
//!
//! No token is asked for: browsers send none. Every other answer to a page of the site may be read by it, refusals
//! as well.

use crate::denial::{Denial, Reason};
use crate::policy::{Cors, Tenant};
use crate::request::Headers;
use crate::request::canonical::METHODS;
use crate::response::{harden, vary_by};

/// With whom the answer to a request is shared, by the policy.
#[derive(Clone, Copy, Debug)]
pub struct Sharing<'p> {
    cors: &'p Cors,
    /// The page's site, if it may call.
    site: Option<&'p str>,
}

impl<'p> Sharing<'p> {
    pub(crate) fn of(tenant: &'p Tenant, headers: &Headers) -> Option<Self> {
        let cors = tenant.cors()?;
        let site = headers.one("origin").and_then(|origin| cors.site(origin));
        Some(Self { cors, site })
    }

    /// Whether a page of an allowed site may use the user's session cookie.
    pub(crate) fn takes_cookies(self) -> bool {
        self.site.is_some() && self.cors.credentials()
    }

    /// Says in an answer who may read it.
    pub(crate) fn mark(self, headers: &mut Headers) {
        headers.retain(|name, _| !name.starts_with("access-control-"));
        vary_by(headers, &["origin"]);
        let Some(site) = self.site else { return };
        self.allow(headers, site);
        let exposed = self.cors.expose_headers();
        if !exposed.is_empty() {
            headers.push("access-control-expose-headers", exposed.join(", "));
        }
    }

    fn allow(self, headers: &mut Headers, site: &str) {
        headers.push("access-control-allow-origin", site);
        if self.cors.credentials() {
            headers.push("access-control-allow-credentials", "true");
        }
    }
}

/// What a preflight asks for, of a site that may call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preflight<'p> {
    sharing: Sharing<'p>,
    site: &'p str,
    /// The method of the request that is to follow.
    pub(crate) method: &'static str,
}

impl<'p> Preflight<'p> {
    /// The preflight, if the request is one that the gateway answers.
    pub(crate) fn of(
        sharing: Option<Sharing<'p>>,
        method: &str,
        headers: &Headers,
    ) -> Result<Option<Self>, Denial> {
        let Some(sharing) = sharing.filter(|_| method == "OPTIONS") else { return Ok(None) };
        let asked = headers.one("access-control-request-method");
        let (Some(_), Some(asked)) = (headers.one("origin"), asked) else { return Ok(None) };
        let site = sharing.site.ok_or_else(|| refused("the site is none of the tenant's"))?;
        let method = METHODS
            .into_iter()
            .find(|method| method.as_bytes() == asked)
            .ok_or_else(|| refused("a method that no route can have"))?;
        Ok(Some(Self { sharing, site, method }))
    }

    /// The header fields of the answer.
    pub(crate) fn answer(self, request: &Headers) -> Result<Headers, Denial> {
        let cors = self.sharing.cors;
        let mut wanted = Vec::new();
        for list in request.values("access-control-request-headers") {
            for name in list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                let allowed = cors
                    .headers()
                    .iter()
                    .find(|allowed| allowed.as_bytes().eq_ignore_ascii_case(name));
                match allowed {
                    Some(allowed) => wanted.push(allowed.as_str()),
                    None if name.is_empty() => {}
                    None => {
                        return Err(refused(
                            "a header field that the tenant's policy does not name",
                        ));
                    }
                }
            }
        }
        let mut headers = Headers::default();
        self.sharing.allow(&mut headers, self.site);
        headers.push("access-control-allow-methods", self.method);
        if !wanted.is_empty() {
            headers.push("access-control-allow-headers", wanted.join(", "));
        }
        headers.push("access-control-max-age", cors.max_age().to_string());
        let asked = ["origin", "access-control-request-method", "access-control-request-headers"];
        vary_by(&mut headers, &asked);
        harden(&mut headers);
        Ok(headers)
    }
}

fn refused(detail: &'static str) -> Denial {
    Denial::new(Reason::PreflightRefused, detail)
}
