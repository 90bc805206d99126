//! Generated bindings of the Spin interfaces.
#![allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "spin",
    with: {
        "spin:key-value/key-value.store": crate::kv::StoreHandle,
    },
    imports: { default: trappable },
});

/// A draft of `wasi:keyvalue`, whose functions wait for the store.
pub mod keyvalue {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "keyvalue",
        with: {
            "wasi:keyvalue/store.bucket": crate::kv::StoreHandle,
            "wasi:keyvalue/atomics.cas": crate::kv::Cas,
        },
        imports: { default: async | trappable },
    });
}
