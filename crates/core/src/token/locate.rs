//! Exactly one token: from `Authorization: Bearer` (RFC 6750, section 2.1) or the session cookie.

use crate::denial::{Denial, Reason};
use crate::request::Headers;

/// The session cookie. The `__Host-` prefix (RFC 6265bis, section 4.1.3.2) has browsers refuse it
/// without `Secure`, with a `Domain`, or for a part of the paths.
pub const SESSION_COOKIE: &str = "__Host-sekisho";

/// The longest token, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// The one token, by what carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'h> {
    /// `Authorization: Bearer`: the client's program put it there.
    Bearer(&'h str),
    /// The session cookie: a browser adds it by itself.
    Cookie(&'h str),
}

impl<'h> Token<'h> {
    /// The token itself.
    pub const fn text(&self) -> &'h str {
        match self {
            Self::Bearer(text) | Self::Cookie(text) => text,
        }
    }
}

/// Finds the one token. Two are refused even when they are equal: which of them counts is a
/// question that no two programs answer alike.
pub fn one_token(headers: &Headers) -> Result<Token<'_>, Denial> {
    let bearers =
        headers.values("authorization").map(bearer).collect::<Result<Vec<&[u8]>, Denial>>()?;
    let cookies: Vec<&[u8]> = headers.values("cookie").flat_map(session_cookies).collect();
    match (bearers.as_slice(), cookies.as_slice()) {
        ([], []) => {
            Err(Denial::new(Reason::TokenMissing, "neither a bearer token nor a session cookie"))
        }
        ([token], []) => text(token).map(Token::Bearer),
        ([], [token]) => text(token).map(Token::Cookie),
        _ => Err(Denial::new(Reason::TokenAmbiguous, "more than one token")),
    }
}

fn text(token: &[u8]) -> Result<&str, Denial> {
    if token.len() > MAX_TOKEN {
        return Err(Denial::new(Reason::TokenTooLarge, "the token is longer than 8 KiB"));
    }
    std::str::from_utf8(token)
        .map_err(|_| Denial::new(Reason::TokenMalformed, "the token is not ASCII"))
}

fn bearer(value: &[u8]) -> Result<&[u8], Denial> {
    let (scheme, token) = match value.iter().position(|byte| *byte == b' ') {
        Some(space) => value.split_at(space),
        None => (value, &[][..]),
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Denial::new(
            Reason::TokenMissing,
            "Authorization of another scheme than Bearer",
        ));
    }
    // RFC 9110, section 11.4: 1*SP between scheme and token.
    Ok(token.trim_ascii())
}

fn session_cookies(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b';').filter_map(|pair| {
        pair.trim_ascii().strip_prefix(SESSION_COOKIE.as_bytes())?.strip_prefix(b"=")
    })
}

/// The cookies of every `Cookie` field in one, as origins that read one field need them (RFC 9113,
/// section 8.2.3), without the session cookie, which stops at the gateway. `None` where nothing else
/// is left.
pub(crate) fn without_session_cookie<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> Option<Vec<u8>> {
    let is_session = |pair: &[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii() == SESSION_COOKIE.as_bytes()
    };
    let mut kept = Vec::new();
    for pair in values.flat_map(|value| value.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii) {
        if !pair.is_empty() && !is_session(pair) {
            kept.extend_from_slice(if kept.is_empty() { b"" } else { b"; " });
            kept.extend_from_slice(pair);
        }
    }
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        Headers::new(fields.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    #[test]
    fn exactly_one() {
        let longest = "a".repeat(MAX_TOKEN);
        let (fits, long) = (format!("Bearer {longest}"), format!("Bearer {longest}a"));
        for (name, fields, want) in [
            ("bearer", &[("authorization", "Bearer a.b.c")][..], Ok(Token::Bearer("a.b.c"))),
            (
                "scheme in another case",
                &[("authorization", "bearer a.b.c")],
                Ok(Token::Bearer("a.b.c")),
            ),
            ("cookie", &[("cookie", "x=1; __Host-sekisho=a.b.c; y=2")], Ok(Token::Cookie("a.b.c"))),
            (
                "another cookie's value",
                &[("cookie", "x=__Host-sekisho=a")],
                Err(Reason::TokenMissing),
            ),
            ("a longer name", &[("cookie", "__Host-sekisho2=a")], Err(Reason::TokenMissing)),
            ("none", &[], Err(Reason::TokenMissing)),
            ("basic", &[("authorization", "Basic YTpi")], Err(Reason::TokenMissing)),
            (
                "basic beside a cookie",
                &[("authorization", "Basic YTpi"), ("cookie", "__Host-sekisho=a")],
                Err(Reason::TokenMissing),
            ),
            (
                "two headers",
                &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
                Err(Reason::TokenAmbiguous),
            ),
            (
                "header and cookie",
                &[("authorization", "Bearer a"), ("cookie", "__Host-sekisho=a")],
                Err(Reason::TokenAmbiguous),
            ),
            (
                "two cookies",
                &[("cookie", "__Host-sekisho=a; __Host-sekisho=b")],
                Err(Reason::TokenAmbiguous),
            ),
            (
                "two cookie lines",
                &[("cookie", "__Host-sekisho=a"), ("cookie", "__Host-sekisho=b")],
                Err(Reason::TokenAmbiguous),
            ),
            ("as long as may be", &[("authorization", &fits)], Ok(Token::Bearer(&longest))),
            ("too long", &[("authorization", &long)], Err(Reason::TokenTooLarge)),
        ] {
            let headers = headers(fields);
            assert_eq!(one_token(&headers).map_err(|denial| denial.reason()), want, "{name}");
        }
    }

    #[test]
    fn the_session_cookie_stays_here() {
        for (fields, want) in [
            (&["a=1; __Host-sekisho=x; b=2"][..], Some("a=1; b=2")),
            (&["__Host-sekisho=x"], None),
            (&["__Host-sekisho =x;"], None),
            (&["a=__Host-sekisho"], Some("a=__Host-sekisho")),
            (&["a=1", "__Host-sekisho=x", "b=2;c=3"], Some("a=1; b=2; c=3")),
            (&["__Host-sekisho=x", ";"], None),
            (&[], None),
        ] {
            let kept = without_session_cookie(fields.iter().map(|field| field.as_bytes()));
            let kept = kept.map(|kept| String::from_utf8(kept).unwrap());
            assert_eq!(kept.as_deref(), want, "{fields:?}");
        }
    }
}
