//! Forwarding: the one place that sends a client's traffic to an origin. It takes a
//! [`Permit`], which only the last step of the road can make.

use crate::body::{Body, Outgoing};
use crate::clock::Arrival;
use crate::stream::{self, Watched};
use crate::{answer, origins, own};
use futures::future::{Either, select};
use sekisho_core::audit::StreamRecord;
use sekisho_core::origins::Failure;
use sekisho_core::policy::{Connections, Timeouts};
use sekisho_core::response::is_open_ended;
use sekisho_core::{Denial, Facts, Headers, Permit, Reason};
use std::pin::pin;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::wit_future;

/// What is known of the request, and where it goes in the end.
pub(crate) struct Asked<'a, 'p> {
    pub(crate) facts: &'a mut Facts<'p>,
    pub(crate) policy: &'a str,
    pub(crate) arrival: &'a Arrival,
}

/// Sends a permitted request to an origin, once more to another one where that does no harm, and gives the answer
/// as the client may see it.
pub(crate) async fn forward<'p>(
    mut permit: Permit<'p>,
    incoming: Request,
    asked: Asked<'_, 'p>,
) -> Result<Response, Denial> {
    let mut body = Body::of(incoming, &permit);
    origins::choose(&mut permit)?;
    let mut is_first = true;
    let response = loop {
        asked.facts.origin = Some(permit.origin());
        let request = request(&mut permit, asked.facts).await?;
        let Some(outgoing) = body.outgoing() else {
            return Err(Denial::new(Reason::OriginFailed, "the body is gone"));
        };
        let error = match send(request, outgoing).await {
            Ok(response) => break response,
            Err(_) if body.is_too_long() => {
                let detail = "a body without a length passed the route's limit";
                return Err(Denial::new(Reason::BodyTooLarge, detail));
            }
            Err(error) if is_of_the_client(&error) => {
                let detail = "the client went away, or its body broke off or came too slowly";
                return Err(Denial::new(Reason::ClientGone, detail));
            }
            Err(error) => error,
        };
        let failure = failure(&error);
        origins::failed(permit.origin(), failure);
        let is_retried = is_first && failure.is_retried(permit.method()) && body.is_kept();
        if !is_retried || !origins::choose_another(&mut permit) {
            return Err(Denial::new(failure.reason(), format!("{error:?}")));
        }
        is_first = false;
    };
    origins::answered(permit.origin());
    give_back(response, permit, &asked)
}

/// The request as the origin will see it, but for its body.
struct Head {
    headers: Fields,
    options: RequestOptions,
    target: Target,
}

async fn request(permit: &mut Permit<'_>, facts: &Facts<'_>) -> Result<Head, Denial> {
    let assertion = own::assertion(permit, &facts.request_id).await?;
    let mut headers = permit.take_headers(assertion.as_deref());
    instruct(&mut headers, permit, facts.host.as_deref().unwrap_or_default())?;
    Ok(Head {
        headers: answer::fields(headers).map_err(|error| fault(&error))?,
        options: options(permit.route().timeouts()),
        target: Target::of(permit),
    })
}

/// What only the gateway's host can do: it says by the variable that it heeds these fields, and takes them away.
fn instruct(headers: &mut Headers, permit: &Permit<'_>, client: &str) -> Result<(), Denial> {
    let origin = permit.origin();
    let host = origin.host_field(client);
    let group = (origin.connections() == Connections::PerTenant).then(|| permit.tenant().id());
    if host.is_none() && group.is_none() {
        return Ok(());
    }
    if std::env::var_os("SEKISHO_OUTBOUND").is_none() {
        return Err(Denial::new(
            Reason::HostUnable,
            format!("{} has host or connections, which `sekisho up` can do alone", origin.id()),
        ));
    }
    if let Some(host) = host {
        headers.push("sekisho-outbound-host", host);
    }
    if let Some(tenant) = group {
        headers.push("sekisho-outbound-group", tenant.as_str());
    }
    Ok(())
}

/// Sends it, and copies its body beside, for as long as the origin takes it.
async fn send(head: Head, body: Outgoing) -> Result<Response, ErrorCode> {
    let Outgoing { contents, trailers, copying } = body;
    let (request, _sent) = Request::new(head.headers, contents, trailers, Some(head.options));
    head.target.set_on(&request)?;
    let sending = pin!(client::send(request));
    match select(sending, copying).await {
        Either::Left((sent, copying)) => {
            if sent.is_ok() {
                wasip3::spawn(copying);
            }
            sent
        }
        Either::Right(((), sending)) => sending.await,
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
            path_and_query: permit.origin_target(),
        }
    }

    fn set_on(&self, request: &Request) -> Result<(), ErrorCode> {
        request
            .set_method(&self.method)
            .and_then(|()| request.set_scheme(Some(&self.scheme)))
            .and_then(|()| request.set_authority(Some(&self.authority)))
            .and_then(|()| request.set_path_with_query(Some(&self.path_and_query)))
            .map_err(|()| ErrorCode::HttpRequestUriInvalid)
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
    permit: Permit<'_>,
    asked: &Asked<'_, '_>,
) -> Result<Response, Denial> {
    let status = response.get_status_code();
    // RFC 9110, sections 15 and 15.2: beyond 599 there is no status, an interim answer is not the answer, and there
    // is no upgrade here.
    if !(200..600).contains(&status) {
        return Err(Denial::new(Reason::OriginFailed, "a status that is no answer's"));
    }
    let seen = Headers::new(response.get_headers().copy_all());
    let is_open = is_open_ended(permit.method(), status, &seen);
    let (rules, watched) = permit.into_parts();
    let judged = rules.judge(&seen, asked.facts.host.as_deref().unwrap_or_default())?;
    let headers: Fields = answer::fields(judged).map_err(|error| fault(&error))?;
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    let (contents, trailers) = Response::consume_body(response, result);
    let mut body = stream::Body { contents, trailers };
    if is_open {
        let watched = watched.watch().map(|watch| {
            let record = StreamRecord::of(asked.facts, Some(asked.policy));
            Watched { watch, record, arrival: *asked.arrival }
        });
        body = stream::watched(body, watched);
    }
    let (answer, _sent) = Response::new(headers, Some(body.contents), body.trailers);
    answer
        .set_status_code(status)
        .map_err(|()| Denial::new(Reason::OriginFailed, "the origin's status is none"))?;
    Ok(answer)
}

/// Why there is no answer: no connection, no answer in time, or no sound one.
fn failure(error: &ErrorCode) -> Failure {
    match error {
        ErrorCode::DnsTimeout | ErrorCode::ConnectionTimeout => Failure::ConnectTimeout,
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Failure::AnswerTimeout,
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
        | ErrorCode::HttpRequestDenied => Failure::Unreachable,
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => Failure::BrokenOff,
        _ => Failure::Unsound,
    }
}

/// Whether it was the client who went away, as `sekisho up` says it: no origin did anything wrong.
pub(crate) fn is_of_the_client(error: &ErrorCode) -> bool {
    matches!(error, ErrorCode::InternalError(Some(why)) if why == "the client has gone")
}

fn fault(error: &ErrorCode) -> Denial {
    Denial::new(Reason::OriginFailed, format!("{error:?}"))
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
