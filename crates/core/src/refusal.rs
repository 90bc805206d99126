//! What a refused client gets: a problem document (RFC 9457) for programs, a small page for people.
//!
//! Both say the reason's code, a sentence and the request's identifier, and nothing else: no claim
//! of an unverified token, no name of an origin, file or key.

use crate::decide::Facts;
use crate::denial::{Denial, Reason};
use crate::request::Headers;
use crate::response::harden;
use crate::sign_in;
use serde_json::json;
use std::fmt::Write as _;

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

/// What the answer depends on besides the denial: negotiation (RFC 9110, section 12.5).
#[derive(Clone, Debug, Default)]
pub struct Audience {
    html: bool,
    japanese: bool,
    head: bool,
    navigation: bool,
}

impl Audience {
    /// Reads method, `Accept` and `Accept-Language`. Anything unreadable means a program that
    /// reads English.
    pub fn of(method: &str, headers: &Headers) -> Self {
        let text = |name| headers.text(name).unwrap_or_default();
        Self {
            html: prefers_html(text("accept")),
            japanese: prefers_japanese(text("accept-language")),
            head: method == "HEAD",
            navigation: method == "GET" && navigates(headers),
        }
    }

    /// A browser shows the answer to a person, who has followed a link or typed the address.
    pub fn is_navigation(&self) -> bool {
        self.navigation
    }
}

/// The answer to a refused request, as the policy shares it, or where that helps and the browser can follow a
/// redirect to the tenant's login.
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
    let (title, sentence) = words(reason, audience.japanese);
    let (content_type, body) = if audience.html {
        ("text/html; charset=utf-8", page(reason, title, sentence, request_id, audience.japanese))
    } else {
        ("application/problem+json", problem(reason, title, sentence, request_id))
    };
    let mut headers = Headers::default();
    headers.push("content-type", content_type);
    headers.push("content-language", if audience.japanese { "ja" } else { "en" });
    headers.push("content-length", body.len().to_string());
    headers.push("cache-control", "no-store");
    headers.push("vary", "accept, accept-language");
    headers.push("x-request-id", request_id);
    if audience.html {
        headers.push(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        );
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

fn problem(reason: Reason, title: &str, sentence: &str, request_id: &str) -> String {
    json!({
        "type": format!("urn:sekisho:reason:{}", reason.code()),
        "title": title,
        "status": reason.status(),
        "detail": sentence,
        "reason": reason.code(),
        "request_id": request_id,
    })
    .to_string()
}

fn page(reason: Reason, title: &str, sentence: &str, request_id: &str, japanese: bool) -> String {
    let (lang, label) =
        if japanese { ("ja", "お問い合わせ番号") } else { ("en", "Request ID") };
    let mut id = String::with_capacity(request_id.len());
    for c in request_id.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            id.push(c);
        }
    }
    let mut html = String::with_capacity(1024);
    // Writing to a String can't fail.
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\
         :root{{color-scheme:light dark}}\
         body{{font:1rem/1.6 system-ui,sans-serif;margin:0;padding:2rem 1rem}}\
         main{{max-width:36rem;margin:auto}}h1{{font-size:1.5rem}}code{{overflow-wrap:anywhere}}\
         </style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{sentence}</p>\n\
         <p>{label}: <code>{id}</code><br><code>{status} {code}</code></p>\n</main>\n</body>\n</html>\n",
        status = reason.status(),
        code = reason.code(),
    );
    html
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

