//! Which other sites' pages may call a tenant's services, and where a browser signs in.

use super::Loader;
use crate::policy::source::{CorsSource, Spanned};
use crate::policy::{Cors, WebAddress};
use crate::request::authority::{Authority, stays_on_the_host};
use crate::request::headers::{is_hop_by_hop, is_reserved, is_token};
use crate::request::target::Target;
use std::ops::RangeInclusive;

/// How long a browser may remember, in seconds; no browser remembers for longer than a day.
const MAX_AGES: RangeInclusive<u32> = 0..=86_400;
const MAX_AGE: u32 = 600;

impl Loader<'_> {
    pub(super) fn cors(&mut self, file: &str, source: CorsSource) -> Cors {
        if source.origins.get_ref().is_empty() {
            self.fault(
                "cors-without-origin",
                (file, Some(source.origins.span())),
                "no site may call",
                "name at least one in origins = [...], or drop the table",
            );
        }
        for origin in source.origins.get_ref() {
            let clear = origin.get_ref().starts_with("http://");
            if clear && source.credentials {
                self.fault(
                    "cors-credentials-cleartext",
                    (file, Some(origin.span())),
                    format!(
                        "whoever is between could act with users' cookies as {:?}",
                        origin.get_ref()
                    ),
                    "write https://, or drop credentials = true",
                );
            }
            if !is_site(origin.get_ref()) {
                self.fault(
                    "cors-origin-invalid",
                    (file, Some(origin.span())),
                    format!("{:?} is no site that a browser would name", origin.get_ref()),
                    "write https://, the host in lower case and a port that is not 443; no path and no *",
                );
            }
        }
        for name in source.headers.iter().flatten().chain(&source.expose_headers) {
            let text = name.get_ref();
            let lower = text.bytes().all(|b| is_token(b) && !b.is_ascii_uppercase());
            if text.is_empty()
                || text == "*"
                || !lower
                || is_hop_by_hop(text)
                || (is_reserved(text) && text != "x-request-id")
            {
                self.fault(
                    "cors-header-invalid",
                    (file, Some(name.span())),
                    format!("{text:?} is no header field that a page may send or read"),
                    "write its name in lower case; the gateway's own never pass, and * is none",
                );
            }
        }
        let max_age = source.max_age_s.as_ref().map_or(MAX_AGE, |age| *age.get_ref());
        if let Some(given) = source.max_age_s.as_ref().filter(|_| !MAX_AGES.contains(&max_age)) {
            self.fault(
                "cors-max-age-invalid",
                (file, Some(given.span())),
                format!("no browser remembers for {max_age} s"),
                format!("write {} to {} seconds", MAX_AGES.start(), MAX_AGES.end()),
            );
        }
        let names = |names: Vec<Spanned<String>>| names.into_iter().map(Spanned::into_inner);
        Cors {
            origins: names(source.origins.into_inner()).collect(),
            credentials: source.credentials,
            headers: match source.headers {
                Some(headers) => names(headers).collect(),
                None => vec!["authorization".to_owned(), "content-type".to_owned()],
            },
            expose_headers: names(source.expose_headers).collect(),
            max_age,
        }
    }

    pub(super) fn login(&mut self, file: &str, source: Spanned<String>) -> String {
        let text = source.get_ref();
        let path = Target::parse(text.as_str()).is_ok();
        let address = WebAddress::parse(text).is_some_and(|address| address.is_https());
        if !path && !address {
            self.fault(
                "login-invalid",
                (file, Some(source.span())),
                format!("{text:?} is no place to sign in"),
                "write a path of the tenant's, such as \"/login\", or an https:// address, in normal form",
            );
        }
        source.into_inner()
    }
}

/// As browsers serialise an origin (WHATWG HTML, section 7.1.1): in the clear on the same machine only.
fn is_site(text: &str) -> bool {
    let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return false,
    };
    let usual = if https { ":443" } else { ":80" };
    Authority::parse(rest).is_ok_and(|authority| {
        authority.to_text() == rest
            && !rest.ends_with(usual)
            && (https || stays_on_the_host(authority.host()))
    })
}
