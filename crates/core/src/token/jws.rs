//! A compact JWS (RFC 7515, section 7.1), read but not verified.
//!
//! In evaluation order:
//!
//! 1. Three segments; five would be a JWE (RFC 7516, section 9).
//! 2. Each is base64url without padding, foreign characters or stray bits (RFC 7515, section 2).
//! 3. Header and payload are strict JSON objects ([`json`]); the header has at most
//!    [`MAX_HEADER`] bytes.
//! 4. No [`FORBIDDEN`] header member.
//! 5. `typ`, if any, is a kind of token that is meant for us ([`TokenType`]).
//! 6. `alg` and `kid` are there and are text; so are the thumbprints `x5t` and `x5t#S256` (sections
//!    4.1.7 and 4.1.8), if they are there. Nobody reads those, nor members that nobody knows
//!    (section 4).

use super::json;
use super::keys::MAX_KEY_ID;
use super::kind::TokenType;
use crate::denial::{Denial, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The longest header, in bytes of base64url.
pub const MAX_HEADER: usize = 2048;

/// The most JSON values in a header and in a payload.
const MAX_HEADER_VALUES: u32 = 32;
const MAX_CLAIM_VALUES: u32 = 2048;

/// Header members that choose what a token is checked with or how it is read: extensions that must
/// be understood and the unencoded payload (RFC 7515 section 4.1.11, RFC 7797), keys (4.1.2, 4.1.3,
/// 4.1.5 and 4.1.6), encryption and compression (RFC 7516, sections 4.1.2 and 4.1.3), a token within
/// the token (4.1.10), and the salt that some libraries sign with.
pub const FORBIDDEN: [&str; 10] =
    ["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip", "cty", "salt"];

/// A token of sound form. Nothing in it is known to be true.
#[derive(Debug)]
pub struct Unverified<'t> {
    pub(super) token: Cow<'t, str>,
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: String,
    pub(super) key_id: String,
    /// What `typ` says, if it says anything.
    pub(super) token_type: Option<TokenType>,
    pub(super) claims: Map<String, Value>,
}

impl Unverified<'_> {
    /// The issuer that the token claims.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// What the signature is over (RFC 7515, section 5.2).
    pub(super) fn signing_input(&self) -> &[u8] {
        self.token.rsplit_once('.').map_or(b"", |(input, _)| input.as_bytes())
    }

    /// The same, apart from the header field that it was read from.
    pub(super) fn into_owned(self) -> Unverified<'static> {
        Unverified { token: Cow::Owned(self.token.into_owned()), ..self }
    }
}

/// Reads a token.
pub fn parse(token: &str) -> Result<Unverified<'_>, Denial> {
    let mut segments = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(malformed("not three segments"));
    };
    if header.len() > MAX_HEADER {
        return Err(malformed("the header is longer than 2 KiB"));
    }
    let mut header =
        object(header, MAX_HEADER_VALUES, "the header is not strict base64url and JSON")?;
    let claims = object(payload, MAX_CLAIM_VALUES, "the payload is not strict base64url and JSON")?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| malformed("the signature is not strict base64url"))?;
    if let Some(name) = FORBIDDEN.into_iter().find(|name| header.contains_key(*name)) {
        return Err(Denial::new(Reason::TokenHeaderForbidden, format!("the header has {name}")));
    }
    let token_type = match header.get("typ") {
        None => None,
        Some(Value::String(typ)) => Some(TokenType::of(typ).ok_or_else(|| {
            Denial::new(Reason::TokenTypeNotAllowed, "typ is neither JWT nor at+jwt")
        })?),
        Some(_) => return Err(malformed("typ is no text")),
    };
    if ["x5t", "x5t#S256"].iter().any(|name| header.get(*name).is_some_and(|x| !x.is_string())) {
        return Err(malformed("a thumbprint that is no text"));
    }
    let Some(Value::String(algorithm)) = header.remove("alg") else {
        return Err(malformed("no alg"));
    };
    let key_id = match header.remove("kid") {
        None => return Err(Denial::new(Reason::TokenKeyUnknown, "the header has no kid")),
        Some(Value::String(kid)) if (1..=MAX_KEY_ID).contains(&kid.len()) => kid,
        Some(_) => return Err(malformed("kid is not 1 to 256 bytes of text")),
    };
    Ok(Unverified { token: Cow::Borrowed(token), signature, algorithm, key_id, token_type, claims })
}

