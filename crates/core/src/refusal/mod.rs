//! What a refused client gets: a problem document (RFC 9457) for programs, a small page for people.
//!
//! Both say the reason's code, what happened, what to do and the request's identifier, and nothing
//! else: no claim of an unverified token, no name of an origin, file or key.

mod audience;
mod page;
#[cfg(test)]
mod tests;
mod words;

pub use audience::Audience;

use audience::Language;
use page::{CONTENT_SECURITY_POLICY, page};
use words::{Words, words};

use crate::decide::Facts;
use crate::denial::{Denial, Reason};
use crate::request::Headers;
use crate::response::harden;
use crate::sign_in;
use serde_json::json;

/// A refusal as an HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The header fields, `Content-Length` among them.
    pub headers: Headers,
    /// The body.
    pub body: String,
}

/// The answer to a refused request: shared as the policy says, and, where signing in helps and the browser can
/// follow, a redirect to the tenant's login.
pub fn refuse(denial: &Denial, facts: &Facts<'_>, audience: &Audience) -> Refusal {
    let mut refusal = render(denial, &facts.request_id, audience);
    sign_in::redirect(denial, &mut refusal, facts.login.as_deref());
    if let Some(sharing) = facts.sharing {
        sharing.mark(&mut refusal.headers);
    }
    refusal
}

/// Renders a denial.
pub fn render(denial: &Denial, request_id: &str, audience: &Audience) -> Refusal {
    let reason = denial.reason();
    let words = words(reason, audience.language);
    let (content_type, body) = if audience.html {
        let reloadable = audience.is_navigation();
        let page = page(reason, words, audience.language, request_id, reloadable);
        ("text/html; charset=utf-8", page)
    } else {
        ("application/problem+json", problem(reason, words, audience.language, request_id))
    };
    let mut headers = Headers::default();
    headers.push("content-type", content_type);
    headers.push("content-language", audience.language.tag());
    headers.push("content-length", body.len().to_string());
    headers.push("cache-control", "no-store");
    headers.push("vary", Audience::VARY);
    headers.push("x-request-id", request_id);
    if audience.html {
        headers.push("content-security-policy", CONTENT_SECURITY_POLICY);
    }
    if let Some(challenge) = challenge(reason) {
        headers.push("www-authenticate", challenge);
    }
    if let Some((name, value)) = denial.header() {
        headers.push(name, value);
    } else if reason.status() == 503 {
        // RFC 9110, section 10.2.3: what could not be known may be known in a second.
        headers.push("retry-after", "1");
    }
    harden(&mut headers);
    if matches!(
        reason,
        Reason::HttpsRedirect
            | Reason::HttpsRequired
            | Reason::ClockUnknown
            | Reason::PolicyUnavailable
    ) {
        // RFC 6797, section 7.2: not in an answer that goes out, or may go out, in the clear.
        headers.remove("strict-transport-security");
    }
    // RFC 9110, section 9.3.2: the head of the same answer, without its body.
    Refusal {
        status: reason.status(),
        headers,
        body: if audience.head { String::new() } else { body },
    }
}

fn problem(reason: Reason, words: Words, language: Language, request_id: &str) -> String {
    let Words { title, happened, next } = words;
    let detail = match language {
        Language::English => format!("{happened} {next}"),
        Language::Japanese => format!("{happened}{next}"),
    };
    json!({
        "type": format!("urn:sekisho:reason:{}", reason.code()),
        "title": title,
        "status": reason.status(),
        "detail": detail,
        "reason": reason.code(),
        "request_id": request_id,
    })
    .to_string()
}

/// RFC 6750, section 3. A request without a token learns the scheme and no error code.
fn challenge(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::TokenMissing => Some("Bearer realm=\"sekisho\""),
        Reason::TokenAmbiguous => Some("Bearer realm=\"sekisho\", error=\"invalid_request\""),
        Reason::RoleMissing => Some("Bearer realm=\"sekisho\", error=\"insufficient_scope\""),
        _ if reason.status() == 401 => Some("Bearer realm=\"sekisho\", error=\"invalid_token\""),
        _ => None,
    }
}
