//! A manifest, a policy and listeners: a running gateway.

use crate::audit::{self, Audit, Keeper};
use crate::own::Own;
use crate::report::{Failure, Style, say};
use crate::snapshot::Snapshot;
use crate::store::{Door, Keep, Kept, drain, sweep};
use crate::telemetry::{Telemetry, Wanted};
use crate::text::short;
use crate::{component, outbound};
use sekisho_core::Policy;
use sekisho_core::policy::{Tenant, TrustedProxies};
use sekisho_host::{Host, HostConfig, KeyValue, Listener, Manifest, OriginTls, Output, State, Tls};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// Where the component finds its policy.
const GUEST_POLICY: &str = "/policy";
/// Where a component finds the audit trail, if the manifest gives it a place there.
const GUEST_AUDIT: &str = "/audit";
/// How long requests may take to finish once the gateway was told to end.
const GRACE: Duration = Duration::from_secs(30);
/// How often it is looked for records of what commands changed.
const LOOK: Duration = Duration::from_secs(2);
/// How often sessions that are over are taken out of the store.
const SWEEP: Duration = Duration::from_hours(1);
/// The current policy's copy, and the one before it, which requests in progress may still read.
const SNAPSHOTS: usize = 2;

/// What a gateway is made of.
pub struct Plan {
    /// The application.
    pub manifest: Manifest,
    /// The policy, a directory or a compiled file; it is copied.
    pub policy: PathBuf,
    /// The address that is served over HTTPS.
    pub https: SocketAddr,
    /// An address that is served without TLS.
    pub http: Option<SocketAddr>,
    /// An address on this machine that is served without TLS as if with it.
    pub sidecar: Option<SocketAddr>,
    /// Certificate and key files; the development authority's certificate if there are none.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// TLS to origins.
    pub origin_tls: OriginTls,
    /// Where key-value stores live.
    pub state: State,
    /// Where the component's lines go, if they are not recorded.
    pub output: Output,
    /// Where audit records are kept, besides the standard output.
    pub audit: Option<audit::Plan>,
    /// The file of the gateway's own keys; without, the variable's value from the environment.
    pub keys: Option<PathBuf>,
    /// What it tells of itself.
    pub telemetry: Wanted,
}

/// A running gateway.
pub struct Gateway {
    host: Host,
    manifest: Manifest,
    policy: PathBuf,
    has_http: bool,
    keys: Option<PathBuf>,
    own: Own,
    audit: Option<Audit>,
    /// What the development certificate is for, if it is in use.
    certified: Option<Vec<String>>,
    snapshots: VecDeque<Snapshot>,
    /// Where commands come in, to a state on disk.
    door: Option<Door>,
    /// Takes the records of what commands change into the trail.
    clerk: JoinHandle<()>,
    telemetry: Telemetry,
}

/// The directory beside the manifest for what this program keeps: state, the development
/// authority, compiled components.
pub fn private_directory(manifest: &Manifest) -> PathBuf {
    component::directory(manifest).join(".sekisho")
}

/// The directory of the development authority; its certificate is `ca.pem`.
pub fn dev_ca_directory(manifest: &Manifest) -> PathBuf {
    private_directory(manifest).join("dev-ca")
}

/// The directory of the audit trail, where none is named.
pub fn audit_directory(manifest: &Manifest) -> PathBuf {
    private_directory(manifest).join("audit")
}

/// The policy directory that the manifest mounts.
pub fn mounted_policy(manifest: &Manifest) -> Result<PathBuf, Failure> {
    manifest.mount(GUEST_POLICY).map(Path::to_owned).ok_or_else(|| {
        Failure::invalid(format!(
            "{} mounts no directory at {GUEST_POLICY}",
            manifest.path().display()
        ))
        .help("add files = [{ source = \"policy\", destination = \"/policy\" }] to the component")
    })
}

/// Where everybody could connect, anybody could say that he came over HTTPS.
fn sidecar(addr: Option<SocketAddr>) -> Result<Option<Listener>, Failure> {
    let Some(addr) = addr else { return Ok(None) };
    if !addr.ip().is_loopback() {
        return Err(Failure::invalid(format!("{addr} can be reached from other machines"))
            .help("give --listen-sidecar an address on this machine, such as 127.0.0.1:8443"));
    }
    Ok(Some(Listener { addr, tls: None, tls_ended: true }))
}

