//! What ends the gateway's own sessions.

use serde::{Deserialize, Serialize};

/// What ends a session of the gateway's own, beside its token's `exp` and whoever ends it. Each is a record then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// How long it may go unused, in seconds.
    pub idle_s: u32,
    /// How long it may last, in seconds.
    pub absolute_s: u32,
}
