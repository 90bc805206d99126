//! Step 2: one authority, a known method, one spelling of the path, clean header fields.

use super::headers::{self, HeadLimits};
use super::target::Target;
use super::transport::Secured;
use super::{Headers, Request};
use crate::denial::{Denial, Reason};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The methods that routes may name (RFC 9110 section 9, RFC 5789). CONNECT and TRACE are not
/// among them: neither has a meaning here that a client should reach.
pub const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// A request that can be read in one way only.
#[derive(Debug)]
pub struct Canonical {
    pub(crate) method: &'static str,
    pub(crate) authority: Authority,
    pub(crate) target: Target,
    pub(crate) headers: Headers,
    pub(crate) content_length: Option<u64>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) via_proxy: bool,
    pub(crate) request_id: String,
}

/// Makes a request canonical or refuses it.
pub fn canonicalize(secured: Secured, limits: HeadLimits) -> Result<Canonical, Denial> {
    let Secured { request, via_proxy } = secured;
    let content_length = headers::check(&request.headers, limits)?;
    let method = METHODS
        .into_iter()
        .find(|method| *method == request.method)
        .ok_or_else(|| Denial::new(Reason::MethodUnknown, "a method that no route can have"))?;
    let authority = Authority::of(&request)?;
    let target = match split_absolute(&request.target) {
        Some((_, target)) => Target::parse(target)?,
        None => Target::parse(&request.target)?,
    };
    let request_id = request_id(&request, via_proxy);
    Ok(Canonical {
        method,
        authority,
        target,
        content_length,
        peer: request.peer,
        via_proxy,
        request_id,
        headers: request.headers,
    })
}

/// A trusted proxy's `X-Request-Id`, if it is one short token; otherwise our own.
fn request_id(request: &Request, via_proxy: bool) -> String {
    let mut given = request.headers.values("x-request-id");
    match (via_proxy, given.next(), given.next()) {
        (true, Some(id), None)
            if (1..=64).contains(&id.len())
                && id
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) =>
        {
            String::from_utf8_lossy(id).into_owned()
        }
        _ => request.request_id.clone(),
    }
}

/// An absolute-form target (RFC 9112, section 3.2.2) as authority and origin form.
fn split_absolute(target: &str) -> Option<(&str, &str)> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        target
            .get(..scheme.len())
            .filter(|start| start.eq_ignore_ascii_case(scheme))
            .and_then(|_| target.get(scheme.len()..))
    })?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    Some((authority, if target.is_empty() { "/" } else { target }))
}