impl Gateway {
    /// Checks policy and component, and begins to serve.
    pub async fn start(plan: Plan) -> Result<Self, Failure> {
        // The mount is a condition of every policy, also of one given by path.
        mounted_policy(&plan.manifest)?;
        let snapshot = Snapshot::take(&plan.policy, &private_directory(&plan.manifest))?;
        snapshot.warnings().iter().for_each(say);
        outbound::check(&plan.manifest, snapshot.policy())?;
        component::built(&plan.manifest)?;
        let certified = plan.tls.is_none().then(|| certificate_names(snapshot.policy()));
        let tls = match (plan.tls, &certified) {
            (Some((certificate, key)), _) => Tls::Files { certificate, key },
            (None, names) => Tls::Dev {
                directory: dev_ca_directory(&plan.manifest),
                names: names.clone().unwrap_or_default(),
            },
        };
        let mut config = HostConfig::new(plan.manifest.clone());
        let listener = |addr, tls| Listener { addr, tls, tls_ended: false };
        config.listeners.push(listener(plan.https, Some(tls)));
        config.listeners.extend(plan.http.map(|addr| listener(addr, None)));
        config.listeners.extend(sidecar(plan.sidecar)?);
        config.origin_tls = plan.origin_tls;
        config.state = plan.state.clone();
        let own = Own::read(plan.keys.as_deref(), &plan.manifest, snapshot.policy())?;
        // It makes the directory.
        let audit = plan.audit.map(|plan| Audit::start(&plan, &own)).transpose()?;
        config.mounts = mounts(&snapshot, audit.as_ref(), &plan.manifest);
        config.output = audit.as_ref().map_or(plan.output, Audit::output);
        config.variables.clone_from(&own.variables);
        config.cache_dir = Some(private_directory(&plan.manifest).join("cache"));
        if !matches!(snapshot.policy().edge().trusted_proxies(), TrustedProxies::Blocks(none) if none.is_empty())
        {
            // All clients share the proxy's address; the proxy bounds each of them.
            config.limits.requests_per_peer = config.limits.requests;
        }
        let mut telemetry =
            Telemetry::prepare(plan.telemetry, snapshot.shared_policy(), &mut config).await?;
        let host = Host::start(config).await?;
        let door = door(&plan.state, &host);
        let clerk =
            tokio::spawn(take_records(host.store("default"), audit.as_ref().map(Audit::keeper)));
        telemetry.started(&host);
        Ok(Self {
            door,
            clerk,
            host,
            manifest: plan.manifest,
            policy: plan.policy,
            has_http: plan.http.is_some(),
            keys: plan.keys,
            own,
            audit,
            certified,
            snapshots: VecDeque::from([snapshot]),
            telemetry,
        })
    }

    /// The address that is served over HTTPS.
    pub fn https(&self) -> Option<SocketAddr> {
        self.host.addrs().first().copied()
    }

    /// The policy in force.
    pub fn policy(&self) -> Option<&Policy> {
        self.snapshots.back().map(Snapshot::policy)
    }

    /// The digest of the policy in force, short.
    pub fn digest(&self) -> String {
        self.policy().map(|policy| short(policy.digest())).unwrap_or_default()
    }

    /// One line that says where it serves, and by which policy.
    pub fn ready(&self) -> String {
        let addrs = self.host.addrs();
        let schemes = ["https", "http"];
        let urls: Vec<String> = addrs
            .iter()
            .zip(schemes.iter().take(1 + usize::from(self.has_http)))
            .map(|(addr, scheme)| format!("{scheme}://{addr}"))
            .collect();
        format!("listening on {} (policy {})", urls.join(" and "), self.digest())
    }

    /// Brings the policy directory and the file of keys as they are now into force, or leaves everything as
    /// it was.
    pub fn reload(&mut self) -> Result<(), Failure> {
        let result = self.try_reload();
        let policy = self.snapshots.back().filter(|_| result.is_ok());
        self.telemetry.reloaded(policy.map(Snapshot::shared_policy));
        result
    }

    fn try_reload(&mut self) -> Result<(), Failure> {
        let snapshot = Snapshot::take(&self.policy, &private_directory(&self.manifest))?;
        outbound::check(&self.manifest, snapshot.policy())?;
        let own = Own::read(self.keys.as_deref(), &self.manifest, snapshot.policy())?;
        self.host.set_variables(&own.variables)?;
        if let Err(error) =
            self.host.reload(&mounts(&snapshot, self.audit.as_ref(), &self.manifest))
        {
            self.host.set_variables(&self.own.variables)?;
            return Err(error.into());
        }
        own.tell_of_change(&self.own);
        if let Some(audit) = &self.audit {
            audit.sign_by(&own);
        }
        self.own = own;
        self.warn_of_uncertified(snapshot.policy());
        self.snapshots.push_back(snapshot);
        while self.snapshots.len() > SNAPSHOTS {
            self.snapshots.pop_front();
        }
        Ok(())
    }

