//! A compact JWS (RFC 7515, section 7.1), read but not verified.

use super::json;
use crate::denial::{Denial, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Header members that choose what a token is checked with, or that demand an extension
/// (RFC 7515 sections 4.1.2, 4.1.3, 4.1.5, 4.1.6 and 4.1.11; RFC 7797 needs `crit`).
const FORBIDDEN: [&str; 6] = ["crit", "jku", "jwk", "x5c", "x5u", "b64"];

/// A token of sound form. Nothing in it is known to be true.
#[derive(Debug)]
pub struct Unverified<'t> {
    pub(super) token: &'t str,
    pub(super) algorithm: String,
    pub(super) key_id: String,
    pub(super) claims: Map<String, Value>,
}

impl Unverified<'_> {
    /// The issuer that the token claims.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }
}

/// Reads a token:
///
/// 1. Three segments of base64url without padding or stray bits (RFC 7515, section 2).
/// 2. Header and payload are strict JSON objects.
/// 3. No forbidden header member; `typ`, if any, is a kind of JWT (RFC 8725, section 3.11).
/// 4. `alg` and `kid` are there.
pub fn parse(token: &str) -> Result<Unverified<'_>, Denial> {
    let mut segments = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(malformed("not three segments"));
    };
    let header = object(header, "the header is not strict base64url and JSON")?;
    let claims = object(payload, "the payload is not strict base64url and JSON")?;
    URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| malformed("the signature is not strict base64url"))?;
    if let Some(name) = FORBIDDEN.into_iter().find(|name| header.contains_key(*name)) {
        return Err(Denial::new(Reason::TokenHeaderForbidden, format!("the header has {name}")));
    }
    match header.get("typ") {
        None => {}
        Some(Value::String(typ)) if is_jwt(typ) => {}
        Some(_) => return Err(malformed("typ is no kind of JWT")),
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Unverified {
        token,
        algorithm: text("alg").ok_or_else(|| malformed("no alg"))?,
        key_id: text("kid")
            .ok_or_else(|| Denial::new(Reason::TokenKeyUnknown, "the header has no kid"))?,
        claims,
    })
}

/// `JWT` (RFC 7519, section 5.1), or `at+jwt` with or without `application/` (RFC 9068, section 2.1),
/// in any case. `application/jwt` would be `JWT` written out (RFC 7515, section 4.1.9), but the
/// library that checks the signature refuses it: said here, the reason is the right one.
fn is_jwt(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
}

fn object(segment: &str, detail: &'static str) -> Result<Map<String, Value>, Denial> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).map_err(|_| malformed(detail))?;
    json::object(&bytes).map_err(|_| malformed(detail))
}

fn malformed(detail: &'static str) -> Denial {
    Denial::new(Reason::TokenMalformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "one table of named rows")]
    fn forms() {
        const H: &str = r#"{"alg":"EdDSA","kid":"k"}"#;
        let good = token(H, r#"{"iss":"i"}"#);
        assert_eq!(parse(&good).unwrap().issuer(), Some("i"));
        for (name, token, want) in [
            ("empty", String::new(), Reason::TokenMalformed),
            ("two segments", "a.b".into(), Reason::TokenMalformed),
            ("four segments", format!("{good}.x"), Reason::TokenMalformed),
            ("padding", format!("{good}="), Reason::TokenMalformed),
            ("stray bits", good.replace(".c2ln", ".c2lnMh"), Reason::TokenMalformed),
            ("plus instead of minus", good.replace(".c2ln", ".+2ln"), Reason::TokenMalformed),
            ("space", good.replace(".c2ln", ".c2 n"), Reason::TokenMalformed),
            ("payload not an object", token(H, "[]"), Reason::TokenMalformed),
            (
                "duplicate alg",
                token(r#"{"alg":"none","alg":"EdDSA","kid":"k"}"#, "{}"),
                Reason::TokenMalformed,
            ),
            ("duplicate claim", token(H, r#"{"iss":"i","iss":"j"}"#), Reason::TokenMalformed),
            ("no alg", token(r#"{"kid":"k"}"#, "{}"), Reason::TokenMalformed),
            ("alg a number", token(r#"{"alg":1,"kid":"k"}"#, "{}"), Reason::TokenMalformed),
            ("no kid", token(r#"{"alg":"EdDSA"}"#, "{}"), Reason::TokenKeyUnknown),
            (
                "crit",
                token(r#"{"alg":"EdDSA","kid":"k","crit":["exp"]}"#, "{}"),
                Reason::TokenHeaderForbidden,
            ),
            (
                "empty crit",
                token(r#"{"alg":"EdDSA","kid":"k","crit":[]}"#, "{}"),
                Reason::TokenHeaderForbidden,
            ),
            (
                "b64",
                token(r#"{"alg":"EdDSA","kid":"k","b64":false}"#, "{}"),
                Reason::TokenHeaderForbidden,
            ),
            (
                "jwk",
                token(r#"{"alg":"EdDSA","kid":"k","jwk":{}}"#, "{}"),
                Reason::TokenHeaderForbidden,
            ),
            (
                "jku",
                token(r#"{"alg":"EdDSA","kid":"k","jku":"https://x"}"#, "{}"),
                Reason::TokenHeaderForbidden,
            ),
            (
                "x5c",
                token(r#"{"alg":"EdDSA","kid":"k","x5c":[]}"#, "{}"),
                Reason::TokenHeaderForbidden,
            ),
            (
                "typ of a logout token",
                token(r#"{"alg":"EdDSA","kid":"k","typ":"logout+jwt"}"#, "{}"),
                Reason::TokenMalformed,
            ),
            (
                "typ of a JWT written out",
                token(r#"{"alg":"EdDSA","kid":"k","typ":"application/jwt"}"#, "{}"),
                Reason::TokenMalformed,
            ),
        ] {
            assert_eq!(parse(&token).unwrap_err().reason(), want, "{name}");
        }
        for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
            let token = token(&format!(r#"{{"alg":"EdDSA","kid":"k","typ":"{typ}"}}"#), "{}");
            assert!(parse(&token).is_ok(), "{typ}");
        }
    }
}
