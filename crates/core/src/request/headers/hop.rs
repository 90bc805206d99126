//! Fields of one connection, which never pass, and the names that `Connection` adds to them.

use super::hygiene::{invalid, is_token};
use super::{Headers, is_single};
use crate::denial::Denial;

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

/// Each option of `Connection` is a token (RFC 9110, section 7.6.1) and none names a field that is
/// meant for all recipients: `Connection: Cookie` would show the gateway a request that the origin
/// never sees.
pub(super) fn check_connection(headers: &Headers) -> Result<(), Denial> {
    for option in options(headers) {
        let Some(name) = std::str::from_utf8(option).ok().filter(|o| o.bytes().all(is_token))
        else {
            return Err(invalid("a Connection option that is not a token"));
        };
        if is_end_to_end(&name.to_ascii_lowercase()) {
            return Err(invalid("a Connection option that names an end-to-end field"));
        }
    }
    Ok(())
}

/// A field that carries what a request is or means.
fn is_end_to_end(name: &str) -> bool {
    is_single(name)
        || matches!(name, "host" | "authorization" | "cookie" | "cache-control")
        || name.starts_with("content-")
}

/// The names that the `Connection` fields declare hop-by-hop. They can't remove what the gateway
/// sets, which comes afterwards.
pub(crate) struct ConnectionOptions(Vec<String>);

impl ConnectionOptions {
    /// Whether a field of this name, in lower case, is declared hop-by-hop.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.binary_search_by(|option| option.as_str().cmp(name)).is_ok()
    }
}

/// Reads the `Connection` fields.
pub(crate) fn connection_options(headers: &Headers) -> ConnectionOptions {
    let mut names: Vec<String> = options(headers)
        .filter_map(|option| std::str::from_utf8(option).ok())
        .map(str::to_ascii_lowercase)
        .collect();
    names.sort_unstable();
    ConnectionOptions(names)
}

/// The elements of the list; it may have empty ones (RFC 9110, section 5.6.1).
fn options(headers: &Headers) -> impl Iterator<Item = &[u8]> {
    headers
        .values("connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(connection: &[&str]) -> Headers {
        Headers::new(
            connection.iter().map(|v| ("Connection".into(), v.as_bytes().to_vec())).collect(),
        )
    }

    #[test]
    fn connection_names_fields() {
        let options = connection_options(&with(&["close, X-Secret", " x-other ,"]));
        for name in ["close", "x-other", "x-secret"] {
            assert!(options.contains(name), "{name}");
        }
        for name in ["", "x", "x-secrets", "host"] {
            assert!(!options.contains(name), "{name}");
        }
    }

    #[test]
    fn connection_options_are_tokens_and_take_nothing_essential() {
        for (name, connection, sound) in [
            ("none", &[][..], true),
            ("usual", &["keep-alive"], true),
            ("upgrade", &["Upgrade, HTTP2-Settings"], true),
            ("trailers", &["TE"], true),
            ("empty elements", &["", ",, close ,"], true),
            ("a name of ours", &["x-tenant-id, Sekisho-Assertion"], true),
            ("two words", &["keep alive"], false),
            ("quoted", &["\"close\""], false),
            ("outside ASCII", &["関所"], false),
            ("Host", &["close, Host"], false),
            ("Authorization", &["authorization"], false),
            ("Cookie", &["COOKIE"], false),
            ("Content-Length", &["close", "content-length"], false),
            ("Content-Type", &["Content-Type"], false),
            ("Content-Encoding", &["content-encoding"], false),
            ("Cache-Control", &["cache-control"], false),
            ("Origin", &["origin"], false),
            ("Sec-Fetch-Site", &["sec-fetch-site"], false),
        ] {
            assert_eq!(check_connection(&with(connection)).is_ok(), sound, "{name}");
        }
    }
}
