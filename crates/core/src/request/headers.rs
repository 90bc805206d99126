//! Header fields: which may come in, and which are taken away before ours are set.

use crate::denial::{Denial, Reason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Header fields in order, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Takes fields as a host gives them; names are folded to lower case (RFC 9110, section 5.1).
    pub fn new(fields: Vec<(String, Vec<u8>)>) -> Self {
        let mut fields = fields;
        for (name, _) in &mut fields {
            name.make_ascii_lowercase();
        }
        Self(fields)
    }

    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The values of every field of this name, in order. `name` is in lower case.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The first value of this name, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).next().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Appends a field.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets a field, replacing those of the same name.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Keeps the fields for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &[u8]) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Gives the fields back, as a host takes them.
    pub fn into_fields(self) -> Vec<(String, Vec<u8>)> {
        self.0
    }
}

/// How large a request head may be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct HeadLimits {
    /// Names and values together, bytes.
    pub bytes: usize,
    /// Number of fields.
    pub fields: usize,
}

/// Judges a request's header fields:
///
/// 1. Number and size within the limits (RFC 6585, section 5).
/// 2. Each name is a token (RFC 9110, section 5.6.2) without `_`: many origins fold `-` and `_`
///    to the same variable, so `X_Tenant_Id` would arrive as ours.
/// 3. Each value is free of controls but the tab (RFC 9110, section 5.5).
/// 4. Message framing is unambiguous (RFC 9112, section 6): `Content-Length` at most once and a
///    number, `Transfer-Encoding` at most `chunked` and never beside a `Content-Length`. A host that
///    parses the framing itself (hyper does) drops `Transfer-Encoding` before it is seen here: this
///    rule is for hosts that do not.
///
/// Returns the declared body length in bytes, where there is one.
pub(super) fn check(headers: &Headers, limits: HeadLimits) -> Result<Option<u64>, Denial> {
    let fields = headers.iter().count();
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if fields > limits.fields || bytes > limits.bytes {
        return Err(Denial::new(
            Reason::HeadTooLarge,
            format!(
                "{fields} fields of {bytes} bytes; {} of {} are allowed",
                limits.fields, limits.bytes
            ),
        ));
    }
    for (name, value) in headers.iter() {
        if name.contains('_') {
            return Err(invalid("a header name with an underscore"));
        }
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(invalid("a header name that is not a token"));
        }
        if value.iter().any(|byte| matches!(byte, 0..=8 | 10..=0x1f | 0x7f)) {
            return Err(invalid("a header value with a control character"));
        }
    }
    content_length(headers)
}

fn content_length(headers: &Headers) -> Result<Option<u64>, Denial> {
    let mut lengths = headers.values("content-length");
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(value), None) => Some(
            parse_length(value).ok_or_else(|| invalid("a Content-Length that is not a number"))?,
        ),
        (Some(_), Some(_)) => return Err(invalid("more than one Content-Length")),
    };
    let mut codings = headers.values("transfer-encoding").peekable();
    if codings.peek().is_some() && length.is_some() {
        return Err(invalid("both Content-Length and Transfer-Encoding"));
    }
    if !codings.all(|coding| coding.eq_ignore_ascii_case(b"chunked")) {
        return Err(invalid("a Transfer-Encoding other than chunked"));
    }
    Ok(length)
}

/// `1*DIGIT` (RFC 9110, section 8.6): no sign, no space, no list.
fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::HeaderInvalid, detail)
}

pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// A name that only the gateway may set towards an origin, in any spelling that an origin may fold
/// to it: upper or lower case, `_` or any other sign for `-`, as CGI makes one variable of them
/// (RFC 3875, section 4.1.18).
///
/// | name | what an origin may take it for |
/// | --- | --- |
/// | `x-tenant-*`, `x-user-*`, `x-sekisho-*`, `sekisho-*`, `x-request-id` | the gateway's word on tenant, user and request |
/// | `forwarded`, `x-forwarded`, `x-forwarded-*`, `*-forwarded-for`, `x-forward-*`, `x-envoy-*` | a proxy's word on what it forwards |
/// | `x-host`, `x-scheme`, `x-url-scheme`, `front-end-https` | another host or scheme than the one that was judged |
/// | `x-real-ip`, `client-ip`, `*-client-ip`, `*-connecting-ip`, `x-originating-ip`, `remote-addr`, `x-client-*`, `spin-*` | a proxy's or host's word on the client |
/// | `remote-user`, `x-remote-*`, `x-auth-*`, `x-authenticated-*`, `x-webauth-*`, `x-ms-client-*`, `x-amzn-oidc-*`, `x-goog-authenticated-*` | a proxy's word on who signed in |
/// | `x-ssl-*`, `client-cert`, `*-client-cert` | a proxy's word on a client certificate (RFC 9440) |
/// | `x-http-method`, `x-http-method-override`, `x-method-override`, `x-original-*`, `x-rewrite-*` | another method or path than the one that was judged |
/// | `x-accel-*`, `x-sendfile-*` | an order to a server to send a file or go elsewhere |
/// | `proxy` | the variable `HTTP_PROXY`: through whom to connect (httpoxy) |
pub fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 17] = [
        "x-request-id",
        "forwarded",
        "x-forwarded",
        "x-host",
        "x-scheme",
        "x-url-scheme",
        "front-end-https",
        "x-real-ip",
        "client-ip",
        "x-originating-ip",
        "remote-addr",
        "remote-user",
        "client-cert",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "proxy",
    ];
    const PREFIXES: [&str; 21] = [
        "x-tenant-",
        "x-user-",
        "x-sekisho-",
        "sekisho-",
        "x-forwarded-",
        "x-forward-",
        "x-envoy-",
        "x-client-",
        "spin-",
        "x-remote-",
        "x-auth-",
        "x-authenticated-",
        "x-webauth-",
        "x-ms-client-",
        "x-amzn-oidc-",
        "x-goog-authenticated-",
        "x-ssl-",
        "x-original-",
        "x-rewrite-",
        "x-accel-",
        "x-sendfile-",
    ];
    const SUFFIXES: [&str; 4] = ["-forwarded-for", "-client-ip", "-connecting-ip", "-client-cert"];
    let fold = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }
    };
    let name: String = name.chars().map(fold).collect();
    NAMES.contains(&name.as_str())
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// A field that belongs to one connection and never passes (RFC 9110, section 7.6.1).
pub fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// The names that the `Connection` fields declare hop-by-hop, in lower case.
pub(crate) fn connection_options(headers: &Headers) -> BTreeSet<String> {
    headers
        .values("connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .filter_map(|option| std::str::from_utf8(option).ok())
        .map(|option| option.trim().to_ascii_lowercase())
        .filter(|option| !option.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 10 };

    fn headers(fields: &[(&str, &str)]) -> Headers {
        Headers::new(fields.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    #[test]
    fn reserved_in_every_spelling() {
        for name in [
            "X-Tenant-Id",
            "x_tenant_id",
            "X_Tenant-Id",
            "x-user-roles",
            "Sekisho-Assertion",
            "X-Sekisho-Debug",
            "Forwarded",
            "x-forwarded-for",
            "X-Real-IP",
            "True-Client-IP",
            "cf-connecting-ip",
            "Fastly-Client-Ip",
            "client-ip",
            "spin-client-addr",
            "spin-path-info",
            "x-request-id",
            "x.tenant.id",
            "X!User~Id",
            "X-HTTP-Method-Override",
            "x-original-url",
            "X-Rewrite-URL",
            "Remote-User",
            "REMOTE_USER",
            "X-Remote-User",
            "x-remote-addr",
            "X-Auth-Request-Email",
            "X-SSL-Client-Verify",
            "X-Client-Cert",
            "X-Original-Forwarded-For",
            "cdn.forwarded.for",
            "Proxy",
            "Client-Cert",
            "client_cert",
            "SSL-Client-Cert",
            "X-SSL-Client-Cert",
            "X-Original-Host",
            "X-Original-Method",
            "X-Rewrite-URI",
            "X-Envoy-External-Address",
            "X-Forward-For",
            "X-Host",
            "X-Scheme",
            "X-URL-Scheme",
            "Front-End-Https",
            "X-Authenticated-User",
            "X-MS-Client-Principal",
            "X-Amzn-Oidc-Data",
            "X-Goog-Authenticated-User-Email",
            "X-WebAuth-User",
            "Remote-Addr",
            "REMOTE_ADDR",
            "X-Originating-IP",
            "X-Accel-Redirect",
            "X-Sendfile-Type",
        ] {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn not_reserved() {
        for name in [
            "accept",
            "x-tenants",
            "authorization",
            "forward",
            "traceparent",
            "x-users",
            "x-authority",
            "x-remoteness",
            "x-clients",
            "remote-users",
            "forwarded-for-x",
            "proxy-status",
            "x-proxy",
            "client-certificate",
            "x-original",
            "x-hostname",
            "x-schemes",
            "x-ms-request-id",
            "x-amzn-trace-id",
            "x-acceleration",
            "host",
            "origin",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn hygiene() {
        for (name, fields, want) in [
            ("clean", &[("Accept", "*/*"), ("content-length", "12")][..], Ok(Some(12))),
            ("no length", &[("accept", "*/*")], Ok(None)),
            ("obsolete text passes", &[("x-name", "caf\u{e9}")], Ok(None)),
            ("chunked", &[("transfer-encoding", "chunked")], Ok(None)),
            ("underscore", &[("x_tenant_id", "a")], Err(Reason::HeaderInvalid)),
            ("space in a name", &[("x a", "a")], Err(Reason::HeaderInvalid)),
            ("empty name", &[("", "a")], Err(Reason::HeaderInvalid)),
            ("line break", &[("x-a", "b\r\nx-tenant-id: c")], Err(Reason::HeaderInvalid)),
            ("NUL", &[("x-a", "b\0")], Err(Reason::HeaderInvalid)),
            (
                "two lengths",
                &[("content-length", "1"), ("content-length", "1")],
                Err(Reason::HeaderInvalid),
            ),
            ("list of lengths", &[("content-length", "1, 1")], Err(Reason::HeaderInvalid)),
            ("signed length", &[("content-length", "+1")], Err(Reason::HeaderInvalid)),
            ("empty length", &[("content-length", "")], Err(Reason::HeaderInvalid)),
            (
                "overflowing length",
                &[("content-length", "99999999999999999999")],
                Err(Reason::HeaderInvalid),
            ),
            (
                "length and chunked",
                &[("content-length", "1"), ("transfer-encoding", "chunked")],
                Err(Reason::HeaderInvalid),
            ),
            ("other coding", &[("transfer-encoding", "gzip, chunked")], Err(Reason::HeaderInvalid)),
            ("too large", &[("x-a", &"b".repeat(1024))], Err(Reason::HeadTooLarge)),
            ("too many", &[("a", "b"); 11], Err(Reason::HeadTooLarge)),
        ] {
            let got = check(&headers(fields), LIMITS).map_err(|denial| denial.reason());
            assert_eq!(got, want, "{name}");
        }
    }

    #[test]
    fn connection_names_fields() {
        let headers = headers(&[("Connection", "close, X-Secret"), ("connection", " x-other ,")]);
        let options: Vec<String> = connection_options(&headers).into_iter().collect();
        assert_eq!(options, ["close", "x-other", "x-secret"]);
    }
}
