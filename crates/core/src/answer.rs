//! What the gateway answers itself.

use crate::policy::OwnAnswer;
use crate::request::Headers;
use crate::response::harden;
use crate::token::own::OwnKeys;

/// How long a published key set may be kept, in seconds. An instance keeps its own for a minute: a new
/// key is known everywhere 5 minutes after every gateway has it.
const FRESH: u32 = 240;

/// What the gateway answers itself.
#[derive(Debug)]
pub enum Reply {
    /// The public part of its own keys.
    PublishedKeys,
    /// What a page of another site may do: a 204 with these fields.
    Preflight(Headers),
}

impl Reply {
    /// The name, as `explain` has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PublishedKeys => OwnAnswer::PublishedKeys.name(),
            Self::Preflight(_) => "preflight",
        }
    }
}

impl From<OwnAnswer> for Reply {
    fn from(own: OwnAnswer) -> Self {
        match own {
            OwnAnswer::PublishedKeys => Self::PublishedKeys,
        }
    }
}

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
