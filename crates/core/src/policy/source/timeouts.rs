//! Times in milliseconds.

use super::Spanned;
use serde::Deserialize;

/// Times in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the keys of the file say their unit")]
pub(in crate::policy) struct TimeoutsSource {
    /// To accept the connection.
    pub connect_ms: Option<Spanned<u64>>,
    /// To send the first byte of its answer.
    pub first_byte_ms: Option<Spanned<u64>>,
    /// Between two bytes.
    pub idle_ms: Option<Spanned<u64>>,
}
