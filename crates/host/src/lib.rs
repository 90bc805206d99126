//! Runs a Spin application manifest without Spin, on wasmtime.
//!
//! A [`Manifest`] says what the application is; [`HostConfig`] says how it is run; [`Host::start`] runs it. TLS ends
//! here, the client's address is taken from its connection here, and nothing but the interfaces and destinations
//! that the manifest grants reaches a component.

mod app;
mod bindings;
mod clock;
mod config;
mod drain;
mod engine;
mod error;
mod files;
mod hooks;
mod host;
mod in_progress;
mod inbound;
mod instance;
mod kv;
mod limits;
mod linger;
mod listen;
mod manifest;
mod observe;
mod outbound;
mod outbound_hosts;
mod output;
mod pace;
mod response;
mod routes;
mod scope;
pub mod tls;
mod variables;

pub use self::clock::WallClock;
pub use self::error::{HostError, Place};
pub use self::host::{Host, HostConfig};
pub use self::kv::{
    Change, Conflict, Entries, Expected, KeyValue, KeyValueError, Made, Opened, STATE_FILE, State,
    open,
};
pub use self::limits::Limits;
pub use self::listen::Listener;
pub use self::manifest::Manifest;
pub use self::observe::{Destination, Event, InUse, Meter, Observer, Refused, Sent};
pub use self::output::{LineSink, Output, Recorder, Stream};
pub use self::response::Body;
pub use self::tls::{OriginTls, Tls};
pub use wasmtime_wasi_http::Error as BodyError;