#[allow(clippy::too_many_lines, reason = "one exhaustive table of texts")]
fn words(reason: Reason, japanese: bool) -> (&'static str, &'static str) {
    let (en, ja) = match reason {
        Reason::HttpsRedirect | Reason::HttpsRequired => (
            ("HTTPS required", "This service is reached over HTTPS only."),
            ("HTTPS が必要です", "このサービスには HTTPS でのみ接続できます。"),
        ),
        Reason::AuthorityMissing
        | Reason::AuthorityInvalid
        | Reason::AuthorityMismatch
        | Reason::MethodUnknown
        | Reason::UpgradeNotSupported
        | Reason::TargetNotCanonical
        | Reason::HeaderInvalid
        | Reason::ClientAddressInvalid => (
            ("Request not understood", "The request has a form that this service does not accept."),
            (
                "リクエストを処理できません",
                "このサービスでは受け付けられない形式のリクエストです。",
            ),
        ),
        Reason::HeadTooLarge | Reason::BodyTooLarge => (
            ("Request too large", "The request is larger than this service allows."),
            ("リクエストが大きすぎます", "このサービスで許可されている大きさを超えています。"),
        ),
        Reason::TenantUnknown | Reason::RouteNotFound => (
            ("Not found", "There is nothing at this address."),
            ("見つかりません", "このアドレスには何もありません。"),
        ),
        Reason::AssistantNotFound => (
            ("Assistant not found", "There is no such assistant, or it is not shared with you."),
            (
                "アシスタントが見つかりません",
                "アシスタントが存在しないか、あなたに共有されていません。",
            ),
        ),
        Reason::MethodNotAllowed => (
            ("Method not allowed", "This address does not take this method."),
            ("許可されていないメソッドです", "このアドレスではこのメソッドは使えません。"),
        ),
        Reason::NetworkNotAllowed | Reason::NetworkUndefined => (
            (
                "Network not allowed",
                "Your organisation does not allow access from this network. Connect from an allowed network, or ask your administrator.",
            ),
            (
                "このネットワークからは利用できません",
                "ご所属の組織は、このネットワークからのアクセスを許可していません。許可されたネットワークから接続するか、管理者にお問い合わせください。",
            ),
        ),
        Reason::TokenMissing
        | Reason::TokenAmbiguous
        | Reason::TokenTooLarge
        | Reason::TokenMalformed
        | Reason::TokenHeaderForbidden
        | Reason::TokenTypeNotAllowed
        | Reason::TokenIssuerUnknown
        | Reason::TokenAlgorithmNotAllowed
        | Reason::TokenKeyUnknown
        | Reason::TokenSignatureInvalid
        | Reason::TokenClaimsInvalid
        | Reason::TokenAudienceMismatch
        | Reason::TokenExpired
        | Reason::TokenNotYetValid
        | Reason::TokenTooOld
        | Reason::SessionRevoked => (
            (
                "Sign-in required",
                "Your sign-in is missing or no longer valid. Please sign in again.",
            ),
            (
                "サインインが必要です",
                "サインインしていないか、有効期限が切れています。もう一度サインインしてください。",
            ),
        ),
        Reason::UserUnknown | Reason::UserLeft => (
            ("No account", "You have no account for this service. Please ask your administrator."),
            (
                "アカウントがありません",
                "このサービスのアカウントがありません。管理者にお問い合わせください。",
            ),
        ),
        Reason::UserSuspended => (
            ("Account suspended", "Your account is suspended. Please ask your administrator."),
            (
                "アカウントは停止されています",
                "アカウントの利用が停止されています。管理者にお問い合わせください。",
            ),
        ),
        Reason::RateLimited | Reason::ConcurrencyLimited => (
            (
                "Too many requests",
                "You or your organisation sent too many requests. Please try again shortly.",
            ),
            (
                "リクエストが多すぎます",
                "短い時間に送られたリクエストが多すぎます。しばらくしてからもう一度お試しください。",
            ),
        ),
        Reason::CrossSiteRequest
        | Reason::PreflightRefused
        | Reason::ProxySecretInvalid
        | Reason::TokenTenantMismatch
        | Reason::RoleMissing
        | Reason::RegionNotAllowed => (
            ("Access denied", "You do not have access to this. Please ask your administrator."),
            (
                "アクセスできません",
                "この機能を利用する権限がありません。管理者にお問い合わせください。",
            ),
        ),
        Reason::ClientAddressUnknown
        | Reason::KeysUnavailable
        | Reason::OwnKeysUnavailable
        | Reason::HostUnable
        | Reason::PolicyUnavailable
        | Reason::StateUnavailable
        | Reason::ClockUnknown => (
            (
                "Temporarily unavailable",
                "This service can't decide on your request right now. Please try again shortly.",
            ),
            (
                "一時的に利用できません",
                "現在、リクエストを処理できません。しばらくしてからもう一度お試しください。",
            ),
        ),
        Reason::OriginsUnavailable
        | Reason::OriginUnreachable
        | Reason::OriginFailed
        | Reason::OriginTenantMismatch
        | Reason::OriginRedirectRefused
        | Reason::OriginTimeout => (
            (
                "Service not answering",
                "The service behind this address did not give a usable answer. Please try again shortly.",
            ),
            (
                "サービスが応答していません",
                "サービスから正しい応答を得られませんでした。しばらくしてからもう一度お試しください。",
            ),
        ),
    };
    if japanese { ja } else { en }
}

/// By Fetch Metadata (W3C), or where a browser has none by what it accepts.
fn navigates(headers: &Headers) -> bool {
    match (headers.text("sec-fetch-mode"), headers.text("sec-fetch-dest")) {
        (None, None) => prefers_html(headers.text("accept").unwrap_or_default()),
        (mode, destination) => mode == Some("navigate") && destination == Some("document"),
    }
}

/// Whether `text/html` is asked for by name and no less than JSON.
fn prefers_html(accept: &str) -> bool {
    let quality = |media: &str| {
        accept.split(',').find_map(|range| {
            let mut parts = range.split(';');
            parts
                .next()
                .is_some_and(|name| name.trim().eq_ignore_ascii_case(media))
                .then(|| quality_of(parts))
        })
    };
    let html = quality("text/html").unwrap_or(0.0);
    let json = ["application/problem+json", "application/json"]
        .into_iter()
        .filter_map(quality)
        .fold(0.0, f32::max);
    html > 0.0 && html >= json
}

