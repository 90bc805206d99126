//! Events that the trail alone records.

pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const TORN: &str = "torn";
pub(crate) const TEXT: &str = "text";

/// All of them.
pub(crate) const OWN: [&str; 3] = [CHECKPOINT, TORN, TEXT];