/// A host and an optional port: in lower case, without the root label's dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// The one authority of a request: wherever it is named (`:authority`, `Host`, an absolute
    /// target), it must be the same (RFC 9112 section 3.2.2, RFC 9113 section 8.3.1).
    pub fn of(request: &Request) -> Result<Self, Denial> {
        let mut hosts = request.headers.values("host");
        let host = hosts
            .next()
            .map(|host| std::str::from_utf8(host).map_err(|_| invalid("Host is not ASCII")))
            .transpose()?;
        if hosts.next().is_some() {
            return Err(Denial::new(Reason::AuthorityMismatch, "more than one Host field"));
        }
        let absolute = split_absolute(&request.target).map(|(authority, _)| authority);
        let mut named = [request.authority.as_deref(), host, absolute].into_iter().flatten();
        let Some(first) = named.next() else {
            return Err(Denial::new(Reason::AuthorityMissing, "neither Host nor :authority"));
        };
        let authority = Self::parse(first)?;
        for other in named {
            if Self::parse(other)? != authority {
                return Err(Denial::new(
                    Reason::AuthorityMismatch,
                    "Host, :authority or an absolute target disagree",
                ));
            }
        }
        Ok(authority)
    }

    /// Parses `host [ ":" port ]` (RFC 3986, section 3.2). Userinfo is refused: nobody needs it
    /// here, and readers disagree on where it ends.
    pub fn parse(text: &str) -> Result<Self, Denial> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) =
                    rest.split_once(']').ok_or_else(|| invalid("an unclosed bracket"))?;
                let address: Ipv6Addr =
                    address.parse().map_err(|_| invalid("brackets without an IPv6 address"))?;
                let port = match port {
                    "" => None,
                    port => Some(
                        port.strip_prefix(':').ok_or_else(|| invalid("text after the bracket"))?,
                    ),
                };
                (format!("[{address}]"), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host_name(host)?, Some(port)),
                None => (host_name(text)?, None),
            },
        };
        let port = port
            .map(|port| {
                let digits =
                    (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
                digits.then(|| port.parse().ok()).flatten().ok_or_else(|| invalid("not a port"))
            })
            .transpose()?;
        Ok(Self { host, port })
    }

    /// The host: a name or an address, IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, which over HTTPS is 443 where none is named (RFC 9110, section 4.2.2).
    pub fn https_port(&self) -> u16 {
        self.port.unwrap_or(443)
    }

    /// Host and port, as they were named.
    pub fn to_text(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// A host name (RFC 1123, section 2.1): labels of letters, digits and inner hyphens, or an IPv4
/// address in its usual form.
pub fn host_name(text: &str) -> Result<String, Denial> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(invalid("not a host name"));
    }
    let last_is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if last_is_number && name.parse::<IpAddr>().is_err() {
        return Err(invalid("an address in an unusual form"));
    }
    Ok(name.to_ascii_lowercase())
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::AuthorityInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Scheme;

    #[test]
    fn authorities() {
        for (name, text, want) in [
            ("plain", "acme.example.jp", Some("acme.example.jp")),
            ("case", "ACME.Example.JP", Some("acme.example.jp")),
            ("root label", "acme.example.jp.", Some("acme.example.jp")),
            ("port", "acme.localhost:3443", Some("acme.localhost")),
            ("IPv4", "127.0.0.1:80", Some("127.0.0.1")),
            ("IPv6", "[::1]:443", Some("[::1]")),
            ("IPv6 in long form", "[0:0::1]", Some("[::1]")),
            ("nothing", "", None),
            ("only a port", ":443", None),
            ("userinfo", "acme.example.jp@evil.example", None),
            ("userinfo with password", "u:p@acme.example.jp", None),
            ("two dots", "acme..jp", None),
            ("underscore", "a_b.example", None),
            ("percent", "acme%2eexample.jp", None),
            ("space", "acme.example.jp ", None),
            ("path", "acme.example.jp/x", None),
            ("outside ASCII", "関所.example", None),
            ("port too large", "acme.example.jp:65536", None),
            ("port empty", "acme.example.jp:", None),
            ("port signed", "acme.example.jp:+80", None),
            ("IPv6 without brackets", "::1", None),
            ("zone", "[fe80::1%eth0]", None),
            ("short IPv4", "127.1", None),
            ("hexadecimal IPv4 part is a name", "0x7f.example", Some("0x7f.example")),
        ] {
            let got = Authority::parse(text).ok();
            assert_eq!(got.as_ref().map(Authority::host), want, "{name}");
        }
    }

    fn request(target: &str, authority: Option<&str>, hosts: &[&str]) -> Request {
        Request {
            method: "GET".into(),
            scheme: Scheme::Https,
            authority: authority.map(Into::into),
            target: target.into(),
            headers: Headers::new(
                hosts.iter().map(|h| ("Host".into(), h.as_bytes().to_vec())).collect(),
            ),
            peer: None,
            request_id: "r".into(),
        }
    }

    #[test]
    fn one_authority() {
        use Reason::{AuthorityInvalid, AuthorityMismatch, AuthorityMissing};
        for (name, target, authority, hosts, want) in [
            ("host", "/", None, &["a.example"][..], Ok("a.example")),
            ("authority", "/", Some("a.example"), &[], Ok("a.example")),
            ("both, other case", "/", Some("a.example"), &["A.Example"], Ok("a.example")),
            ("absolute", "https://a.example/x", None, &["a.example"], Ok("a.example")),
            ("absolute without path", "HTTPS://a.example?x", None, &[], Ok("a.example")),
            ("none", "/", None, &[], Err(AuthorityMissing)),
            ("two hosts", "/", None, &["a.example", "a.example"], Err(AuthorityMismatch)),
            ("disagreement", "/", Some("a.example"), &["b.example"], Err(AuthorityMismatch)),
            ("other port", "/", Some("a.example:1"), &["a.example:2"], Err(AuthorityMismatch)),
            (
                "absolute disagrees",
                "http://b.example/",
                None,
                &["a.example"],
                Err(AuthorityMismatch),
            ),
            ("second invalid", "/", Some("a.example"), &["a b"], Err(AuthorityInvalid)),
        ] {
            let got = Authority::of(&request(target, authority, hosts));
            let got = got.as_ref().map(Authority::host).map_err(Denial::reason);
            assert_eq!(got, want, "{name}");
        }
    }
}
