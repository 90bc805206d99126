//! Request bodies. One with a length passes by handle: the guest never touches a byte, and the host holds it to
//! its length. Two kinds are copied chunk by chunk: one without a length is counted on its way, because nothing else
//! would stop it at the route's limit, and one that another origin may have to get is kept as far as it is small.

use futures::future::{FutureExt as _, LocalBoxFuture, Shared};
use futures::lock::Mutex;
use sekisho_core::Permit;
use std::rc::Rc;
use wasip3::http::types::{ErrorCode, Fields, Request};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};
use wasip3::{wit_future, wit_stream};

const CHUNK: usize = 64 * 1024;

/// How much of a body is kept for another origin, in bytes.
const KEPT: usize = 64 * 1024;

type End = Result<Option<Fields>, ErrorCode>;
type Trailers = FutureReader<End>;

/// A request's body.
pub(crate) enum Body {
    None,
    /// By handle, which the first origin takes.
    Whole(Option<(StreamReader<u8>, Trailers)>),
    Copied(Rc<Mutex<Copied>>),
}

/// A body on its way to one origin.
pub(crate) struct Outgoing {
    pub(crate) contents: Option<StreamReader<u8>>,
    pub(crate) trailers: Trailers,
    /// The work of copying it, where there is any.
    pub(crate) copying: LocalBoxFuture<'static, ()>,
}

impl Body {
    /// Takes the body out of a permitted request.
    pub(crate) fn of(incoming: Request, permit: &Permit<'_>) -> Self {
        let (done, result) = wit_future::new(|| Ok(()));
        drop(done);
        let (contents, trailers) = Request::consume_body(incoming, result);
        match permit.content_length() {
            Some(0) => Self::None,
            Some(_) if !permit.has_alternatives() => Self::Whole(Some((contents, trailers))),
            // Content in these has no meaning (RFC 9110, sections 9.3.1 and 9.3.2), and unannounced
            // content is what smugglers hide a second request in: it stays here.
            None if matches!(permit.method(), "GET" | "HEAD") => Self::None,
            _ => Self::Copied(Rc::new(Mutex::new(Copied {
                reading: Some(read(contents)),
                ending: async move { trailers.await.map(|_| ()) }.boxed_local().shared(),
                left: Some(permit.route().max_body()),
                kept: Some(Vec::new()),
            }))),
        }
    }

    /// The body from its beginning; nothing, where an origin has taken what nobody kept.
    pub(crate) fn outgoing(&mut self) -> Option<Outgoing> {
        let nothing = || Box::pin(std::future::ready(()));
        match self {
            Self::None => {
                let (writer, trailers) = wit_future::new(|| Ok(None));
                drop(writer);
                Some(Outgoing { contents: None, trailers, copying: nothing() })
            }
            Self::Whole(body) => body.take().map(|(contents, trailers)| Outgoing {
                contents: Some(contents),
                trailers,
                copying: nothing(),
            }),
            Self::Copied(copied) => {
                let kept = copied.try_lock()?.kept.clone()?;
                let (to, contents) = wit_stream::new();
                let (to_trailers, trailers) =
                    wit_future::new(|| Err(ErrorCode::InternalError(None)));
                let copying = copy(Rc::clone(copied), kept, to, to_trailers);
                Some(Outgoing { contents: Some(contents), trailers, copying: Box::pin(copying) })
            }
        }
    }

    /// It can be given once more, from its beginning.
    pub(crate) fn is_kept(&self) -> bool {
        match self {
            Self::None => true,
            Self::Whole(_) => false,
            Self::Copied(copied) => copied.try_lock().is_some_and(|copied| copied.kept.is_some()),
        }
    }

    /// The body was cut off because it was longer than the limit.
    pub(crate) fn is_too_long(&self) -> bool {
        match self {
            Self::None | Self::Whole(_) => false,
            Self::Copied(copied) => copied.try_lock().is_some_and(|copied| copied.is_too_long()),
        }
    }
}

/// A body that is copied. Whoever waits for its next chunk may be dropped, and nothing of it is lost.
pub(crate) struct Copied {
    /// The reading of the next chunk; none behind the end.
    reading: Option<Reading>,
    /// How the client's side ends. Its own trailers end here: a name in them would not have been judged.
    ending: Shared<LocalBoxFuture<'static, Result<(), ErrorCode>>>,
    /// What may still come, in bytes; nothing, when more has come.
    left: Option<u64>,
    /// All that was read, while it is little.
    kept: Option<Vec<u8>>,
}

type Reading = LocalBoxFuture<'static, (StreamReader<u8>, StreamResult, Vec<u8>)>;

fn read(mut from: StreamReader<u8>) -> Reading {
    Box::pin(async move {
        let (result, chunk) = from.read(Vec::with_capacity(CHUNK)).await;
        (from, result, chunk)
    })
}

impl Copied {
    fn is_too_long(&self) -> bool {
        self.left.is_none()
    }

    /// The next chunk; none at the end, or when there is more than may be.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let (from, result, chunk) = self.reading.as_mut()?.await;
        let is_over = !matches!(result, StreamResult::Complete(_));
        self.reading = (!is_over).then(|| read(from));
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.left = self.left.and_then(|left| left.checked_sub(length));
        if self.is_too_long() {
            self.reading = None;
            return None;
        }
        match &mut self.kept {
            Some(kept) if kept.len().saturating_add(chunk.len()) <= KEPT => {
                kept.extend_from_slice(&chunk);
            }
            _ => self.kept = None,
        }
        (!is_over || !chunk.is_empty()).then_some(chunk)
    }

    async fn end(&self) -> End {
        if self.is_too_long() {
            return Err(ErrorCode::HttpRequestBodySize(None));
        }
        self.ending.clone().await.map(|()| None)
    }
}

/// Copies what is kept and what comes. A body that is too long or that the client breaks off has an error in place
/// of trailers, so that the origin can't take the part for the whole.
async fn copy(
    from: Rc<Mutex<Copied>>,
    kept: Vec<u8>,
    mut to: StreamWriter<u8>,
    to_trailers: FutureWriter<End>,
) {
    if !kept.is_empty() && !to.write_all(kept).await.is_empty() {
        return;
    }
    loop {
        let next = from.lock().await.next().await;
        let Some(chunk) = next else { break };
        if !chunk.is_empty() && !to.write_all(chunk).await.is_empty() {
            return;
        }
    }
    let end = from.lock().await.end().await;
    drop(to);
    // Nobody is left to hear it where the origin has gone.
    let _ = to_trailers.write(end).await;
}