/// Whether Japanese is asked for, and before English.
fn prefers_japanese(accept_language: &str) -> bool {
    let quality = |language: &str| {
        accept_language
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';');
                let primary = parts.next()?.trim().split('-').next()?;
                primary.eq_ignore_ascii_case(language).then(|| quality_of(parts))
            })
            .fold(0.0, f32::max)
    };
    let japanese = quality("ja");
    japanese > 0.0 && japanese >= quality("en")
}

fn quality_of<'a>(parameters: impl Iterator<Item = &'a str>) -> f32 {
    for parameter in parameters {
        if let Some(value) = parameter.trim().strip_prefix("q=") {
            return value
                .trim()
                .parse::<f32>()
                .ok()
                .filter(|q| (0.0..=1.0).contains(q))
                .unwrap_or(0.0);
        }
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(accept: &str, language: &str) -> Audience {
        let mut headers = Headers::default();
        headers.push("accept", accept);
        headers.push("accept-language", language);
        Audience::of("GET", &headers)
    }

    #[test]
    fn negotiation() {
        for (name, accept, language, html, japanese) in [
            (
                "a browser in Japanese",
                "text/html,application/xhtml+xml,*/*;q=0.8",
                "ja,en-US;q=0.9,en;q=0.8",
                true,
                true,
            ),
            ("a browser in English", "text/html,*/*;q=0.8", "en-US,en;q=0.9,ja;q=0.5", true, false),
            ("curl", "*/*", "", false, false),
            ("nothing", "", "", false, false),
            ("a program", "application/json", "ja", false, true),
            ("JSON before HTML", "text/html;q=0.5, application/json", "de", false, false),
            ("HTML refused", "text/html;q=0", "ja;q=0", false, false),
            ("regional", "text/html", "ja-JP", true, true),
            ("garbage quality", "text/html;q=x", "ja;q=9", false, false),
        ] {
            let got = audience(accept, language);
            assert_eq!((got.html, got.japanese), (html, japanese), "{name}");
        }
    }

    #[test]
    fn every_reason_renders_and_shows_nothing_internal() {
        for reason in Reason::ALL {
            let denial = Denial::new(*reason, "internal-secret t/acme/revoked");
            for (accept, language) in [("*/*", "en"), ("text/html", "ja")] {
                let refusal = render(&denial, "id-1", &audience(accept, language));
                assert_eq!(refusal.status, reason.status());
                assert!(refusal.body.contains("id-1") && refusal.body.contains(reason.code()));
                assert!(!refusal.body.contains("internal-secret"));
                assert!(refusal.headers.iter().all(|(_, v)| !v.starts_with(b"internal")));
                assert_eq!(
                    refusal.headers.text("www-authenticate").is_some(),
                    refusal.status == 401
                        || matches!(reason, Reason::TokenAmbiguous | Reason::RoleMissing)
                );
            }
        }
    }

    #[test]
    fn what_is_not_known_now_may_be_asked_again() {
        let retry_after = |denial: &Denial| {
            let refusal = render(denial, "id-1", &Audience::default());
            let mut values = refusal.headers.values("retry-after");
            let first = values.next().map(|value| String::from_utf8(value.to_vec()).unwrap());
            assert_eq!(values.next(), None, "{}", denial.reason());
            first
        };
        for reason in Reason::ALL {
            let want = (reason.status() == 503).then_some("1");
            let denial = Denial::new(*reason, "");
            assert_eq!(retry_after(&denial).as_deref(), want, "{reason}");
        }
        let later =
            Denial::new(Reason::PolicyUnavailable, "").with_header("retry-after", "30".to_owned());
        assert_eq!(retry_after(&later).as_deref(), Some("30"));
    }

    #[test]
    fn no_hsts_where_the_answer_may_go_out_in_the_clear() {
        for (reason, set) in [
            (Reason::HttpsRedirect, false),
            (Reason::HttpsRequired, false),
            (Reason::ClockUnknown, false),
            (Reason::TokenMissing, true),
        ] {
            let refusal = render(&Denial::new(reason, ""), "id-1", &Audience::default());
            let hsts = refusal.headers.text("strict-transport-security");
            assert_eq!(hsts.is_some(), set, "{reason}");
        }
    }

    #[test]
    fn a_page_can_not_be_broken_by_the_identifier() {
        let denial = Denial::new(Reason::RouteNotFound, "");
        let refusal = render(&denial, "<script>\"'", &audience("text/html", "en"));
        assert!(!refusal.body.contains("<script>"));
    }
}
