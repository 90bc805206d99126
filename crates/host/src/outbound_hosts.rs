//! `allowed_outbound_hosts`: where a component may send requests.

use std::ops::RangeInclusive;

/// The suffix of the names under which components reach each other in-process.
pub(crate) const INTERNAL_SUFFIX: &str = ".spin.internal";

/// One allowed destination, `scheme://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    scheme: Scheme,
    host: Host,
    /// `None` is the scheme's default port.
    ports: Option<RangeInclusive<u16>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scheme {
    Any,
    Exactly(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// `*.example.com`, kept as `.example.com`.
    Below(String),
    Exactly(String),
}

impl Pattern {
    /// Reads `scheme://host[:port]`; scheme and host may be `*`, the host `*.domain`, the port `*` or `first..last`
    /// (the end excluded, as in Spin).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("an allowed host starts with a scheme such as https://")?;
        let scheme = match scheme {
            "*" => Scheme::Any,
            "http" | "https" => Scheme::Exactly(scheme.to_owned()),
            _ => {
                return Err("the scheme is http, https or *: this host offers HTTP only".to_owned());
            }
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err("an allowed host has no path, query or user".to_owned());
        }
        let (host, port) = split_port(rest)?;
        Ok(Self { scheme, host: parse_host(host)?, ports: port.map(parse_ports).transpose()? })
    }

    fn matches(&self, scheme: &str, host: &str, port: u16) -> bool {
        let default = if scheme == "https" { 443 } else { 80 };
        let ports = match &self.ports {
            Some(ports) => ports.contains(&port),
            None => port == default,
        };
        let scheme = match &self.scheme {
            Scheme::Any => true,
            Scheme::Exactly(own) => own == scheme,
        };
        ports && scheme && self.host.matches(host)
    }
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        match self {
            // A wildcard for the network is no leave to call the application's own private components.
            Self::Any => !host.ends_with(INTERNAL_SUFFIX),
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Self::Exactly(own) => own == host,
        }
    }
}

/// Whether any pattern allows a request to `host` (without brackets around an IPv6 address).
pub(crate) fn allows(patterns: &[Pattern], scheme: &str, host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    patterns.iter().any(|pattern| pattern.matches(scheme, &host, port))
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("an IPv6 address ends with ]")?;
        return match rest {
            "" => Ok((host, None)),
            _ => Ok((host, Some(rest.strip_prefix(':').ok_or("after ] comes :port")?))),
        };
    }
    Ok(match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

fn parse_host(host: &str) -> Result<Host, String> {
    let plain = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':'))
    };
    match host {
        "*" => Ok(Host::Any),
        "self" => Err("`self` is not supported: name the host".to_owned()),
        _ => match host.strip_prefix("*.") {
            Some(domain) if plain(domain) => {
                Ok(Host::Below(format!(".{}", domain.to_ascii_lowercase())))
            }
            None if plain(host) => Ok(Host::Exactly(host.to_ascii_lowercase())),
            _ => Err("a host is a name, an address, * or *.domain".to_owned()),
        },
    }
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let wrong = || "a port is a number, first..last or *".to_owned();
    if text == "*" {
        return Ok(0..=u16::MAX);
    }
    if let Some((first, last)) = text.split_once("..") {
        let first: u16 = first.parse().map_err(|_| wrong())?;
        let last: u16 = last.parse().map_err(|_| wrong())?;
        if first >= last {
            return Err("a port range ends after it starts".to_owned());
        }
        return Ok(first..=last - 1);
    }
    let port = text.parse().map_err(|_| wrong())?;
    Ok(port..=port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching() {
        for (pattern, scheme, host, port, expected) in [
            ("https://example.com", "https", "example.com", 443, true),
            ("https://example.com", "https", "EXAMPLE.com", 443, true),
            ("https://example.com/", "https", "example.com", 443, true),
            ("https://example.com", "https", "example.com", 8443, false),
            ("https://example.com", "http", "example.com", 443, false),
            ("https://example.com", "https", "example.com.", 443, false),
            ("https://example.com", "https", "evil-example.com", 443, false),
            ("*://example.com", "http", "example.com", 80, true),
            ("*://example.com", "https", "example.com", 443, true),
            ("*://example.com:*", "http", "example.com", 1, true),
            ("https://*.example.com", "https", "a.b.example.com", 443, true),
            ("https://*.example.com", "https", "example.com", 443, false),
            ("https://*.example.com", "https", ".example.com", 443, false),
            ("https://*.example.com", "https", "xexample.com", 443, false),
            ("http://localhost:8000..8003", "http", "localhost", 8002, true),
            ("http://localhost:8000..8003", "http", "localhost", 8003, false),
            ("http://*:*", "http", "anything", 9, true),
            ("http://*:*", "http", "admin.spin.internal", 80, false),
            ("http://admin.spin.internal", "http", "admin.spin.internal", 80, true),
            ("http://*.spin.internal", "http", "admin.spin.internal", 80, true),
            ("http://127.0.0.1:81", "http", "127.0.0.1", 81, true),
            ("http://[::1]:81", "http", "::1", 81, true),
            ("http://[::1]", "http", "::1", 80, true),
        ] {
            let patterns = [Pattern::parse(pattern).unwrap()];
            assert_eq!(
                allows(&patterns, scheme, host, port),
                expected,
                "{pattern} {scheme} {host} {port}"
            );
        }
        assert!(!allows(&[], "https", "example.com", 443));
    }

    #[test]
    fn refused_patterns() {
        for text in [
            "example.com",
            "redis://cache:6379",
            "https://",
            "https://self",
            "https://a/b",
            "https://u@a",
            "https://a:b",
            "https://a:70000",
            "https://a:9..9",
            "https://a*.com",
            "https://*.",
            "https://[::1",
            "https://a b",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
