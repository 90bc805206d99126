//! `Forwarded` (RFC 7239): elements with parameters, each proxy appending one.
//!
//! ```text
//! Forwarded: for=192.0.2.43, for="[2001:db8:cafe::17]:4711";proto=https;by=_edge
//! ```
//!
//! 1. The lines are one list of elements, an element is parameters between `;`, a parameter is a
//!    token, `=` and a token or quoted string (section 4). Any other text in any line is a refusal:
//!    a quote that a client left open must not hide what a proxy appended behind it.
//! 2. No parameter stands twice in an element (section 4).
//! 3. Of an element that the walk meets, `for` is an address, IPv6 in brackets, with or without a
//!    port (section 6). `unknown` and `_hidden` identifiers, and an element without `for`, are no
//!    address.

use super::{MAX_HOPS, invalid};
use crate::denial::Denial;
use crate::request::headers::is_token;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses in `for` from the nearest hop on; `None` for an element without one.
pub(super) fn from_the_right<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> Result<impl Iterator<Item = Option<IpAddr>>, Denial> {
    let elements = parse(lines)?;
    Ok(elements.into_iter().rev().map(|element| node(&element.hop?)))
}

/// What the nearest proxy says of its client's connection: whether it was HTTPS. `None` where it
/// says nothing. Each trusted proxy behind it can only take back: one that met plain HTTP makes the
/// whole way plain, whatever the nearest met.
pub(crate) fn says_https<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    trusted: impl Fn(IpAddr) -> bool,
) -> Result<Option<bool>, Denial> {
    let elements = parse(lines)?;
    let https = |element: &Element| Some(element.proto.as_ref()?.eq_ignore_ascii_case(b"https"));
    for element in elements.iter().rev().take(MAX_HOPS) {
        if https(element) == Some(false) {
            return Ok(Some(false));
        }
        // What stands further left was written by this hop, or by a client.
        if !element.hop.as_deref().and_then(node).is_some_and(&trusted) {
            break;
        }
    }
    Ok(elements.last().and_then(https))
}

/// One proxy's word.
#[derive(Debug, Default, PartialEq, Eq)]
struct Element {
    hop: Option<Vec<u8>>,
    proto: Option<Vec<u8>>,
}

fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Element>, Denial> {
    let mut elements = Vec::new();
    for line in lines {
        let mut reader = Reader(line);
        loop {
            let element = reader.element();
            elements.push(element.ok_or_else(|| invalid("a Forwarded that can't be read"))?);
            if !reader.skip(b',') {
                break;
            }
        }
        if !reader.0.is_empty() {
            return Err(invalid("a Forwarded that can't be read"));
        }
    }
    Ok(elements)
}

/// What is left of a line.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// `[ pair ] *( ";" [ pair ] )`, with optional whitespace around the signs.
    fn element(&mut self) -> Option<Element> {
        let mut element = Element::default();
        let mut names: Vec<Vec<u8>> = Vec::new();
        loop {
            self.skip_blanks();
            let name = self.token().to_ascii_lowercase();
            if !name.is_empty() {
                let value = self.value()?;
                if names.contains(&name) || names.len() == MAX_PARAMETERS {
                    return None;
                }
                match name.as_slice() {
                    b"for" => element.hop = Some(value),
                    b"proto" => element.proto = Some(value),
                    _ => {}
                }
                names.push(name);
            }
            if !self.skip(b';') {
                return Some(element);
            }
        }
    }

    /// `"=" ( token / quoted-string )`
    fn value(&mut self) -> Option<Vec<u8>> {
        self.0 = self.0.strip_prefix(b"=")?;
        match self.0.strip_prefix(b"\"") {
            Some(rest) => {
                self.0 = rest;
                self.quoted()
            }
            None => Some(self.token().to_vec()).filter(|token| !token.is_empty()),
        }
    }

    /// The rest of a quoted string (RFC 9110, section 5.6.4). Controls were refused with the header
    /// field, but step 1 reads this before.
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let byte = match self.next()? {
                b'"' => return Some(text),
                b'\\' => self.next()?,
                byte => byte,
            };
            if byte.is_ascii_control() && byte != b'\t' {
                return None;
            }
            text.push(byte);
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn token(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !is_token(*byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest;
        token
    }

    /// Goes past blanks and this sign, if it comes next.
    fn skip(&mut self, sign: u8) -> bool {
        self.skip_blanks();
        match self.0.split_first() {
            Some((first, rest)) if *first == sign => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }
}

/// The most parameters in an element: RFC 7239 defines four.
const MAX_PARAMETERS: usize = 16;

/// `nodename [ ":" node-port ]` whose name is an address.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let (address, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
    } else {
        let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port)
    };
    is_port(port).then(|| address.to_canonical())
}

