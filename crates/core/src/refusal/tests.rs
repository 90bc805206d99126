use super::page::STYLE;
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

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
        let language = if japanese { Language::Japanese } else { Language::English };
        assert_eq!((got.html, got.language), (html, language), "{name}");
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

#[test]
fn a_page_is_for_navigations_and_a_problem_for_scripts() {
    const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (name, method, accept, mode, dest, page, navigation) in [
        ("a link", "GET", HTML, Some("navigate"), Some("document"), true, true),
        ("a form", "POST", HTML, Some("navigate"), Some("document"), true, false),
        ("a frame", "GET", HTML, Some("navigate"), Some("iframe"), true, false),
        ("fetch", "GET", "*/*", Some("cors"), Some("empty"), false, false),
        ("fetch of HTML", "GET", HTML, Some("same-origin"), Some("empty"), false, false),
        ("an image", "GET", "image/*,*/*", Some("no-cors"), Some("image"), false, false),
        ("half told, no mode", "GET", HTML, None, Some("document"), false, false),
        ("half told, no destination", "GET", HTML, Some("navigate"), None, true, false),
        ("the case is fixed", "GET", HTML, Some("Navigate"), Some("document"), false, false),
        ("an old browser", "GET", HTML, None, None, true, true),
        ("an old browser's form", "POST", HTML, None, None, true, false),
        ("its HEAD", "HEAD", HTML, None, None, true, false),
        ("a program", "GET", "application/json", None, None, false, false),
    ] {
        let mut headers = Headers::default();
        headers.push("accept", accept);
        for (field, value) in [("sec-fetch-mode", mode), ("sec-fetch-dest", dest)] {
            if let Some(value) = value {
                headers.push(field, value);
            }
        }
        let got = Audience::of(method, &headers);
        assert_eq!((got.html, got.is_navigation()), (page, navigation), "{name}");
    }
}

#[test]
fn the_style_has_the_hash_that_its_policy_names() {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    assert!(CONTENT_SECURITY_POLICY.contains(&format!("style-src 'sha256-{hash}';")), "{hash}");
}

#[test]
fn every_text_is_whole_in_both_languages() {
    for reason in Reason::ALL {
        let english = words(*reason, Language::English);
        for text in [english.happened, english.next] {
            assert!(text.is_ascii() && text.ends_with('.'), "{reason}: {text}");
        }
        assert!(english.title.is_ascii() && !english.title.ends_with('.'), "{reason}");
        let japanese = words(*reason, Language::Japanese);
        for text in [japanese.happened, japanese.next] {
            let polite = ["です。", "ます。", "ません。", "ました。", "でした。", "ください。"];
            assert!(polite.iter().any(|end| text.ends_with(end)), "{reason}: {text}");
        }
        assert!(!japanese.title.is_ascii() && !japanese.title.ends_with('。'), "{reason}");
    }
}

#[test]
fn only_what_may_pass_by_itself_is_offered_again_and_only_where_that_reloads() {
    let page = |reason, method| {
        let mut headers = Headers::default();
        headers.push("accept", "text/html");
        render(&Denial::new(reason, ""), "id-1", &Audience::of(method, &headers)).body
    };
    for (reason, method, offered) in [
        (Reason::OriginTimeout, "GET", true),
        (Reason::RateLimited, "GET", true),
        (Reason::OriginTimeout, "POST", false),
        (Reason::NetworkNotAllowed, "GET", false),
        (Reason::MethodUnknown, "GET", false),
    ] {
        assert_eq!(page(reason, method).contains("<a href=\"\">"), offered, "{reason} {method}");
    }
}
