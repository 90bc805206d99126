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
