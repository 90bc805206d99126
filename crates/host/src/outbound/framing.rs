//! How an origin says where its answer ends.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

/// Whether it says so in one way that everybody behind us reads alike: one length, or chunks and nothing besides, or
/// neither. RFC 9112, section 6.3, has chunks win over a length, and section 6.1 has whoever sees both suspect an
/// attempt to smuggle; a coding that nobody asked for would reach a client who is not told of it.
pub(super) fn is_sound(headers: &HeaderMap) -> bool {
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => lengths <= 1,
        (Some(coding), None) => lengths == 0 && coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}
