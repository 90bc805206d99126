//! The gateway component.
#![cfg(target_family = "wasm")]
