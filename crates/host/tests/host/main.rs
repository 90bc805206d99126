//! The host with a real component over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test fails by panicking"
)]

mod chaining;
mod inbound;
mod lifecycle;
mod limits;
mod outbound;
mod spin;
#[path = "../support/mod.rs"]
mod support;
