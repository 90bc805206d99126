//! Whom a request is for: `:authority`, `Host`, the authority of an absolute target.

use super::Request;
use crate::denial::{Denial, Reason};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An absolute-form target (RFC 9112, section 3.2.2).
pub(super) struct Absolute<'t> {
    pub(super) scheme: &'t str,
    authority: &'t str,
    /// Path and query; a target without a path asks for `/` (RFC 9112, section 3.2.1).
    pub(super) rest: &'t str,
}

impl<'t> Absolute<'t> {
    /// `None` for a target in any other form.
    pub(super) fn split(target: &'t str) -> Option<Self> {
        if target.starts_with('/') {
            return None;
        }
        let (scheme, behind) = target.split_once("://")?;
        let web = ["https", "http"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at(end);
        web.then_some(Self { scheme, authority, rest: if rest.is_empty() { "/" } else { rest } })
    }
}

/// A host and an optional port: in lower case, without the root label's dot.
///
/// | written | read as |
/// | --- | --- |
/// | `Acme.Example.JP.` | `acme.example.jp` |
/// | `acme.example.jp:443` | the same, as this is a request over HTTPS (RFC 9110, section 4.2.2) |
/// | `[2001:DB8:0::1]` | `[2001:db8::1]` (RFC 5952) |
/// | userinfo, `_`, an empty port, port 0 or `:0443`, a zone, an IPv4 address in IPv6 or in another form than four decimal numbers | refused |
#[derive(Clone, Debug)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// The one authority of a request: wherever it is named (`:authority`, `Host`, an absolute
    /// target), it must be the same (RFC 9112 section 3.2.2, RFC 9113 section 8.3.1). No port and
    /// port 443 are the same.
    pub fn of(request: &Request) -> Result<Self, Denial> {
        let mut hosts = request.headers.values("host");
        let host = hosts
            .next()
            .map(|host| std::str::from_utf8(host).map_err(|_| invalid("Host is not ASCII")))
            .transpose()?;
        if hosts.next().is_some() {
            return Err(Denial::new(Reason::AuthorityMismatch, "more than one Host field"));
        }
        let absolute = Absolute::split(&request.target).map(|absolute| absolute.authority);
        let mut named = [request.authority.as_deref(), host, absolute].into_iter().flatten();
        let Some(first) = named.next() else {
            return Err(Denial::new(Reason::AuthorityMissing, "neither Host nor :authority"));
        };
        let authority = Self::parse(first)?;
        for other in named {
            if other != first && !authority.is_same(&Self::parse(other)?) {
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
                if address.to_ipv4_mapped().is_some() {
                    return Err(invalid("an IPv4 address written as IPv6"));
                }
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
                let digits = !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit());
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

    fn is_same(&self, other: &Self) -> bool {
        self.host == other.host && self.https_port() == other.https_port()
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
    let label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    if name.len() > 253 || !name.as_bytes().split(|byte| *byte == b'.').all(label) {
        return Err(invalid("not a host name"));
    }
    if name.rsplit('.').next().is_some_and(is_number) && text.parse::<Ipv4Addr>().is_err() {
        return Err(invalid("an address in an unusual form"));
    }
    Ok(name.to_ascii_lowercase())
}

/// A label that makes an IPv4 address of what it ends (WHATWG URL, "ends in a number"): decimal or
/// hexadecimal.
fn is_number(label: &str) -> bool {
    let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a canonical host is reached without a wire that someone could listen on (R1): a loopback
/// address (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3) or name (RFC 6761, section 6.3), or
/// another component of the same host, which Spin calls `<id>.spin.internal`.
pub(crate) fn stays_on_the_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            host == "localhost" || host.ends_with(".localhost") || host.ends_with(".spin.internal")
        }
    }
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::AuthorityInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Headers, Scheme};

    #[test]
    fn a_name_at_its_limit() {
        for (labels, rest, sound) in
            [(63, "b", true), (63, "bb", false), (63, "bbb", false), (100, "b", false)]
        {
            let name = "abc.".repeat(labels) + rest;
            assert_eq!(host_name(&name).is_ok(), sound, "{} characters", name.len());
        }
    }

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
            ("IPv6 in upper case", "[2001:DB8::1]:80", Some("[2001:db8::1]")),
            ("highest port", "acme.example.jp:65535", Some("acme.example.jp")),
            ("nothing", "", None),
            ("only the root", ".", None),
            ("two root labels", "acme.example.jp..", None),
            ("port zero", "acme.example.jp:0", None),
            ("port with a leading zero", "acme.example.jp:0443", None),
            ("two ports", "acme.example.jp:443:443", None),
            ("IPv4 with a root label", "127.0.0.1.", None),
            ("IPv4 as one number", "2130706433", None),
            ("IPv4 in octal", "0177.0.0.1", None),
            ("IPv4 in hexadecimal", "0x7f000001", None),
            ("hexadecimal end", "127.0.0.0x1", None),
            ("IPv4 mapped", "[::ffff:127.0.0.1]", None),
            ("IPv4 mapped, hexadecimal", "[::ffff:7f00:1]:443", None),
            ("future address", "[v1.x]", None),
            ("text after the bracket", "[::1]x", None),
            ("unclosed bracket", "[::1", None),
            ("label of a hyphen", "-.jp", None),
            ("wildcard", "*.example.jp", None),
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
            in_flight: None,
            peer: None,
            request_id: "r".into(),
            trace_ratio: None,
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
            ("443 and none", "/", Some("a.example"), &["a.example:443"], Ok("a.example")),
            ("none and 443", "/", Some("A.example.:443"), &["a.example"], Ok("a.example")),
            ("80 and none", "/", Some("a.example:80"), &["a.example"], Err(AuthorityMismatch)),
            ("IPv6, two forms", "/", Some("[::1]"), &["[0::1]:443"], Ok("[::1]")),
            ("empty host", "/", Some("a.example"), &[""], Err(AuthorityInvalid)),
            ("absolute userinfo", "https://a.example@b/", None, &[], Err(AuthorityInvalid)),
            ("absolute backslash", "https://a.example\\@b/", None, &[], Err(AuthorityInvalid)),
            ("absolute without authority", "https:///x", None, &[], Err(AuthorityInvalid)),
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
