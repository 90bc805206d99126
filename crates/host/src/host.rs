//! Starting, reloading and ending an application.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::app::{App, Handlers};
use crate::clock::WallClock;
use crate::config::{Config, ConfigView};
use crate::drain::Drainer;
use crate::in_progress::InProgress;
use crate::instance::{Blueprint, Ctx, Generation};
use crate::kv::{KeyValue, Kv, KvView, State, Stores};
use crate::listen::{self, Listener};
use crate::manifest::{ComponentSpec, Manifest, Templated};
use crate::observe::{Meter, Observed, Observer};
use crate::outbound::Pools;
use crate::output::{LineSink, Output, Writer};
use crate::response::Body;
use crate::tls::OriginTls;
use crate::variables::Variables;
use crate::{HostError, Limits, bindings, engine, files, hooks};

/// How an application is run.
#[derive(Clone)]
pub struct HostConfig {
    /// The application.
    pub manifest: Manifest,
    /// Addresses to serve; may be empty, see [`Host::call`].
    pub listeners: Vec<Listener>,
    /// Where key-value stores live.
    pub state: State,
    /// Directories to mount instead of the manifest's, by the path at which components see them.
    pub mounts: BTreeMap<String, PathBuf>,
    /// Values of variables; they win over `SPIN_VARIABLE_<NAME>` in the environment and over defaults.
    pub variables: BTreeMap<String, String>,
    /// Bounds.
    pub limits: Limits,
    /// Where compiled components are kept between starts, or nothing to compile at every start.
    pub cache_dir: Option<PathBuf>,
    /// TLS of outgoing requests.
    pub origin_tls: OriginTls,
    /// Where components' lines go.
    pub output: Output,
    /// Who else is told of each line, beside where it goes.
    pub taps: Vec<LineSink>,
    /// Who is told what the host does.
    pub observer: Option<Observer>,
    /// Variables of the environment that every component has beside the manifest's.
    pub environment: BTreeMap<String, String>,
    /// The wall clock components see, if not the system's.
    pub wall_clock: Option<WallClock>,
}

impl HostConfig {
    /// The application with state in memory, no listener, and defaults.
    pub fn new(manifest: Manifest) -> Self {
        Self {
            manifest,
            listeners: Vec::new(),
            state: State::Memory,
            mounts: BTreeMap::new(),
            variables: BTreeMap::new(),
            limits: Limits::default(),
            cache_dir: None,
            origin_tls: OriginTls::default(),
            output: Output::default(),
            taps: Vec::new(),
            observer: None,
            environment: BTreeMap::new(),
            wall_clock: None,
        }
    }
}

/// A running application. Dropping it cuts all connections; [`Host::shutdown`] lets them finish.
pub struct Host {
    app: Arc<App>,
    manifest: Manifest,
    addrs: Vec<SocketAddr>,
    drainer: Drainer,
    writer: Writer,
    alive: watch::Sender<usize>,
    meter: Meter,
}

impl Host {
    /// Compiles the components, opens the stores and begins to serve. When it returns, requests are answered.
    pub async fn start(config: HostConfig) -> Result<Self, HostError> {
        let mut bound = Vec::new();
        for listener in &config.listeners {
            bound.push(listener.bind().await?);
        }
        let writer = Writer::start(&config.output)
            .map_err(|error| HostError::new(format!("cannot start the output thread: {error}")))?
            .tapped(&config.taps);
        let alive = watch::Sender::new(0);
        let manifest = config.manifest.clone();
        let connections = Arc::new(Semaphore::new(config.limits.connections));
        let (their_writer, their_alive) = (writer.clone(), alive.clone());
        let app =
            tokio::task::spawn_blocking(move || build_app(&config, &their_writer, &their_alive))
                .await
                .map_err(|error| HostError::new(format!("the start was interrupted: {error}")))??;
        let meter = Meter {
            alive: alive.subscribe(),
            connections: (Arc::clone(&connections), app.limits.connections),
            requests: (Arc::clone(&app.requests), app.limits.requests),
            compiled_in: app.compiled_in,
        };
        let drainer = Drainer::new();
        let addrs = bound.iter().map(|bound| bound.addr).collect();
        for bound in bound {
            tokio::spawn(listen::serve(
                bound,
                Arc::clone(&app),
                Arc::clone(&connections),
                drainer.drain(),
            ));
        }
        Ok(Self { app, manifest, addrs, drainer, writer, alive, meter })
    }

