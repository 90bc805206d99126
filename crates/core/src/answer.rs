//! What the gateway answers itself.

use crate::request::Headers;
use crate::response::harden;
use crate::token::own::OwnKeys;

/// How long a published key set may be kept, in seconds. An instance keeps its own for a minute: a new
/// key is known everywhere 5 minutes after every gateway has it.
const FRESH: u32 = 240;

/// An answer with the status 200.
#[derive(Debug)]
pub struct Answer {
    /// Its header fields.
    pub headers: Headers,
    /// Its content; a HEAD request gets none.
    pub body: String,
}

/// The public part of the gateway's own keys (RFC 7517, section 8.5.2).
pub fn published_keys(keys: &OwnKeys) -> Answer {
    let mut headers = Headers::default();
    headers.push("content-type", "application/jwk-set+json");
    headers.push("cache-control", format!("public, max-age={FRESH}"));
    harden(&mut headers);
    Answer { headers, body: keys.published() }
}