    /// The development certificate is made at the start, for the hosts that there are then.
    fn warn_of_uncertified(&self, policy: &Policy) {
        let Some(certified) = &self.certified else {
            return;
        };
        let new = certificate_names(policy).into_iter().filter(|name| !certified.contains(name));
        for name in new {
            say(format_args!(
                "the development certificate does not name {name}; a restart makes one that does"
            ));
        }
    }

    /// Takes sessions that are over out of the store, beside what is served.
    fn sweep(&self) {
        let Some(rules) = self.policy().and_then(Policy::sessions) else { return };
        let store = self.host.store("default");
        tokio::spawn(async move {
            if let Err(error) = sweep(&*store, rules, jiff::Timestamp::now().as_second()).await {
                say(format_args!("sessions that are over stay in the store: {error}"));
            }
        });
    }

    /// Serves until SIGTERM or SIGINT, then lets requests finish; a second signal ends at once.
    /// SIGHUP brings an edited policy into force, or says what is wrong with it.
    pub async fn serve(mut self, mut signals: Signals, style: Style) {
        let mut sweeps = tokio::time::interval(SWEEP);
        loop {
            let told = tokio::select! {
                told = signals.next() => told,
                _ = sweeps.tick() => {
                    self.sweep();
                    continue;
                }
            };
            match told {
                Told::End => break,
                Told::Reload => match self.reload() {
                    Ok(()) => say(format_args!("policy {} is in force", self.digest())),
                    Err(failure) => {
                        failure.show(style);
                        say(format_args!(
                            "nothing changed, policy {} stays in force",
                            self.digest()
                        ));
                    }
                },
            }
        }
        say("ending; requests in progress may finish, a second signal cuts them");
        drop(self.door.take());
        self.clerk.abort();
        self.telemetry.ending();
        tokio::select! {
            () = self.host.shutdown(GRACE) => self.telemetry.end().await,
            () = signals.end() => {}
        }
        if let Some(audit) = &self.audit {
            audit.close();
        }
    }
}

/// Takes the records of what commands change, on this machine or another, into the trail; or without one to standard
/// output. A store that is away is asked again.
async fn take_records(store: Arc<dyn KeyValue>, keeper: Option<Keeper>) {
    let keep = |text: &str| match &keeper {
        Some(keeper) => keeper.keep(text),
        None if std::io::stdout().lock().write_all(text.as_bytes()).is_ok() => Keep::Written,
        None => Keep::No,
    };
    let (mut kept, mut failed) = (Kept::default(), false);
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let drained = drain(&*store, &mut kept, keep).await;
        if let Err(error) = &drained
            && !failed
        {
            say(format_args!("audit records of commands wait in the state: {error}"));
        }
        failed = drained.is_err();
    }
}

/// A gateway serves all the same where commands can't come in.
fn door(state: &State, host: &Host) -> Option<Door> {
    let State::Disk(directory) = state else { return None };
    let opened = Door::open(directory, host.store("default"));
    opened
        .inspect_err(|error| {
            say(format_args!(
                "commands can't change the state while this gateway runs: no socket in {}: {error}",
                directory.display()
            ));
        })
        .ok()
}

fn mounts(
    snapshot: &Snapshot,
    audit: Option<&Audit>,
    manifest: &Manifest,
) -> BTreeMap<String, PathBuf> {
    let policy = (GUEST_POLICY.to_owned(), snapshot.path().to_owned());
    let audit = audit.filter(|_| manifest.has_place(GUEST_AUDIT));
    let audit = audit.map(|audit| (GUEST_AUDIT.to_owned(), audit.directory().to_owned()));
    std::iter::once(policy).chain(audit).collect()
}

/// What the development certificate is for: this machine, and every host of the policy by name,
/// because some clients match no wildcard directly below a top-level domain.
fn certificate_names(policy: &Policy) -> Vec<String> {
    let mut names: Vec<String> =
        ["localhost", "*.localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(policy.tenants().iter().flat_map(Tenant::hosts).cloned());
    names
}

/// The signals that a gateway listens to. From the moment it is made they no longer end the
/// process by themselves.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    /// Begins to listen.
    pub fn listen() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind)
                .map_err(|error| Failure::fault(format!("cannot listen to signals: {error}")))
        };
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            reload: on(SignalKind::hangup())?,
        })
    }

    /// Resolves when the process is told to end.
    pub async fn end(&mut self) {
        while self.next().await != Told::End {}
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::End,
            _ = self.interrupt.recv() => Told::End,
            _ = self.reload.recv() => Told::Reload,
        }
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    End,
    Reload,
}
