//! What went wrong at an origin, in the terms of `wasi:http`.

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy;
use wasmtime_wasi_http::Error;

use super::connect::ConnectError;

/// An error before the response head.
pub(super) fn of_request(error: &legacy::Error) -> Error {
    let error: &(dyn StdError + 'static) = error;
    if let Some(error) = find::<ConnectError>(error) {
        return of_connect(error);
    }
    match find::<hyper::Error>(error) {
        Some(error) => of_body(error),
        None => Error::ConnectionTerminated,
    }
}

/// An error of an established exchange.
pub(super) fn of_body(error: &hyper::Error) -> Error {
    if error.is_timeout() {
        Error::ConnectionReadTimeout
    } else if error.is_incomplete_message()
        || find::<io::Error>(error)
            .is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
    {
        Error::HttpResponseIncomplete
    } else if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_parse() {
        Error::HttpProtocolError
    } else if find::<io::Error>(error).is_some() || error.is_canceled() || error.is_closed() {
        Error::ConnectionTerminated
    } else {
        Error::HttpProtocolError
    }
}

fn of_connect(error: &ConnectError) -> Error {
    match error {
        ConnectError::Name(_) => Error::DnsError { rcode: None, info_code: None },
        ConnectError::Tcp(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
            io::ErrorKind::TimedOut => Error::ConnectionTimeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Error::DestinationIpUnroutable
            }
            _ => Error::DestinationUnavailable,
        },
        ConnectError::ServerName => Error::HttpRequestUriInvalid,
        ConnectError::Tls(error) => match find::<rustls::Error>(error) {
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                Error::TlsCertificateError
            }
            Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
                alert_id: Some(u8::from(*alert)),
                alert_message: Some(format!("{alert:?}")),
            },
            // Whoever ends the connection within the handshake has not been asked anything yet.
            Some(_) | None => Error::TlsProtocolError,
        },
    }
}

/// The first error of type `E` in a chain of causes; `io::Error` hides the error it wraps from the chain.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
