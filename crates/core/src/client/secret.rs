//! The secret by which a trusted proxy proves that it is one: whoever else connects from its
//! addresses (another customer of the same CDN) or, with `trusted_proxies = "peer"`, from anywhere,
//! does not know it. So `"peer"` and a secret together let in nobody but the CDN.

use crate::denial::{Denial, Reason};
use crate::policy::Edge;
use crate::request::Headers;

/// The longest secret that is looked at, in bytes.
const MAX_SECRET: usize = 1024;

/// Refuses a trusted proxy's request without exactly one sound secret, where the policy asks for
/// one. Whoever sent it, its header ends here: no later step, record or origin sees it.
pub(crate) fn require(headers: &mut Headers, edge: &Edge, via_proxy: bool) -> Result<(), Denial> {
    let Some(secret) = edge.proxy_secret() else { return Ok(()) };
    let known = headers
        .one(secret.header())
        .is_some_and(|given| given.len() <= MAX_SECRET && secret.accepts(given));
    headers.remove(secret.header());
    if via_proxy && !known {
        return Err(Denial::new(
            Reason::ProxySecretInvalid,
            "a peer on a trusted address does not know the proxy's secret",
        ));
    }
    Ok(())
}
