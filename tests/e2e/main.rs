//! End to end: the compiled `.wasm` in the real host, over real sockets and real TLS, between a real
//! client and a real origin.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

mod admin;
mod browser;
mod cases;
mod compiled;
mod fast;
mod faults;
mod faulty;
mod fleet;
mod grpc;
mod jose;
mod keys;
mod killed;
mod limits;
mod malformed;
mod memory;
mod metrics;
mod origins;
mod own;
mod passing;
mod people;
mod portable;
mod process;
mod provider;
mod refusals;
mod roads;
mod sites;
mod soak;
mod streams;
mod support;
mod switching;
mod trail;
mod trailers;

#[path = "../wasi/mod.rs"]
mod wasi;
