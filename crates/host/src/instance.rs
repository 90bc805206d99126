//! Instances of a component: what each one owns, when it takes a request, when it ends.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::Limits;
use crate::app::App;
use crate::clock::{GuestClock, WallClock};
use crate::hooks::Hooks;
use crate::kv::KeyValue;
use crate::observe::Observed;
use crate::output::{ComponentStream, Stream, Writer};
use crate::scope::{Fate, Scope};

/// What every instance of a component is made from; fixed for the host's life.
pub(crate) struct Blueprint {
    pub(crate) name: Arc<str>,
    pub(crate) engine: Engine,
    pub(crate) pre: ServicePre<Ctx>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) stores: HashMap<String, Arc<dyn KeyValue>>,
    pub(crate) variables: std::sync::RwLock<HashMap<String, String>>,
    pub(crate) outbound: Vec<crate::outbound_hosts::Pattern>,
    pub(crate) limits: Limits,
    pub(crate) wall_clock: Option<WallClock>,
    pub(crate) writer: Writer,
    pub(crate) app: Weak<App>,
    pub(crate) observed: Observed,
    /// Instances alive, over all generations.
    pub(crate) alive: tokio::sync::watch::Sender<usize>,
}

/// A host directory and where the component sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    /// Whether it is a directory of the machine's that may be large, and not a few files that an instance reads when it starts.
    pub(crate) grows: bool,
}

/// A component with one set of files. A reload makes a new generation; instances of the old one finish the requests
/// they have.
pub(crate) struct Generation {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) mounts: Arc<Vec<Mount>>,
}

/// The data of one instance's store.
pub(crate) struct Ctx {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub(crate) hooks: Hooks,
    limits: StoreLimits,
    pub(crate) blueprint: Arc<Blueprint>,
    /// Key-value stores the instance holds open.
    pub(crate) open_stores: usize,
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Ctx {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl Generation {
    /// The WASI context: no inherited environment, no arguments, no standard input, no sockets, files read-only.
    fn wasi(&self) -> wasmtime::Result<WasiCtx> {
        let blueprint = &*self.blueprint;
        let mut builder = WasiCtxBuilder::new();
        builder
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            // Of small local files, read when an instance starts, a hop to another thread for each call costs more than
            // the call. What may be large and on a slow disk must not keep others waiting.
            .allow_blocking_current_thread(!self.mounts.iter().any(|mount| mount.grows))
            .envs(&blueprint.environment)
            .stdout(ComponentStream::new(&blueprint.name, Stream::Out, &blueprint.writer))
            .stderr(ComponentStream::new(&blueprint.name, Stream::Err, &blueprint.writer));
        if let Some(clock) = &blueprint.wall_clock {
            builder.wall_clock(GuestClock(Arc::clone(clock)));
        }
        for mount in self.mounts.iter() {
            builder.preopened_dir(&mount.host, &mount.guest, FsPerms::ReadOnly)?;
        }
        Ok(builder.build())
    }
}

impl HandlerState for Generation {
    type StoreData = Ctx;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Ctx, Expiration, Worker>> {
        let blueprint = &self.blueprint;
        let ctx = Ctx {
            table: ResourceTable::new(),
            wasi: self.wasi()?,
            http: WasiHttpCtx::new(),
            hooks: Hooks::new(Arc::clone(blueprint)),
            limits: StoreLimitsBuilder::new().memory_size(blueprint.limits.instance_memory).build(),
            blueprint: Arc::clone(blueprint),
            open_stores: 0,
        };
        let mut store = Store::new(&blueprint.engine, ctx);
        store.limiter(|ctx| &mut ctx.limits);
        let progress = Arc::<Progress>::default();
        watch_for_hanging(&mut store, &progress, blueprint);
        let pre = ProxyPre::P3(blueprint.pre.clone());
        let proxy = pre.instantiate_async(&mut store).await?;
        blueprint.alive.send_modify(|alive| *alive += 1);
        Ok(Instance {
            store,
            proxy,
            view: Ctx::http,
            expiration: Expiration {
                idle: blueprint.limits.instance_idle,
                sleep: None,
                progress: Arc::clone(&progress),
            },
            state: Worker { blueprint: Arc::clone(blueprint), fate: Arc::default(), progress },
        })
    }
}

/// How far an instance has come; shared by those who see it move and the watch that traps it when it does not.
#[derive(Default)]
pub(crate) struct Progress {
    turns: AtomicU64,
    interrupted: AtomicBool,
}

impl Progress {
    fn advance(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }
}

/// Interrupts the guest at every tick to let other tasks run, and traps it when it has computed for too long: when
/// the instance's event loop has not turned meanwhile.
fn watch_for_hanging(store: &mut Store<Ctx>, progress: &Arc<Progress>, blueprint: &Blueprint) {
    let progress = Arc::clone(progress);
    let compute = blueprint.limits.compute;
    let mut seen = (progress.turns.load(Ordering::Relaxed), Instant::now());
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let turns = progress.turns.load(Ordering::Relaxed);
        if seen.0 != turns {
            seen = (turns, Instant::now());
        } else if seen.1.elapsed() > compute {
            wasmtime::bail!("the component computed for more than {compute:?} without a pause");
        }
        progress.interrupted.store(true, Ordering::Relaxed);
        Ok(UpdateDeadline::Yield(1))
    });
}

/// Decides which requests an instance takes.
pub(crate) struct Worker {
    blueprint: Arc<Blueprint>,
    fate: Arc<Fate>,
    progress: Arc<Progress>,
}

impl WorkerState for Worker {
    type StoreData = Ctx;
    type RequestData = Arc<Scope>;

    /// Also a sign that the instance's event loop turns: wasmtime asks at every turn while the answer can be yes.
    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        self.progress.advance();
        if total >= self.blueprint.limits.instance_requests {
            ShouldAccept::Never
        } else if concurrent >= self.blueprint.limits.instance_concurrency {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, Ctx>,
        scope: Arc<Scope>,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        scope.accepted_by(&self.fate);
        store.data_mut().hooks.started(task, &scope);
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<Ctx>, result: wasmtime::Result<()>) {
        if let Err(error) = &result {
            // Before the store goes, and with it the senders of unfinished bodies: a body that ends now is cut off.
            self.fate.fail();
            tracing::error!(component = &*self.blueprint.name, "an instance failed: {error:#}");
        }
        drop(store);
        self.blueprint.alive.send_modify(|alive| *alive -= 1);
    }
}

/// Ends an instance that has had nothing to do for a while.
pub(crate) struct Expiration {
    idle: std::time::Duration,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
    progress: Arc<Progress>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        // wasmtime polls this whenever the instance waits: for the host, which is progress, or for its next tick.
        if !self.progress.interrupted.swap(false, Ordering::Relaxed) {
            self.progress.advance();
        }
        if status != WorkerStatus::Idle {
            self.sleep = None;
            return Poll::Pending;
        }
        let idle = self.idle;
        let (since, sleep) = self.sleep.get_or_insert_with(|| {
            (start, Box::pin(tokio::time::sleep_until((start + idle).into())))
        });
        if *since != start {
            *since = start;
            sleep.as_mut().reset((start + idle).into());
        }
        sleep.as_mut().poll(cx)
    }
}