/// Nothing, `":" 1*5DIGIT`, or `":"` and an obfuscated port.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    match port.strip_prefix('_') {
        Some(hidden) => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
            !hidden.is_empty() && hidden.bytes().all(plain)
        }
        None => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::walk;

    fn bytes<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a [u8]> {
        lines.iter().map(|line| line.as_bytes())
    }

    #[test]
    fn walks_from_the_right_past_trusted_proxies() {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        for (name, lines, want) in [
            ("one", &["for=203.0.113.9"][..], Some("203.0.113.9")),
            ("case", &["FOR=203.0.113.9;Proto=HTTPS"], Some("203.0.113.9")),
            ("quoted", &[r#"for="203.0.113.9""#], Some("203.0.113.9")),
            ("escapes", &[r#"for="203\.0.113\.9""#], Some("203.0.113.9")),
            ("port", &[r#"for="203.0.113.9:4711""#], Some("203.0.113.9")),
            ("hidden port", &[r#"for="203.0.113.9:_p-1""#], Some("203.0.113.9")),
            ("IPv6", &[r#"for="[2001:db8::1]""#], Some("2001:db8::1")),
            ("IPv6 with port", &[r#"for="[2001:db8::1]:4711""#], Some("2001:db8::1")),
            ("mapped", &[r#"for="[::ffff:203.0.113.9]""#], Some("203.0.113.9")),
            ("among others", &["by=_a;for=203.0.113.9;proto=https"], Some("203.0.113.9")),
            ("blanks and empty pairs", &["; for=203.0.113.9 ;\tproto=https;"], Some("203.0.113.9")),
            (
                "signs in quotes",
                &[r#"host="a,b;for=1.2.3.4";for=203.0.113.9"#],
                Some("203.0.113.9"),
            ),
            ("escaped quote", &[r#"host="a\",for=1.2.3.4";for=203.0.113.9"#], Some("203.0.113.9")),
            ("spoofed left", &["for=1.2.3.4, for=203.0.113.9"], Some("203.0.113.9")),
            ("unknown left is not reached", &["for=unknown, for=203.0.113.9"], Some("203.0.113.9")),
            ("past a trusted one", &["for=203.0.113.9,for=10.0.0.1"], Some("203.0.113.9")),
            (
                "several lines are one list",
                &["for=1.2.3.4", "for=203.0.113.9, for=10.0.0.1", "for=10.0.0.2"],
                Some("203.0.113.9"),
            ),
            ("all trusted: the farthest", &["for=10.0.0.1, for=10.0.0.2"], Some("10.0.0.1")),
            ("unknown", &["for=unknown"], None),
            ("hidden", &["for=_hidden"], None),
            ("hidden behind a trusted one", &["for=203.0.113.9, for=_x, for=10.0.0.1"], None),
            ("no for", &["proto=https"], None),
            ("no for behind a trusted one", &["for=203.0.113.9, by=_a, for=10.0.0.1"], None),
            ("empty element", &["for=203.0.113.9, "], None),
            ("for twice", &["for=203.0.113.9;for=203.0.113.9"], None),
            (
                "for twice, other case, further left",
                &["for=1.2.3.4;For=1.2.3.4, for=203.0.113.9"],
                None,
            ),
            ("proto twice", &["for=203.0.113.9;proto=https;proto=http"], None),
            ("empty value", &["for="], None),
            ("empty quotes", &[r#"for="""#], None),
            ("blank around the equals sign", &["for =203.0.113.9"], None),
            ("no value", &["for"], None),
            ("unquoted port", &["for=203.0.113.9:80"], None),
            ("unquoted IPv6", &["for=[2001:db8::1]"], None),
            ("IPv6 without brackets", &[r#"for="2001:db8::1""#], None),
            ("IPv4 in brackets", &[r#"for="[203.0.113.9]""#], None),
            ("zone", &[r#"for="[fe80::1%1]""#], None),
            ("port too large", &[r#"for="203.0.113.9:65536""#], None),
            ("port empty", &[r#"for="203.0.113.9:""#], None),
            ("port signed", &[r#"for="203.0.113.9:+1""#], None),
            ("hidden port empty", &[r#"for="203.0.113.9:_""#], None),
            ("text after the brackets", &[r#"for="[2001:db8::1]x""#], None),
            ("leading zero", &["for=203.0.113.09"], None),
            ("blanks in quotes", &[r#"for=" 203.0.113.9""#], None),
            ("quote left open", &[r#"for="203.0.113.9"#], None),
            ("a client's open quote", &[r#"for=1.2.3.4;x=", for=203.0.113.9"#], None),
            (
                "a client's open quote, closed by the proxy's",
                &[r#"for=1.2.3.4;x=", for="[2001:db8::1]""#],
                None,
            ),
            ("a client's open quote on its own line", &[r#"x=""#, "for=203.0.113.9"], None),
            ("escape at the end", &["for=\"a\\"], None),
            ("control in quotes", &["for=203.0.113.9;x=\"\0\""], None),
            ("a list as in X-Forwarded-For", &["203.0.113.9"], None),
            ("empty", &[""], None),
            ("missing", &[], None),
        ] {
            let got = from_the_right(bytes(lines)).and_then(|hops| walk(hops, trusted)).ok();
            assert_eq!(got.map(|address| address.to_string()).as_deref(), want, "{name}");
        }
        let many = (0..MAX_PARAMETERS).map(|n| format!("p{n}=1;")).collect::<Vec<_>>().concat();
        assert!(parse(bytes(&[&many])).is_ok());
        assert!(parse(bytes(&[&format!("{many}q=1")])).is_err());
    }

    #[test]
    fn the_proxies_word_on_https() {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        for (name, lines, want) in [
            ("https", &["for=_a;proto=https"][..], Ok(Some(true))),
            ("case and quotes", &[r#"PROTO="HTTPS""#], Ok(Some(true))),
            ("http", &["proto=http"], Ok(Some(false))),
            (
                "the last element of the last line",
                &["proto=http, for=_a", "proto=https"],
                Ok(Some(true)),
            ),
            ("a farther one's word", &["proto=https, for=_a"], Ok(None)),
            ("a farther trusted one's yes", &["proto=https, for=10.0.0.1"], Ok(None)),
            (
                "a farther trusted one's no",
                &["for=_a;proto=http, for=10.0.0.1, for=10.0.0.2;proto=https"],
                Ok(Some(false)),
            ),
            (
                "a farther untrusted one's no",
                &["for=10.0.0.1;proto=http, for=192.0.2.1, for=10.0.0.2;proto=https"],
                Ok(Some(true)),
            ),
            ("none", &["for=_a"], Ok(None)),
            ("missing", &[], Ok(None)),
            ("an empty pair behind", &["proto=https;"], Ok(Some(true))),
            ("broken", &["proto=https;;x"], Err(())),
            ("twice", &["proto=https;proto=https"], Err(())),
        ] {
            let got = says_https(bytes(lines), trusted).map_err(|_| ());
            assert_eq!(got, want, "{name}");
        }
    }
}
