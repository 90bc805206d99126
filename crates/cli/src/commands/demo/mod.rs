//! `sekisho demo`: everything on one machine.

mod doubles;
mod script;
mod tokens;

use super::{block_on, print};
use crate::component;
use crate::exit::Exit;
use crate::gateway::{self, Gateway, Plan, Signals};
use crate::report::{Failure, Style, say};
use crate::telemetry::Wanted;
use doubles::Doubles;
use script::Script;
use sekisho_host::{Manifest, OriginTls, Output, State, Stream};
use sekisho_testing::client::Client;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// How long the gateway may take to its first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
Examples:
  sekisho demo                        then paste what it prints into another terminal
  sekisho demo --audit -              with the audit record of each request in this one
  sekisho demo --env demo.env &       then, once the file is there: . demo.env

The file of --env is written when the gateway answers, and removed when the demo ends.";

/// See it work: origin, issuer, two tenants and the gateway, with commands to paste.
///
/// Builds the gateway, starts an assistant service and an issuer with fresh keys, and serves the
/// repository's example policy with them. Acme is open to every network, Globex to its offices
/// only. Ctrl-C ends all.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Demo {
    /// The address to serve over HTTPS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3443")]
    listen: SocketAddr,
    /// Write addresses and tokens as shell variables, for scripts
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// Where audit records go; - is the standard output. If not given, a temporary file
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

impl Demo {
    /// Shows the gateway until a signal.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        let manifest = Manifest::load(&component::nearest_manifest()?)?;
        let manifest = component::fastest_to_build(manifest)?;
        if let Some(env) = &self.env {
            // A script that waits for the file must not find that of an earlier run.
            script::remove(env)?;
        }
        say("building the gateway; what follows is cargo's");
        component::build_all(&manifest)?;
        let ended = block_on(self.serve(manifest, style));
        if let Some(env) = &self.env {
            script::remove(env)?;
        }
        ended
    }

    async fn serve(&self, manifest: Manifest, style: Style) -> Result<Exit, Failure> {
        let mut signals = Signals::listen()?;
        let stage =
            tempfile::Builder::new().prefix("sekisho-demo-").tempdir().map_err(|error| {
                Failure::fault(format!("cannot make a temporary directory: {error}"))
            })?;
        let (gateway, script, _doubles) = tokio::select! {
            started = self.start(manifest, &stage) => started?,
            () = signals.end() => return Ok(Exit::Success),
        };
        if let Some(env) = &self.env {
            script.write_env(env)?;
        }
        print(&script.commands())?;
        say(gateway.ready());
        say("Ctrl-C ends the demo");
        gateway.serve(signals, style).await;
        Ok(Exit::Success)
    }

    async fn start(
        &self,
        manifest: Manifest,
        stage: &TempDir,
    ) -> Result<(Gateway, Script, Doubles), Failure> {
        let authority = gateway::dev_ca_directory(&manifest);
        let policy = stage.path().join("policy");
        let doubles =
            Doubles::start(&gateway::mounted_policy(&manifest)?, &policy, &authority).await?;
        let (output, audit) = self.output(stage.path())?;
        let plan = Plan {
            telemetry: Wanted::default(),
            manifest,
            policy: policy.clone(),
            https: self.listen,
            http: None,
            tls: None,
            sidecar: None,
            origin_tls: OriginTls::default(),
            state: State::Memory,
            output,
            audit: None,
            keys: None,
        };
        let gateway = Gateway::start(plan).await?;
        let https = gateway.https().unwrap_or(self.listen);
        let ca = authority.join("ca.pem");
        first_answer(https, &ca).await?;
        let script = Script {
            port: https.port(),
            ca: std::path::absolute(&ca).unwrap_or(ca),
            tokens: tokens::mint(doubles.issuer())?,
            origin: doubles.origin_url(),
            policy,
            audit,
        };
        Ok((gateway, script, doubles))
    }

    /// Where the component's lines go, and the file of its audit records if it is one.
    fn output(&self, stage: &Path) -> Result<(Output, Option<PathBuf>), Failure> {
        let path = match &self.audit {
            Some(path) if path == Path::new("-") => return Ok((Output::Process, None)),
            Some(path) => path.clone(),
            None => stage.join("audit.jsonl"),
        };
        let file = File::options().create(true).append(true).open(&path).map_err(|error| {
            Failure::invalid(format!("cannot write to {}: {error}", path.display()))
        })?;
        let file = Mutex::new(file);
        let output = Output::Lines(Arc::new(move |_, stream, line| {
            let line = [line, b"\n"].concat();
            // A disk that is full must not end the demo.
            let _ = match stream {
                Stream::Out => file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line),
                Stream::Err => std::io::stderr().write_all(&line),
            };
        }));
        Ok((output, Some(path)))
    }
}

/// Waits until a request from outside is answered by the origin.
async fn first_answer(https: SocketAddr, ca: &Path) -> Result<(), Failure> {
    let asked = async {
        let client = Client::plain(reachable(https)).trusting(&std::fs::read_to_string(ca)?)?;
        let request =
            http::Request::get(format!("https://acme.localhost:{}/healthz", https.port()))
                .body(sekisho_testing::body::empty())
                .map_err(std::io::Error::other)?;
        client.send(request).await
    };
    match tokio::time::timeout(FIRST_ANSWER, asked).await {
        Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
        Ok(Ok(answer)) => Err(Failure::fault(format!(
            "the gateway answered its first request with {}",
            answer.status()
        ))),
        Ok(Err(error)) => Err(Failure::fault(format!("the gateway does not answer: {error}"))),
        Err(_) => Err(Failure::fault(format!(
            "the gateway did not answer within {} s",
            FIRST_ANSWER.as_secs()
        ))),
    }
}

/// Where a client of this machine finds a listener on every address.
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, v6.port()).into()
        }
        _ => addr,
    }
}