fn object(
    segment: &str,
    max_values: u32,
    detail: &'static str,
) -> Result<Map<String, Value>, Denial> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).map_err(|_| malformed(detail))?;
    json::object_of(&bytes, max_values).map_err(|_| malformed(detail))
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

    /// A header with one member more.
    fn with(member: &str) -> String {
        token(&format!(r#"{{"alg":"EdDSA","kid":"k",{member}}}"#), "{}")
    }

    #[test]
    fn segments() {
        const H: &str = r#"{"alg":"EdDSA","kid":"k"}"#;
        let good = token(H, r#"{"iss":"i"}"#);
        assert_eq!(parse(&good).unwrap().issuer(), Some("i"));
        let many = |values: u32| format!("{{\"a\":[{}]}}", vec!["1"; values as usize].join(","));
        assert!(parse(&token(H, &many(MAX_CLAIM_VALUES - 2))).is_ok());
        for (name, token) in [
            ("empty", String::new()),
            ("two segments", "a.b".into()),
            ("four segments", format!("{good}.x")),
            ("a JWE", format!("{good}.x.y")),
            ("padding", format!("{good}=")),
            ("stray bits", good.replace(".c2ln", ".c2lnMh")),
            ("a stray character", good.replace(".c2ln", ".c2lnM")),
            ("plus instead of minus", good.replace(".c2ln", ".+2ln")),
            ("space", good.replace(".c2ln", ".c2 n")),
            ("line break", good.replace(".c2ln", ".c2\nn")),
            ("outside ASCII", good.replace(".c2ln", ".関所")),
            ("header not an object", token(r#""x""#, "{}")),
            ("payload not an object", token(H, "[]")),
            ("payload with a member twice", token(H, r#"{"iss":"i","iss":"j"}"#)),
            (
                "header with a member twice",
                token(r#"{"alg":"none","alg":"EdDSA","kid":"k"}"#, "{}"),
            ),
            ("a long header", with(&format!(r#""a":"{}""#, "x".repeat(2048)))),
            ("many values in the header", with(&format!(r#""a":[{}1]"#, "1,".repeat(30)))),
            ("many values in the payload", token(H, &many(MAX_CLAIM_VALUES - 1))),
            ("deep claims", token(H, &format!("{{\"a\":{}{}}}", "[".repeat(20), "]".repeat(20)))),
        ] {
            assert_eq!(parse(&token).unwrap_err().reason(), Reason::TokenMalformed, "{name}");
        }
    }

    #[test]
    fn header_members() {
        use Reason::{TokenHeaderForbidden, TokenKeyUnknown, TokenMalformed, TokenTypeNotAllowed};
        for (name, header, want) in [
            ("no alg", r#"{"kid":"k"}"#, TokenMalformed),
            ("alg a number", r#"{"alg":1,"kid":"k"}"#, TokenMalformed),
            ("no kid", r#"{"alg":"EdDSA"}"#, TokenKeyUnknown),
            ("kid a number", r#"{"alg":"EdDSA","kid":1}"#, TokenMalformed),
            ("kid null", r#"{"alg":"EdDSA","kid":null}"#, TokenMalformed),
            ("empty kid", r#"{"alg":"EdDSA","kid":""}"#, TokenMalformed),
        ] {
            assert_eq!(parse(&token(header, "{}")).unwrap_err().reason(), want, "{name}");
        }
        let kid = |length: usize| {
            token(&format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(length)), "{}")
        };
        assert!(parse(&kid(MAX_KEY_ID)).is_ok());
        assert_eq!(parse(&kid(MAX_KEY_ID + 1)).unwrap_err().reason(), TokenMalformed);
        for (member, want) in [
            (r#""crit":["exp"]"#, TokenHeaderForbidden),
            (r#""crit":[]"#, TokenHeaderForbidden),
            (r#""b64":false"#, TokenHeaderForbidden),
            (r#""b64":true"#, TokenHeaderForbidden),
            (r#""jwk":{}"#, TokenHeaderForbidden),
            (r#""jwk":null"#, TokenHeaderForbidden),
            (r#""jku":"https://x""#, TokenHeaderForbidden),
            (r#""x5u":"https://x""#, TokenHeaderForbidden),
            (r#""x5c":[]"#, TokenHeaderForbidden),
            (r#""enc":"A128GCM""#, TokenHeaderForbidden),
            (r#""zip":"DEF""#, TokenHeaderForbidden),
            (r#""cty":"JWT""#, TokenHeaderForbidden),
            (r#""salt":"AAAA""#, TokenHeaderForbidden),
            (r#""x5t":1"#, TokenMalformed),
            (r#""x5t#S256":null"#, TokenMalformed),
            (r#""typ":1"#, TokenMalformed),
            (r#""typ":null"#, TokenMalformed),
            (r#""typ":"logout+jwt""#, TokenTypeNotAllowed),
            (r#""typ":"application/jwt""#, TokenTypeNotAllowed),
            (r#""typ":"""#, TokenTypeNotAllowed),
        ] {
            assert_eq!(parse(&with(member)).unwrap_err().reason(), want, "{member}");
        }
        for (member, want) in [
            (r#""x5t":"abc""#, None),
            (r#""nonce":{"a":[1]}"#, None),
            (r#""typ":"jwt""#, Some(TokenType::Jwt)),
            (r#""typ":"AT+JWT""#, Some(TokenType::AccessToken)),
            (r#""typ":"application/at+jwt""#, Some(TokenType::AccessToken)),
        ] {
            assert_eq!(parse(&with(member)).unwrap().token_type, want, "{member}");
        }
    }
}
