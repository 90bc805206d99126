//! What a component wants of the connection to an origin, in header fields that no origin sees:
//!
//! | field | wish |
//! | --- | --- |
//! | `sekisho-outbound-host` | the origin is asked for this authority, and not for that of its address |
//! | `sekisho-outbound-group` | the connection carries requests of this group alone |
//!
//! Components know by the environment variable `SEKISHO_OUTBOUND` that they are heeded.

use http::header::HeaderValue;
use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderName, Request};
use wasmtime_wasi_http::Error;

const HOST: HeaderName = HeaderName::from_static("sekisho-outbound-host");
const GROUP: HeaderName = HeaderName::from_static("sekisho-outbound-group");

/// Which connections may carry a request: those of the same wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Wishes {
    /// Where a request goes that is addressed to another authority.
    pub(super) to: Option<Authority>,
    group: Option<HeaderValue>,
}

impl Wishes {
    /// Takes the wishes out of a request, and addresses it as they say.
    pub(super) fn take<B>(request: &mut Request<B>) -> Result<Self, Error> {
        let host = one(request.headers_mut(), &HOST)?;
        let group = one(request.headers_mut(), &GROUP)?;
        let Some(host) = host else { return Ok(Self { to: None, group }) };
        let host =
            Authority::try_from(host.as_bytes()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut parts = request.uri().clone().into_parts();
        let to = parts.authority.replace(host);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
        Ok(Self { to, group })
    }

    pub(super) fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

fn one(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<HeaderValue>, Error> {
    if headers.get_all(name).iter().nth(1).is_some() {
        return Err(Error::HttpProtocolError);
    }
    Ok(headers.remove(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(fields: &[(&str, &str)]) -> Result<(Wishes, Request<()>), Error> {
        let mut request = Request::get("https://origin.example:8443/a?b");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        Wishes::take(&mut request).map(|wishes| (wishes, request))
    }

    #[test]
    fn no_origin_sees_them() {
        let fields = [
            ("sekisho-outbound-group", "acme"),
            ("sekisho-outbound-host", "svc.example"),
            ("x-other", "1"),
        ];
        let (wishes, request) = take(&fields).unwrap();
        assert_eq!(request.uri(), "https://svc.example/a?b");
        assert_eq!(wishes.to.as_ref().unwrap(), "origin.example:8443");
        assert_eq!(request.headers().len(), 1);
        let (other, _) = take(&[("sekisho-outbound-host", "svc.example")]).unwrap();
        assert_ne!(wishes, other, "another group's connection");
    }

    #[test]
    fn without_any_nothing_changes() {
        let (wishes, request) = take(&[("x-other", "1")]).unwrap();
        assert!(wishes.are_none());
        assert_eq!(request.uri(), "https://origin.example:8443/a?b");
    }

    #[test]
    fn a_wish_that_nobody_can_grant_is_an_error() {
        for fields in [
            &[("sekisho-outbound-host", "a b")][..],
            &[("sekisho-outbound-host", "")],
            &[("sekisho-outbound-group", "acme"), ("sekisho-outbound-group", "globex")],
        ] {
            assert!(take(fields).is_err(), "{fields:?}");
        }
    }
}
