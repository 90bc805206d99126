//! What goes back to a client.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::in_progress::Counted;
use crate::scope::{ClientGuard, Scope};

/// What counts a request: all of them, those of its client, and those for the same name.
pub(crate) type Permits = (OwnedSemaphorePermit, Counted<IpAddr>, Option<Counted<String>>);

/// A response's body. Dropping it before its end tells the component's outgoing requests that nobody waits.
pub struct Body {
    inner: WasiBody,
    request: Option<(Arc<Scope>, ClientGuard)>,
    /// Held to the end of the response, so that a draining host waits for it and bounds count it.
    permits: Option<Permits>,
}

impl Body {
    /// Without content there is none, whatever `Content-Length` says of it (RFC 9110, section 6.4.1): in HTTP/2 it would
    /// be waited for, and the stream reset when it does not come.
    pub(crate) fn of_component(
        mut inner: WasiBody,
        has_content: bool,
        scope: Arc<Scope>,
        mut guard: ClientGuard,
    ) -> Self {
        if !has_content {
            inner = Empty::new().map_err(|never| match never {}).boxed_unsync();
            guard.completed();
        }
        Self { inner, request: Some((scope, guard)), permits: None }
    }

    pub(crate) fn holding(mut self, permits: Permits) -> Self {
        self.permits = Some(permits);
        self
    }

    fn instance_failed(&self) -> bool {
        self.request.as_ref().is_some_and(|(scope, _)| scope.instance_failed())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() {
            // A trap drops the sending half of the body, which by itself looks like its end.
            if self.instance_failed() {
                return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
            }
            if let Some((_, guard)) = &mut self.request {
                guard.completed();
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && !self.instance_failed()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // hyper does not poll a body past its last frame when its length is known.
        if http_body::Body::is_end_stream(&self.inner)
            && let Some((_, guard)) = &mut self.request
        {
            guard.completed();
        }
    }
}

/// The host's own answer.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(Error::from).boxed_unsync();
    let mut response = Response::new(Body { inner: body, request: None, permits: None });
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
