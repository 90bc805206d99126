//! From a client's request to what a component sees.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::Limits;
use crate::linger::Lingering;
use crate::pace::Paced;

/// The header in which a component finds the client's address and port, as Spin names it.
pub(crate) const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");

/// The header in which a component finds how many requests for the same host are in progress.
const IN_FLIGHT: HeaderName = HeaderName::from_static("sekisho-in-flight");

/// An answer the host gives itself, because the request is no request a component could judge.
pub(crate) type Refusal = (StatusCode, &'static str);

/// Makes a request canonical, in this order:
///
/// 1. at most [`Limits::head_fields`] header fields;
/// 2. no CONNECT: a component cannot tunnel;
/// 3. exactly one authority: at most one `Host` field, and it agrees with the target's authority if there is one
///    (RFC 9112, section 3.2; RFC 9113, section 8.3.1);
/// 4. the fields that `Connection` names go (RFC 9110, section 7.6.1) but `TE`, if they are the
///    connection's, else it is no request; every `spin-*` and `sekisho-*` field goes, too;
/// 5. the peer's address is set, the scheme is the listener's, trailers are dropped;
/// 6. a body that comes too slowly breaks off.
pub(crate) fn canonical<B>(
    request: Request<B>,
    peer: SocketAddr,
    https: bool,
    limits: &Limits,
) -> Result<Request<WasiBody>, Refusal>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    let (mut parts, body) = request.into_parts();
    if parts.headers.len() > limits.head_fields {
        return Err((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too many header fields"));
    }
    if parts.method == Method::CONNECT {
        return Err((StatusCode::NOT_IMPLEMENTED, "CONNECT is not supported"));
    }
    let authority = authority(&parts.uri, &parts.headers)?;
    let path = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(if https { Scheme::HTTPS } else { Scheme::HTTP });
    uri.authority = Some(authority);
    uri.path_and_query = Some(path);
    parts.uri =
        Uri::from_parts(uri).map_err(|_| (StatusCode::BAD_REQUEST, "bad request target"))?;
    remove_untrusted(&mut parts.headers)?;
    set_client_address(&mut parts.headers, peer);
    let body = Lingering::new(&parts, body)
        .map_frame(|frame| match frame.into_trailers() {
            // An empty data frame, which every reader skips.
            Ok(_) => http_body::Frame::data(Bytes::new()),
            Err(frame) => frame,
        })
        .map_err(Into::into);
    let body = Paced::new(body, limits).boxed_unsync();
    Ok(Request::from_parts(parts, body))
}

fn authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let bad = |reason| Err((StatusCode::BAD_REQUEST, reason));
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return bad("more than one Host field");
    }
    let host = match host {
        None => None,
        Some(host) => match Authority::try_from(host.as_bytes()) {
            Ok(host) if !host.as_str().contains('@') => Some(host),
            _ => return bad("bad Host field"),
        },
    };
    match (uri.authority().cloned(), host) {
        (Some(target), _) if target.as_str().contains('@') => bad("bad authority"),
        // Authorities compare without regard to case.
        (Some(target), Some(host)) if target != host => {
            bad("Host and the target's authority disagree")
        }
        (Some(authority), _) | (None, Some(authority)) => Ok(authority),
        (None, None) => bad("no Host field"),
    }
}

/// What `Connection` names is for this hop (RFC 9110, section 7.6.1). A client that names what is for the component, such
/// as a proxy's word on his address, would take it away.
fn remove_untrusted(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // Whether trailers are welcome is the component's to hand on (RFC 9110, section 10.1.4).
        .filter(|name| *name != TE)
        .collect();
    if named.iter().any(|name| headers.contains_key(name) && !is_of_the_hop(name.as_str())) {
        return Err((
            StatusCode::BAD_REQUEST,
            "Connection names a field that is not the connection's",
        ));
    }
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| is_ours(name.as_str())).cloned().collect();
    for name in named.iter().chain(&ours) {
        headers.remove(name);
    }
    Ok(())
}

fn is_of_the_hop(name: &str) -> bool {
    const NAMES: [&str; 6] =
        ["connection", "http2-settings", "keep-alive", "trailer", "transfer-encoding", "upgrade"];
    NAMES.contains(&name) || name.starts_with("proxy-")
}

/// Names in which the host speaks to components. Servers that map `-` to `_` would take `spin_client_addr` for ours.
fn is_ours(name: &str) -> bool {
    ["spin", "sekisho"]
        .iter()
        .any(|ours| name.strip_prefix(ours).is_some_and(|rest| rest.starts_with(['-', '_'])))
}

