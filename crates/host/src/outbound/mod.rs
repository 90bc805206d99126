//! Requests that components send.
//!
//! The destination is judged before its name is resolved. No redirect is followed and no proxy setting is read.

mod body;
mod connect;
mod errors;
mod framing;
mod pools;
mod wishes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::Authority;
use http::{Request, Response, Uri};
use hyper_util::client::legacy::connect::capture_connection;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use self::body::{Gone, RequestBody, ResponseBody, Sent};
use self::pools::Pool;
pub(crate) use self::pools::Pools;
use self::wishes::Wishes;
use crate::instance::Blueprint;
use crate::observe::{Destination, Event, Sent as Outcome};
use crate::outbound_hosts::{self, INTERNAL_SUFFIX, Pattern};
use crate::scope::Scope;

/// Time limits for a request whose sender set none.
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_BYTE: Duration = Duration::from_secs(30);
const BETWEEN_BYTES: Duration = Duration::from_mins(5);

const CLIENT_GONE: &str = "the client has gone";

/// Sends a component's request, to another component or to an origin.
pub(crate) async fn send(
    blueprint: &Blueprint,
    scope: Option<Arc<Scope>>,
    mut request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Response<WasiBody>, Error> {
    let target = Target::of(request.uri())?;
    if !outbound_hosts::allows(&blueprint.outbound, target.scheme, &target.host, target.port) {
        tracing::warn!(
            component = &*blueprint.name,
            "a request to {}://{}:{} was denied: it is not in allowed_outbound_hosts",
            target.scheme,
            target.host.escape_default(),
            target.port
        );
        return Err(Error::HttpRequestDenied);
    }
    if let Some(scope) = &scope {
        scope.sends();
    }
    let app = blueprint.app.upgrade().ok_or(Error::ConnectionTerminated)?;
    let wishes = Wishes::take(&mut request)?;
    if let Some(name) = target.host.strip_suffix(INTERNAL_SUFFIX) {
        if wishes.to.is_some() {
            // Another component has no other authority than its name.
            return Err(Error::HttpRequestUriInvalid);
        }
        return app.chain(name, scope.as_deref(), request).await;
    }
    let exchange = exchange(app.pools.of(wishes), request, options.unwrap_or_default());
    let mut gone: Gone = match scope {
        Some(scope) => Box::pin(scope.until_client_gone()),
        None => Box::pin(std::future::pending()),
    };
    let began = Instant::now();
    let result = tokio::select! {
        result = exchange => result,
        () = &mut gone => Err(client_gone()),
    };
    let to = Destination { https: target.scheme == "https", host: &target.host, port: target.port };
    let (outcome, took) = (outcome(&result), began.elapsed());
    app.observed.tell(&Event::Sent { to, outcome, took });
    let (response, between) = result?;
    Ok(ResponseBody::boxed(response, between, gone))
}

/// The client that the request is for has gone, or its body broke off: `wasi:http` has no code for that.
pub(crate) fn client_gone() -> Error {
    Error::InternalError(Some(CLIENT_GONE.to_owned()))
}

fn outcome<T>(result: &Result<T, Error>) -> Outcome {
    match result {
        Ok(_) => Outcome::Answered,
        Err(Error::ConnectionTimeout | Error::HttpResponseTimeout) => Outcome::TimedOut,
        Err(Error::InternalError(Some(why))) if why == CLIENT_GONE => Outcome::ClientGone,
        Err(_) => Outcome::Failed,
    }
}

/// Whether patterns cover the place that a URI leads to.
pub(crate) fn allows(patterns: &[Pattern], uri: &Uri) -> bool {
    Target::of(uri).is_ok_and(|to| outbound_hosts::allows(patterns, to.scheme, &to.host, to.port))
}

/// Where a request goes.
struct Target {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, Error> {
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Error::HttpProtocolError),
        };
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let host = bare_host(authority).to_ascii_lowercase();
        if host.is_empty() {
            return Err(Error::HttpRequestUriInvalid);
        }
        let (scheme, default) = if https { ("https", 443) } else { ("http", 80) };
        Ok(Self { scheme, host, port: authority.port_u16().unwrap_or(default) })
    }
}

/// The host without the brackets of an IPv6 address.
fn bare_host(authority: &Authority) -> &str {
    let host = authority.host();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn exchange(
    pool: Pool,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<(Response<hyper::body::Incoming>, Duration), Error> {
    let sent = Sent::default();
    let mut request = request.map(|body| RequestBody::new(body, sent.clone()));
    let mut connection = capture_connection(&mut request);
    let mut answer = std::pin::pin!(pool.request(request));
    let connected = tokio::time::timeout(
        options.connect_timeout.unwrap_or(CONNECT),
        connection.wait_for_connection_metadata(),
    );
    let early = tokio::select! {
        biased;
        answer = &mut answer => Some(answer),
        connected = connected => {
            connected.map_err(|_| Error::ConnectionTimeout)?;
            None
        }
    };
    let answer = if let Some(answer) = early {
        answer
    } else {
        tokio::select! {
            answer = &mut answer => answer,
            () = sent.idle_for(options.first_byte_timeout.unwrap_or(FIRST_BYTE)) => {
                return Err(if sent.awaits_client() {
                    client_gone()
                } else {
                    Error::HttpResponseTimeout
                });
            }
        }
    };
    let response = answer.map_err(|error| {
        if sent.broke_off() { client_gone() } else { errors::of_request(&error) }
    })?;
    if !framing::is_sound(response.headers()) {
        return Err(Error::HttpProtocolError);
    }
    Ok((response, options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES)))
}