    /// The addresses served, in the order of [`HostConfig::listeners`].
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.addrs.clone()
    }

    /// Reads what is in use.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// Answers a request as a listener would, as if `peer` had sent it over HTTPS or HTTP.
    pub async fn call<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
        https: bool,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        self.app.serve(request, peer, https).await
    }

    /// Mounts other directories, by the path at which components see them; the manifest's stay where none is given.
    ///
    /// Requests in progress finish with the files they began with. Every request that arrives after this has
    /// returned sees the new ones. On an error nothing changes.
    pub fn reload(&self, mounts: &BTreeMap<String, PathBuf>) -> Result<(), HostError> {
        check_mounts(&self.manifest, mounts)?;
        let handlers = Arc::new(handlers(&self.manifest, &self.app.blueprints, mounts)?);
        *self.app.handlers.write().unwrap_or_else(PoisonError::into_inner) = handlers;
        Ok(())
    }

    /// Gives variables other values, which components see when they next read them. Destinations that a component may
    /// reach stay as they were. On an error nothing changes.
    pub fn set_variables(&self, values: &BTreeMap<String, String>) -> Result<(), HostError> {
        let variables = Variables::resolve(&self.manifest, |key| std::env::var(key).ok(), values)?;
        let mut all = Vec::new();
        for (name, blueprint) in &self.app.blueprints {
            if let Some(spec) = self.manifest.components.get(name) {
                all.push((blueprint, rendered(&self.manifest, spec, &variables)?));
            }
        }
        for (blueprint, rendered) in all {
            *blueprint.variables.write().unwrap_or_else(PoisonError::into_inner) = rendered;
        }
        Ok(())
    }

    /// The key-value store that components know by `label`.
    pub fn store(&self, label: &str) -> Arc<dyn KeyValue> {
        self.app.stores.store(label)
    }

    /// Stops listening, lets connections, requests and instances finish for at most `grace`, then cuts them.
    pub async fn shutdown(self, grace: Duration) {
        let end = Instant::now() + grace;
        self.drainer.begin();
        let all = u32::try_from(self.app.limits.requests).unwrap_or(u32::MAX);
        let finish = async {
            self.drainer.finished().await;
            // Requests of `Host::call` hold no connection.
            drop(self.app.requests.acquire_many(all).await);
            // What components do after their last answer, such as a last line of a log.
            drop(self.alive.subscribe().wait_for(|alive| *alive == 0).await);
        };
        if tokio::time::timeout_at(end, finish).await.is_err() {
            tracing::warn!("requests were cut off after {grace:?}");
            self.drainer.cut();
            self.drainer.finished().await;
        }
        self.app.stores.close().await;
        let writer = self.writer.clone();
        drop(tokio::task::spawn_blocking(move || writer.flush(Duration::from_secs(5))).await);
    }
}

