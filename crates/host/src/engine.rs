//! The WebAssembly engine: what a component may use, how much of it, and for how long.

use std::path::Path;
use std::time::Duration;

use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
};

use crate::kv::private_directory;
use crate::{HostError, Limits};

/// How often running guests are interrupted, to let others run and to see whether they hang.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Builds the engine and the thread that advances its epoch for as long as the engine lives.
pub(crate) fn start(limits: &Limits, cache: Option<&Path>) -> Result<Engine, HostError> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .wasm_wide_arithmetic(true)
        .epoch_interruption(true);
    if let Some(directory) = cache {
        // Cached machine code is run without a check, so nobody else may write it.
        private_directory(directory)?;
        let directory = directory.canonicalize().map_err(|error| {
            HostError::new(format!(
                "cannot use the cache directory {}: {error}",
                directory.display()
            ))
        })?;
        let mut settings = CacheConfig::new();
        settings.with_directory(directory);
        let cache = Cache::new(settings).map_err(|error| {
            HostError::new(format!("cannot use the compilation cache: {error:#}"))
        })?;
        config.cache(Some(cache));
    }
    let engine = pooled(&mut config, limits).map_err(|error| {
        HostError::new(format!("cannot start the WebAssembly engine: {error:#}"))
    })?;
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("sekisho-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map_err(|error| HostError::new(format!("cannot start the epoch thread: {error}")))?;
    Ok(engine)
}

/// Reserves the address space of all instances up front, which makes a new one cost microseconds. Where the system
/// grants too little of it (`ulimit -v`), instances are allocated one by one instead.
fn pooled(config: &mut Config, limits: &Limits) -> wasmtime::Result<Engine> {
    // A request holds at most one instance per component of its chain; generations overlap briefly.
    let instances = u32::try_from(limits.requests.saturating_add(256)).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(6))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances.saturating_mul(2))
        .max_core_instances_per_component(32)
        .max_memories_per_component(2)
        .max_tables_per_component(16)
        .max_component_instance_size(4 * 1024 * 1024)
        .max_core_instance_size(1024 * 1024)
        .max_memory_size(limits.instance_memory);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(config).or_else(|error| {
        tracing::warn!("no pooled instances: {error:#}");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(config)
    })
}
