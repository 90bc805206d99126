//! Whom a refusal is for: negotiation (RFC 9110, section 12.5) and Fetch Metadata.

use crate::request::Headers;

/// The languages that a refusal is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    #[default]
    English,
    Japanese,
}

impl Language {
    /// The tag (RFC 5646).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }
}

/// What a refusal depends on besides the denial.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    pub(super) html: bool,
    pub(super) language: Language,
    pub(super) head: bool,
    navigation: bool,
}

impl Audience {
    /// Every field that the answer depends on (RFC 9110, section 12.5.5).
    pub(super) const VARY: &str = "accept, accept-language, sec-fetch-dest, sec-fetch-mode";

    /// Reads method, `Accept`, `Accept-Language` and `Sec-Fetch-*`. Anything unreadable means a
    /// program that reads English.
    ///
    /// A page is for whoever asks for HTML and, as far as his browser says what he does (Fetch
    /// Metadata, section 2), navigates: a script gets what a script can read, whatever it accepts.
    pub fn of(method: &str, headers: &Headers) -> Self {
        let text = |name| headers.text(name).unwrap_or_default();
        let says =
            |name, value: &str| headers.values(name).next().map(|said| said == value.as_bytes());
        let navigates = says("sec-fetch-mode", "navigate");
        let document = says("sec-fetch-dest", "document");
        let accepts_html = prefers_html(text("accept"));
        let told = navigates.is_some() || document.is_some();
        Self {
            html: accepts_html && navigates.unwrap_or(!told),
            language: language(text("accept-language")),
            head: method == "HEAD",
            navigation: method == "GET"
                && if told {
                    navigates == Some(true) && document == Some(true)
                } else {
                    accepts_html
                },
        }
    }

    /// Whether a person opens a page: a GET that a browser calls a navigation to a document, or one
    /// for HTML from a browser that does not say. Only then may the answer lead elsewhere.
    pub fn is_navigation(&self) -> bool {
        self.navigation
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

/// Japanese if it is asked for, and no less than English.
fn language(accept_language: &str) -> Language {
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
    if japanese > 0.0 && japanese >= quality("en") { Language::Japanese } else { Language::English }
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
