//! What of an audit record is counted and traced.

use serde::Deserialize;

/// How every record begins.
const BEGINNING: &[u8] = b"{\"v\":";

/// An audit record, as far as it is needed. Nothing is copied: what stands here has no escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'r> {
    v: u8,
    pub(super) event: Option<&'r str>,
    pub(super) time: Option<&'r str>,
    pub(super) request_id: Option<&'r str>,
    pub(super) trace_id: Option<&'r str>,
    pub(super) span_id: Option<&'r str>,
    pub(super) parent_span_id: Option<&'r str>,
    pub(super) sampled: Option<bool>,
    pub(super) tenant: Option<&'r str>,
    pub(super) method: Option<&'r str>,
    pub(super) route: Option<&'r str>,
    pub(super) origin: Option<&'r str>,
    pub(super) decision: Option<&'r str>,
    pub(super) reason: Option<&'r str>,
    pub(super) would_deny: Option<&'r str>,
    pub(super) status: u16,
    pub(super) end: Option<&'r str>,
    pub(super) bytes: u64,
    pub(super) duration_us: u64,
}

impl<'r> Record<'r> {
    /// Reads a line of a component's; nothing, where it is no record.
    ///
    /// # Errors
    /// It begins like a record and can't be read.
    pub(super) fn parse(line: &'r [u8]) -> Result<Option<Self>, Unreadable> {
        if !line.starts_with(BEGINNING) {
            return Ok(None);
        }
        match serde_json::from_slice::<Self>(line) {
            Ok(record) if record.v == 1 => Ok(Some(record)),
            _ => Err(Unreadable),
        }
    }

    /// It tells of a request, and not of the end of a stream.
    pub(super) fn is_of_a_request(&self) -> bool {
        self.event.is_none()
    }
}

/// A record that can't be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;
