//! Documents of identity providers: one GET, one answer, no redirect.

use crate::upstream::is_of_the_client;
use sekisho_core::policy::WebAddress;
use std::time::Duration;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::wit_bindgen::StreamResult;
use wasip3::wit_future;

const CHUNK: usize = 16 * 1024;

/// Why there is no document.
pub(crate) enum Error {
    /// The server did not give it: in words for an operator, without a word of the answer.
    Refused(String),
    /// The request for which it was asked went away, and the host ended what it had begun. This says
    /// nothing about the server, and any client can bring it about.
    Abandoned,
}

impl From<String> for Error {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

/// The body of a 200 answer, at most so many bytes. Any other status is an error, a redirect too:
/// whoever can send us elsewhere could choose the keys. The caller bounds the time of the whole.
pub(crate) async fn document(
    address: &WebAddress,
    limit: usize,
    patience: Duration,
) -> Result<Vec<u8>, Error> {
    let failed = |error: ErrorCode| match error {
        // Loop detected: the host counts a chained request with one that is over.
        error if is_of_the_client(&error) => Error::Abandoned,
        ErrorCode::ConnectionTerminated | ErrorCode::LoopDetected => Error::Abandoned,
        error => Error::Refused(format!("{address}: {error:?}")),
    };
    let response = client::send(request(address, patience)?).await.map_err(failed)?;
    let status = response.get_status_code();
    if status != 200 {
        return Err(Error::Refused(format!("{address}: status {status}")));
    }
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    let (mut contents, end) = Response::consume_body(response, result);
    let mut body = Vec::new();
    loop {
        let (result, chunk) = contents.read(Vec::with_capacity(CHUNK)).await;
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return Err(Error::Refused(format!("{address}: more than {limit} bytes")));
        }
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    drop(contents);
    end.await.map(|_| body).map_err(failed)
}

fn request(address: &WebAddress, patience: Duration) -> Result<Request, String> {
    let headers = [("accept", "application/json"), ("user-agent", "sekisho")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let headers = Fields::from_list(&headers).map_err(|error| format!("{error:?}"))?;
    let options = RequestOptions::new();
    let nanoseconds = u64::try_from(patience.as_nanos()).ok();
    // As with origins: a host that does not support one keeps its own.
    let _ = options.set_connect_timeout(nanoseconds);
    let _ = options.set_first_byte_timeout(nanoseconds);
    let _ = options.set_between_bytes_timeout(nanoseconds);
    let (no_trailers, trailers) = wit_future::new(|| Ok(None));
    drop(no_trailers);
    let (request, _sent) = Request::new(headers, None, trailers, Some(options));
    let scheme = if address.is_https() { Scheme::Https } else { Scheme::Http };
    request
        .set_method(&Method::Get)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(address.authority())))
        .and_then(|()| request.set_path_with_query(Some(address.path_and_query())))
        .map_err(|()| format!("{address}: the host refuses the address"))?;
    Ok(request)
}
