//! End to end: the compiled `.wasm` in the real host, over real sockets and real TLS, between a real
//! client and a real origin.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod cases;
mod compiled;
mod fast;
mod faults;
mod grpc;
mod jose;
mod keys;
mod limits;
mod malformed;
mod memory;
mod own;
mod passing;
mod portable;
mod provider;
mod refusals;
mod roads;
mod soak;
mod streams;
mod support;
mod switching;
mod trailers;

#[path = "../wasi/mod.rs"]
mod wasi;