fn build_app(
    config: &HostConfig,
    writer: &Writer,
    alive: &watch::Sender<usize>,
) -> Result<Arc<App>, HostError> {
    let manifest = &config.manifest;
    check_mounts(manifest, &config.mounts)?;
    let variables = Variables::resolve(manifest, |key| std::env::var(key).ok(), &config.variables)?;
    let stores = Stores::open(&config.state)?;
    let observed = Observed(config.observer.clone());
    let pools = Pools::new(&config.limits, &config.origin_tls, &observed)?;
    let engine = engine::start(&config.limits, config.cache_dir.as_deref())?;
    let linker = linker(&engine).map_err(|error| {
        HostError::new(format!("cannot set up the component interfaces: {error:#}"))
    })?;
    let mut failed = None;
    let began = Instant::now();
    let app = Arc::new_cyclic(|app: &Weak<App>| {
        let parts = Parts {
            config,
            writer,
            alive,
            variables: &variables,
            stores: &stores,
            engine: &engine,
            linker: &linker,
            app,
        };
        let mut blueprints = HashMap::new();
        for (name, spec) in &manifest.components {
            match parts.blueprint(name, spec) {
                Ok(blueprint) => drop(blueprints.insert(name.clone(), Arc::new(blueprint))),
                Err(error) => failed = failed.take().or(Some(error)),
            }
        }
        App {
            routes: manifest.routes.clone(),
            blueprints,
            compiled_in: began.elapsed(),
            observed: observed.clone(),
            handlers: RwLock::new(Arc::new(Handlers {
                by_name: HashMap::new(),
                _staged: Vec::new(),
            })),
            pools,
            stores,
            limits: config.limits.clone(),
            requests: Arc::new(Semaphore::new(config.limits.requests)),
            peers: InProgress::default(),
            hosts: InProgress::default(),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let handlers = handlers(manifest, &app.blueprints, &config.mounts)?;
    *app.handlers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(handlers);
    Ok(app)
}

/// A component's environment: what the manifest says, what the host was given, and that this host heeds
/// `sekisho-outbound-*`.
fn environment(spec: &ComponentSpec, more: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let heeds = ("SEKISHO_OUTBOUND".to_owned(), "1".to_owned());
    spec.environment.clone().into_iter().chain(more.clone()).chain([heeds]).collect()
}

/// A component's variables with their values.
fn rendered(
    manifest: &Manifest,
    spec: &ComponentSpec,
    variables: &Variables,
) -> Result<HashMap<String, String>, HostError> {
    let render = |(name, value): (&String, &Templated)| {
        let (span, value) = (&value.span, variables.render(&value.template));
        Ok((name.clone(), value.map_err(|message| manifest.error(span, message))?))
    };
    spec.variables.iter().map(render).collect()
}

/// What blueprints are made from.
struct Parts<'a> {
    config: &'a HostConfig,
    writer: &'a Writer,
    alive: &'a watch::Sender<usize>,
    variables: &'a Variables,
    stores: &'a Stores,
    engine: &'a Engine,
    linker: &'a Linker<Ctx>,
    app: &'a Weak<App>,
}

impl Parts<'_> {
    fn blueprint(&self, name: &str, spec: &ComponentSpec) -> Result<Blueprint, HostError> {
        let manifest = &self.config.manifest;
        if let Some(label) = spec.key_value_stores.iter().find(|label| !self.stores.has(label)) {
            return Err(HostError::new(format!(
                "component `{name}` has the key-value store {label:?}, and a Redis has \"default\" alone"
            ))
            .help("Keep the state on disk, or let the component use the store \"default\""));
        }
        Ok(Blueprint {
            name: Arc::from(name),
            engine: self.engine.clone(),
            pre: self.compile(name, spec)?,
            environment: environment(spec, &self.config.environment),
            stores: spec
                .key_value_stores
                .iter()
                .map(|label| (label.clone(), self.stores.store(label)))
                .collect(),
            variables: RwLock::new(rendered(manifest, spec, self.variables)?),
            outbound: manifest.outbound_patterns(spec, self.variables)?,
            limits: self.config.limits.clone(),
            wall_clock: self.config.wall_clock.clone(),
            writer: self.writer.clone(),
            app: Weak::clone(self.app),
            observed: Observed(self.config.observer.clone()),
            alive: self.alive.clone(),
        })
    }

    fn compile(&self, name: &str, spec: &ComponentSpec) -> Result<ServicePre<Ctx>, HostError> {
        let manifest = &self.config.manifest;
        let at = |message: String| manifest.error(&spec.source_span, message);
        let bytes = std::fs::read(&spec.source).map_err(|error| {
            at(format!(
                "cannot read the component `{name}` from {}: {error}",
                spec.source.display()
            ))
            .help("Build it first")
        })?;
        let component = Component::new(self.engine, bytes).map_err(|error| {
            at(format!("{} is not a component this host can run: {error:#}", spec.source.display()))
        })?;
        let pre = self.linker.instantiate_pre(&component).map_err(|error| {
            at(format!("component `{name}` needs what this host does not offer: {error:#}")).help(
                "The host offers wasi:* 0.2 and 0.3, spin:key-value@3.0.0, spin:variables@3.0.0 and wasi:keyvalue@0.2.0-draft2",
            )
        })?;
        ServicePre::new(pre).map_err(|error| {
            at(format!("component `{name}` does not export wasi:http/handler@0.3.0: {error:#}"))
        })
    }
}

/// Everything a component may import.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<Ctx>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    hooks::add_to_linker(&mut linker)?;
    bindings::spin::key_value::key_value::add_to_linker::<_, Kv>(&mut linker, stores)?;
    bindings::keyvalue::wasi::keyvalue::store::add_to_linker::<_, Kv>(&mut linker, stores)?;
    bindings::keyvalue::wasi::keyvalue::atomics::add_to_linker::<_, Kv>(&mut linker, stores)?;
    bindings::keyvalue::wasi::keyvalue::batch::add_to_linker::<_, Kv>(&mut linker, stores)?;
    bindings::spin::variables::variables::add_to_linker::<_, Config>(
        &mut linker,
        |ctx: &mut Ctx| ConfigView(&ctx.blueprint.variables),
    )?;
    Ok(linker)
}

fn stores(ctx: &mut Ctx) -> KvView<'_> {
    KvView {
        table: &mut ctx.table,
        stores: &ctx.blueprint.stores,
        open: &mut ctx.open_stores,
        observed: &ctx.blueprint.observed,
    }
}

fn check_mounts(manifest: &Manifest, mounts: &BTreeMap<String, PathBuf>) -> Result<(), HostError> {
    let is_known = |guest: &str| manifest.mount(guest).is_some() || manifest.has_place(guest);
    match mounts.keys().find(|guest| !is_known(guest)) {
        None => Ok(()),
        Some(guest) => Err(HostError::new(format!("no component has files at {guest}"))
            .help("Mount over a `destination` of the manifest's `files`, or name it in a component's `tool.sekisho.mounts`")),
    }
}

fn handlers(
    manifest: &Manifest,
    blueprints: &HashMap<String, Arc<Blueprint>>,
    mounts: &BTreeMap<String, PathBuf>,
) -> Result<Handlers, HostError> {
    let mut by_name = HashMap::new();
    let mut staged = Vec::new();
    for (name, blueprint) in blueprints {
        let Some(spec) = manifest.components.get(name) else {
            continue;
        };
        let mounted = files::mount(manifest, spec, mounts)?;
        staged.extend(mounted.staged);
        let generation =
            Generation { blueprint: Arc::clone(blueprint), mounts: Arc::new(mounted.mounts) };
        by_name.insert(name.clone(), ProxyHandler::new(generation));
    }
    Ok(Handlers { by_name, _staged: staged })
}
