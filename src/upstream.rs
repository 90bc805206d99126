//! Forwarding: the one place that sends a client's traffic to an origin. It takes a
//! [`Permit`], which only the last step of the road can make.

use crate::clock::Arrival;
use crate::stream::{self, Body, Watched};
use crate::{answer, body};
use sekisho_core::audit::StreamRecord;
use sekisho_core::policy::Timeouts;
use sekisho_core::response::is_open_ended;
use sekisho_core::{Denial, Facts, Headers, Permit, Reason};
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::wit_future;

/// What the last record of a stream tells of its request.
pub(crate) struct Asked<'a, 'p> {
    pub(crate) facts: &'a Facts<'p>,
    pub(crate) policy: &'a str,
    pub(crate) arrival: &'a Arrival,
}

/// Sends a permitted request to its origin and gives the answer as the client may see it.
pub(crate) async fn forward(
    permit: Permit<'_>,
    incoming: Request,
    asked: Asked<'_, '_>,
) -> Result<Response, Denial> {
    let route = permit.route();
    let body = body::outgoing(incoming, permit.method(), permit.content_length(), route.max_body());
    let exceeded = body.exceeded();
    let target = Target::of(&permit);
    let options = options(route.timeouts());
    let method = permit.method();
    let host = asked.facts.host.as_deref().unwrap_or_default();
    let (headers, rules, watched) = permit.into_parts();
    let headers = answer::fields(headers).map_err(|error| fault(&error))?;
    let (request, _sent) = Request::new(headers, body.contents, body.trailers, Some(options));
    target.set_on(&request)?;

    match client::send(request).await {
        Ok(response) => give_back(
            response,
            method,
            |headers| rules.judge(headers, host),
            || {
                let watch = watched.watch()?;
                let record = StreamRecord::of(asked.facts, Some(asked.policy));
                Some(Watched { watch, record, arrival: *asked.arrival })
            },
        ),
        Err(_) if exceeded.get() => Err(Denial::new(
            Reason::BodyTooLarge,
            "a body without a length passed the route's limit",
        )),
        Err(error) => Err(fault(&error)),
    }
}

struct Target {
    method: Method,
    scheme: Scheme,
    authority: String,
    path_and_query: String,
}

impl Target {
    fn of(permit: &Permit<'_>) -> Self {
        let origin = permit.origin();
        Self {
            method: method(permit.method()),
            scheme: if origin.is_https() { Scheme::Https } else { Scheme::Http },
            authority: origin.authority().to_owned(),
            path_and_query: permit.path_and_query().to_owned(),
        }
    }

    fn set_on(&self, request: &Request) -> Result<(), Denial> {
        request
            .set_method(&self.method)
            .and_then(|()| request.set_scheme(Some(&self.scheme)))
            .and_then(|()| request.set_authority(Some(&self.authority)))
            .and_then(|()| request.set_path_with_query(Some(&self.path_and_query)))
            .map_err(|()| {
                Denial::new(Reason::OriginFailed, "the host refuses the request's target")
            })
    }
}

/// Connect, first byte and idle time are always set: hosts default to minutes. There is no total
/// time, because a stream may last.
fn options(timeouts: Timeouts) -> RequestOptions {
    let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).ok();
    let options = RequestOptions::new();
    // A host that does not support one keeps its own default; there is nothing better to do.
    let _ = options.set_connect_timeout(nanoseconds(timeouts.connect));
    let _ = options.set_first_byte_timeout(nanoseconds(timeouts.first_byte));
    let _ = options.set_between_bytes_timeout(nanoseconds(timeouts.idle));
    options
}

/// The origin's answer with the fields that the client may see, its body by handle, or copied where it has no end.
fn give_back(
    response: Response,
    method: &str,
    judge: impl FnOnce(&Headers) -> Result<Headers, Denial>,
    watched: impl FnOnce() -> Option<Watched>,
) -> Result<Response, Denial> {
    let status = response.get_status_code();
    // RFC 9110, section 15.2: an interim answer is not the answer, and there is no upgrade here.
    if status < 200 {
        return Err(Denial::new(Reason::OriginFailed, "an interim status in place of an answer"));
    }
    let seen = Headers::new(response.get_headers().copy_all());
    let headers: Fields = answer::fields(judge(&seen)?).map_err(|error| fault(&error))?;
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    let (contents, trailers) = Response::consume_body(response, result);
    let mut body = Body { contents, trailers };
    if is_open_ended(method, status, &seen) {
        body = stream::watched(body, watched());
    }
    let (answer, _sent) = Response::new(headers, Some(body.contents), body.trailers);
    answer
        .set_status_code(status)
        .map_err(|()| Denial::new(Reason::OriginFailed, "the origin's status is none"))?;
    Ok(answer)
}

/// Why there is no answer: no connection, no answer in time, or no sound one.
fn fault(error: &ErrorCode) -> Denial {
    let reason = match error {
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Reason::OriginTimeout,
        ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_)
        | ErrorCode::HttpRequestDenied => Reason::OriginUnreachable,
        _ => Reason::OriginFailed,
    };
    Denial::new(reason, format!("{error:?}"))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}
