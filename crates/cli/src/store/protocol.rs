//! What commands ask of the gateway that has the store: a frame with a length, in it the release's name and the
//! question; and a frame with the answer. Both sides are of one release, or do not talk.

use bytes::Bytes;
use sekisho_host::{Change, Entries, Made};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::codec::LengthDelimitedCodec;

/// The largest frame: what 100,000 users are.
const LARGEST: usize = 64 * 1024 * 1024;

const RELEASE: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    Get(String),
    Keys,
    Entries(String),
    Change(Vec<Change>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Value(Option<Vec<u8>>),
    Keys(Vec<String>),
    Entries(Entries),
    Made(Made),
    Failed(String),
}

pub(super) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(LARGEST).new_codec()
}

pub(super) fn encode(value: &impl Serialize) -> Result<Bytes, String> {
    let frame = postcard::to_allocvec(&(RELEASE, value)).map_err(|error| error.to_string())?;
    if frame.len() > LARGEST {
        return Err("more is asked than fits into one answer".to_owned());
    }
    Ok(frame.into())
}

pub(super) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T, String> {
    let (release, rest): (String, &[u8]) = postcard::take_from_bytes(frame)
        .map_err(|_| "the other side speaks another language".to_owned())?;
    if release != RELEASE {
        return Err(format!("the other side is of release {release}, this one of {RELEASE}"));
    }
    postcard::from_bytes(rest).map_err(|error| error.to_string())
}
