//! Runs a command-line program that is a component, by an engine with the settings of `sekisho up` that
//! touch generated code.

use std::path::Path;

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

struct Guest {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// What the program writes, and whether it ends well.
pub(crate) async fn run(program: &Path, arguments: &[&str], input: String) -> (String, bool) {
    let mut config = Config::new();
    config.wasm_wide_arithmetic(true).epoch_interruption(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::from_file(&engine, program).unwrap();
    let mut linker = Linker::<Guest>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    let output = MemoryOutputPipe::new(1024 * 1024);
    let wasi = WasiCtx::builder()
        .arg("program")
        .args(arguments)
        .stdin(MemoryInputPipe::new(input))
        .stdout(output.clone())
        .inherit_stderr()
        .build();
    let mut store = Store::new(&engine, Guest { wasi, table: ResourceTable::new() });
    store.set_epoch_deadline(u64::MAX / 2);
    let program =
        wasmtime_wasi::p2::bindings::Command::instantiate_async(&mut store, &component, &linker);
    let ended = program.await.unwrap().wasi_cli_run().call_run(&mut store).await;
    (String::from_utf8_lossy(&output.contents()).into_owned(), matches!(ended, Ok(Ok(()))))
}
