//! Request bodies. One with a length passes by handle: the guest never touches a byte, and the
//! host holds it to its length. One without a length is counted on its way, because nothing else
//! would stop it at the route's limit.

use std::cell::Cell;
use std::rc::Rc;
use wasip3::http::types::{ErrorCode, Fields, Request};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use wasip3::{wit_future, wit_stream};

const CHUNK: usize = 64 * 1024;

type Trailers = FutureReader<Result<Option<Fields>, ErrorCode>>;

/// A request body on its way to an origin.
pub(crate) struct Outgoing {
    pub(crate) contents: Option<StreamReader<u8>>,
    pub(crate) trailers: Trailers,
    exceeded: Rc<Cell<bool>>,
}

impl Outgoing {
    /// The body was cut off because it was longer than the limit.
    pub(crate) fn exceeded(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.exceeded)
    }
}

/// Takes the body out of a request.
pub(crate) fn outgoing(
    incoming: Request,
    method: &str,
    length: Option<u64>,
    limit: u64,
) -> Outgoing {
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    let (contents, trailers) = Request::consume_body(incoming, result);
    let exceeded = Rc::new(Cell::new(false));
    match length {
        Some(0) => none(exceeded),
        Some(_) => Outgoing { contents: Some(contents), trailers, exceeded },
        // Content in these has no meaning (RFC 9110, sections 9.3.1 and 9.3.2), and unannounced
        // content is what smugglers hide a second request in: it stays here.
        None if matches!(method, "GET" | "HEAD") => none(exceeded),
        None => counted(contents, trailers, limit, exceeded),
    }
}

fn none(exceeded: Rc<Cell<bool>>) -> Outgoing {
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    drop(trailers_writer);
    Outgoing { contents: None, trailers, exceeded }
}

/// Copies chunk by chunk up to the limit. Beyond it the request to the origin breaks off: an error
/// in place of trailers, so that the origin can't take the part for the whole.
fn counted(
    mut from: StreamReader<u8>,
    from_trailers: Trailers,
    limit: u64,
    exceeded: Rc<Cell<bool>>,
) -> Outgoing {
    let (mut to, contents) = wit_stream::new();
    let (to_trailers, trailers) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
    let flag = Rc::clone(&exceeded);
    wasip3::spawn(async move {
        let mut left = limit;
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            let (result, read) = from.read(chunk).await;
            let length = u64::try_from(read.len()).unwrap_or(u64::MAX);
            let Some(rest) = left.checked_sub(length) else {
                flag.set(true);
                // Nobody is left to hear it where the origin has gone already.
                let _ = to_trailers.write(Err(ErrorCode::HttpRequestBodySize(Some(limit)))).await;
                return;
            };
            left = rest;
            if !read.is_empty() {
                let remaining = to.write_all(read).await;
                if !remaining.is_empty() {
                    return;
                }
            }
            match result {
                StreamResult::Complete(_) => chunk = Vec::with_capacity(CHUNK),
                StreamResult::Dropped | StreamResult::Cancelled => break,
            }
        }
        drop(to);
        // The client's own trailers end here: a name in them would not have been judged.
        let end = from_trailers.await.map(|_| None);
        let _ = to_trailers.write(end).await;
    });
    Outgoing { contents: Some(contents), trailers, exceeded }
}
