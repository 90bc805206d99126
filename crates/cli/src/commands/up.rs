//! `sekisho up`: runs the gateway.

use super::block_on;
use crate::audit;
use crate::component;
use crate::exit::Exit;
use crate::gateway::{self, Gateway, Plan, Signals};
use crate::report::{Failure, Style, say};
use crate::store;
use crate::telemetry::{self, Collector, TENANTS, Wanted};
use sekisho_host::{Manifest, OriginTls, Output, State};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  sekisho up --build                            on https://127.0.0.1:3443, development certificate
  sekisho up --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem --policy /etc/sekisho
  sekisho up --listen-http 127.0.0.1:8080       also without TLS: behind a CDN, and for redirects
  sekisho up --metrics 127.0.0.1:9464           for Prometheus, at /metrics
  sekisho up > audit.jsonl                      one JSON line a request; all else is on stderr
  sekisho up --audit-backup /mnt/other/audit    a copy of the audit trail each day, two are kept

Signals:
  SIGHUP           read policy and keys again; if they have mistakes, show them and keep the one in force
  SIGTERM, SIGINT  let requests finish (30 s at most), then end; a second one ends at once

The policy is copied when it is read: an edit has no effect before a SIGHUP.";

/// Run the gateway.
///
/// Checks the policy, then serves the application of spin.toml without Spin. Audit records go to the audit
/// trail (sekisho audit) and to the standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Up {
    /// Build the component first, installing its Rust target if it is missing
    #[arg(long)]
    build: bool,
    /// Run the component of baseline WebAssembly, as Spin does, in place of the fast one
    #[arg(long)]
    baseline: bool,
    /// The manifest; if not given, the nearest spin.toml from here upwards
    #[arg(short = 'f', long = "file", value_name = "spin.toml")]
    manifest: Option<PathBuf>,
    /// The address to serve over HTTPS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3443")]
    listen: SocketAddr,
    /// An address to serve without TLS as well
    #[arg(long, value_name = "ADDR")]
    listen_http: Option<SocketAddr>,
    /// An address on this machine to serve without TLS as if over it, for what ends TLS here (a sidecar,
    /// stunnel): whoever can connect there is taken to have come over HTTPS
    #[arg(long, value_name = "ADDR")]
    listen_sidecar: Option<SocketAddr>,
    /// The certificate chain, PEM; without it a development authority makes one
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Certificate authorities that origins and issuers may have beside the system's, PEM
    #[arg(long, value_name = "FILE")]
    origin_ca: Option<PathBuf>,
    /// The certificate chain that the gateway shows to origins that ask for one, PEM
    #[arg(long, value_name = "FILE", requires = "origin_key")]
    origin_cert: Option<PathBuf>,
    /// That certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "origin_cert")]
    origin_key: Option<PathBuf>,
    /// The policy, a directory or a compiled file; if not given, what the manifest mounts at /policy
    #[arg(long, value_name = "DIR|FILE")]
    policy: Option<PathBuf>,
    /// The gateway's own keys, which `sekisho keys new` makes; if not given, those in
    /// `SPIN_VARIABLE_SEKISHO_KEYS`
    #[arg(long, value_name = "KEYS.json")]
    keys: Option<PathBuf>,
    /// Where the state is kept: a directory, "memory", or a Redis (`redis://…`, over TLS
    /// `rediss://…`), which several gateways may share; if not given, what `SEKISHO_STATE` says, or the
    /// file that `SEKISHO_STATE_FILE` names, or .sekisho/state beside the manifest
    #[arg(long, value_name = "DIR|URL")]
    state: Option<PathBuf>,
    /// The directory of the audit trail, which one gateway writes, or "none"; if not given,
    /// .sekisho/audit beside the manifest
    #[arg(long, value_name = "DIR")]
    audit: Option<PathBuf>,
    /// Back the audit trail up into this directory, once each UTC day; two generations are kept
    #[arg(long, value_name = "DIR")]
    audit_backup: Option<PathBuf>,
    /// An address to serve metrics at (/metrics, /healthz, /readyz), for Prometheus on this machine
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// How many tenants have a name of their own in metrics; the others are counted together
    #[arg(long, value_name = "N", default_value_t = TENANTS)]
    metrics_tenants: usize,
    /// The base address of an OpenTelemetry collector to which spans go (OTLP over HTTP); if not
    /// given, what `OTEL_EXPORTER_OTLP_ENDPOINT` says
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// How many of the traces that begin here are sampled, from 0 to 1
    #[arg(long, value_name = "RATIO", default_value_t = 1.0, value_parser = ratio)]
    otlp_ratio: f64,
}

impl Up {
    /// Serves until a signal.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        let path = match self.manifest {
            Some(path) => path,
            None => component::nearest_manifest()?,
        };
        let manifest = match (Manifest::load(&path)?, self.baseline) {
            (manifest, true) => manifest,
            (manifest, false) if self.build => component::fastest_to_build(manifest)?,
            (manifest, false) => component::fastest(manifest),
        };
        if self.build {
            component::build_all(&manifest)?;
        }
        let policy = match self.policy {
            Some(policy) => policy,
            None => gateway::mounted_policy(&manifest)?,
        };
        let state = store::named(self.state)?
            .unwrap_or_else(|| State::Disk(gateway::private_directory(&manifest).join("state")));
        let audit = audit_plan(self.audit, self.audit_backup, &manifest)?;
        let endpoint = self.otlp.or_else(|| telemetry::variable("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let collector = endpoint.map(|endpoint| Collector::at(&endpoint)).transpose()?;
        let telemetry = Wanted {
            metrics: self.metrics,
            tenants: self.metrics_tenants,
            spans: collector.map(|collector| (collector, self.otlp_ratio)),
        };
        let tls = self.tls_cert.zip(self.tls_key);
        let authority = tls.is_none().then(|| gateway::dev_ca_directory(&manifest).join("ca.pem"));
        let plan = Plan {
            manifest,
            policy,
            https: self.listen,
            http: self.listen_http,
            sidecar: self.listen_sidecar,
            tls,
            origin_tls: OriginTls {
                ca: self.origin_ca,
                identity: self.origin_cert.zip(self.origin_key),
            },
            state,
            output: Output::Process,
            audit,
            keys: self.keys,
            telemetry,
        };
        block_on(async {
            let mut signals = Signals::listen()?;
            let gateway = tokio::select! {
                started = Gateway::start(plan) => started?,
                () = signals.end() => return Ok(Exit::Success),
            };
            if let Some(authority) = authority {
                say(format_args!(
                    "the certificate is for development only; clients trust it by {}",
                    authority.display()
                ));
            }
            say(gateway.ready());
            gateway.serve(signals, style).await;
            Ok(Exit::Success)
        })
    }
}

fn audit_plan(
    directory: Option<PathBuf>,
    backup: Option<PathBuf>,
    manifest: &Manifest,
) -> Result<Option<audit::Plan>, Failure> {
    let is_none = directory.as_deref().is_some_and(|directory| directory == Path::new("none"));
    match (is_none, &backup) {
        (true, Some(_)) => {
            Err(Failure::invalid("without an audit trail there is nothing to back up")
                .help("leave out --audit none, or --audit-backup"))
        }
        (true, None) => Ok(None),
        (false, _) => {
            let directory = directory.unwrap_or_else(|| gateway::audit_directory(manifest));
            Ok(Some(audit::Plan { directory, backup }))
        }
    }
}

/// A number from 0 to 1.
fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "a number from 0 to 1 is wanted".to_owned())
}