pub(crate) fn set_client_address(headers: &mut HeaderMap, peer: SocketAddr) {
    if let Ok(value) = HeaderValue::try_from(peer.to_string()) {
        headers.insert(CLIENT_ADDRESS, value);
    }
}

/// Tells a component how many requests for the same host are in progress, this one among them.
pub(crate) fn set_in_flight(headers: &mut HeaderMap, count: usize) {
    headers.insert(IN_FLIGHT, HeaderValue::from(count));
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Empty};

    use super::*;

    fn request(target: &str, headers: &[(&str, &str)]) -> Result<Request<WasiBody>, Refusal> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = "203.0.113.9:50211".parse().unwrap();
        let body = Empty::<Bytes>::new();
        canonical(request.body(body).unwrap(), peer, true, &Limits::default())
    }

    #[test]
    fn the_authority_is_one() {
        for (target, headers, expected) in [
            ("/a", &[("host", "a.example")][..], Ok("a.example")),
            ("https://a.example/a", &[], Ok("a.example")),
            ("https://a.example/a", &[("host", "A.example")], Ok("a.example")),
            ("https://a.example:8443/a", &[("host", "a.example:8443")], Ok("a.example:8443")),
            ("https://a.example/a", &[("host", "b.example")], Err(400)),
            ("https://a.example/a", &[("host", "a.example:443")], Err(400)),
            ("/a", &[("host", "a.example"), ("host", "a.example")], Err(400)),
            ("/a", &[("host", "u@a.example")], Err(400)),
            ("/a", &[("host", "")], Err(400)),
            ("/a", &[("host", "a b")], Err(400)),
            ("/a", &[], Err(400)),
        ] {
            let seen = request(target, headers)
                .map(|request| request.uri().authority().unwrap().to_string())
                .map_err(|(status, _)| status.as_u16());
            assert_eq!(seen, expected.map(str::to_owned), "{target} {headers:?}");
        }
    }

    #[test]
    fn path_and_query_stay_byte_for_byte() {
        for path in ["/a/../b", "/%2e%2E//x?y=%zz&&", "/a;b=c?", "/\u{e9}"] {
            let seen = request(path, &[("host", "a")]).unwrap();
            assert_eq!(seen.uri().path_and_query().unwrap().as_str(), path);
            assert_eq!(seen.uri().scheme_str(), Some("https"));
        }
    }

    #[test]
    fn forged_fields_go() {
        let seen = request(
            "/",
            &[
                ("host", "a"),
                ("spin-client-addr", "1.1.1.1:1"),
                ("spin-client-addr", "1.1.1.2:1"),
                ("spin_client_addr", "1.1.1.3:1"),
                ("spin-full-url", "x"),
                ("spinach", "stays"),
                ("sekisho-outbound-group", "x"),
                ("sekisho_in_flight", "0"),
                ("keep-alive", "timeout=5"),
                ("connection", "close, Keep-Alive, x-absent"),
            ],
        )
        .unwrap();
        let headers = seen.headers();
        let addresses: Vec<_> = headers.get_all(CLIENT_ADDRESS).iter().collect();
        assert_eq!(addresses, ["203.0.113.9:50211"]);
        for gone in [
            "spin_client_addr",
            "spin-full-url",
            "sekisho-outbound-group",
            "sekisho_in_flight",
            "keep-alive",
        ] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert!(headers.contains_key("spinach"));
    }

    #[test]
    fn connection_takes_nothing_away_from_the_component() {
        for named in
            ["x-forwarded-for", "close, X-Forwarded-For", "spin-client-addr", "authorization"]
        {
            let fields = [
                ("host", "a"),
                ("x-forwarded-for", "192.0.2.1"),
                ("spin-client-addr", "1.1.1.1:1"),
                ("authorization", "x"),
                ("connection", named),
            ];
            assert_eq!(request("/", &fields).unwrap_err().0, StatusCode::BAD_REQUEST, "{named}");
        }
    }

    #[test]
    fn too_many_fields() {
        let fields = vec![("x-a", "1"); 101];
        assert_eq!(
            request("/", &fields).unwrap_err().0,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        );
    }

    #[tokio::test]
    async fn trailers_go() {
        let trailers = HeaderMap::from_iter([(CLIENT_ADDRESS, HeaderValue::from_static("x"))]);
        let body = http_body_util::Full::new(Bytes::from("abc"))
            .with_trailers(async move { Some(Ok(trailers)) });
        let request = Request::builder().uri("/").header("host", "a").body(body).unwrap();
        let peer = "203.0.113.9:1".parse().unwrap();
        let seen = canonical(request, peer, false, &Limits::default()).unwrap();
        let body = seen.into_body().collect().await.unwrap();
        assert!(body.trailers().is_none());
        assert_eq!(body.to_bytes(), "abc");
    }
}
