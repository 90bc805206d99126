//! Core's answers as WASI responses.

use sekisho_core::{Denial, Headers, Reason};
use wasip3::http::types::{ErrorCode, Fields, Response};
use wasip3::{wit_future, wit_stream};

/// An answer of the gateway's own.
pub(crate) fn own(status: u16, headers: Headers, body: String) -> Result<Response, ErrorCode> {
    let headers = fields(headers)?;
    let contents = (!body.is_empty()).then(|| {
        let (mut writer, reader) = wit_stream::new();
        wasip3::spawn(async move {
            // What is left over is a client that has gone.
            writer.write_all(body.into_bytes()).await;
        });
        reader
    });
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _sent) = Response::new(headers, contents, no_trailers);
    response
        .set_status_code(status)
        .map_err(|()| ErrorCode::InternalError(Some("no such status".into())))?;
    Ok(response)
}

/// What a page of another site may do.
pub(crate) fn preflight(headers: Headers) -> Result<Response, Denial> {
    own(204, headers, String::new())
        .map_err(|error| Denial::new(Reason::PreflightRefused, format!("{error:?}")))
}

/// Header fields as WASI takes them.
pub(crate) fn fields(headers: Headers) -> Result<Fields, ErrorCode> {
    Fields::from_list(&headers.into_fields())
        .map_err(|error| ErrorCode::InternalError(Some(format!("header fields: {error:?}"))))
}
