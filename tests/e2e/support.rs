//! A world to test in: an origin, an issuer, the example policy with both put in, and the gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use sekisho::component::{FAST_RUST, TARGET, build, can_build_fast, ensure_target};
use sekisho_host::{Host, HostConfig, Listener, Manifest, Output, State, Stream, Tls, WallClock};
use sekisho_testing::body::{self, Body};
use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, Issuer, SigningKey};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pki::{Leaf, Pki};
use sekisho_testing::server::{Listen, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(crate) type Answer = Response<Incoming>;

pub(crate) const ISSUER: &str = "https://issuer.localhost:3481";

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The component as Spin builds and runs it, built once.
pub(crate) fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        ensure_target(root()).unwrap();
        build(&repository(), None).unwrap()
    })
}

/// The component as `sekisho up` builds and runs it, built once: by the compiler in use, or where that one would
/// break it by one that rustup installs beside.
pub(crate) fn fast_component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let fast = repository().fast();
        if can_build_fast(root()).unwrap() {
            ensure_target(root()).unwrap();
            return build(&fast, None).unwrap();
        }
        assert!(build(&fast, None).is_err(), "a compiler that breaks it must be refused");
        install_fast_toolchain();
        build(&fast, fast_toolchain()).unwrap()
    })
}

fn install_fast_toolchain() {
    let rustup = |arguments: &[&str]| {
        let output = Command::new("rustup").args(arguments).output();
        output.unwrap_or_else(|error| panic!("rustup, which installs Rust {FAST_RUST}: {error}"))
    };
    let installed = rustup(&["target", "list", "--installed", "--toolchain", FAST_RUST]);
    if installed.status.success() && String::from_utf8_lossy(&installed.stdout).contains(TARGET) {
        return;
    }
    let by_name = ["toolchain", "install", FAST_RUST, "--no-self-update"];
    let done = rustup(&[&by_name[..], &["--profile", "minimal", "--target", TARGET]].concat());
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "the fast component needs Rust {FAST_RUST}: {said}");
}

/// The toolchain that builds the fast component, if it is not the one in use.
pub(crate) fn fast_toolchain() -> Option<&'static str> {
    (!can_build_fast(root()).unwrap()).then_some(FAST_RUST)
}

/// What this command of cargo's builds: the first of this kind and name, or of any.
pub(crate) fn executable(cargo: &mut Command, named: Option<(&str, &str)>) -> PathBuf {
    let output = cargo.args(["--message-format", "json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|message| {
            named.is_none_or(|(kind, name)| {
                let target = &message["target"];
                let is_test = message["profile"]["test"] == true;
                target["kind"][0] == kind && target["name"] == name && !is_test
            })
        })
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .unwrap()
}

/// A directory of the repository with its Node.js packages, as its lock file has them.
pub(crate) fn with_packages(directory: &str) -> PathBuf {
    let directory = root().join(directory);
    if !directory.join("node_modules/.package-lock.json").exists() {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&directory);
        let done = npm
            .status()
            .unwrap_or_else(|error| panic!("npm, which comes with Node.js 20 or newer: {error}"));
        assert!(done.success(), "npm ci in {}", directory.display());
    }
    directory
}

pub(crate) fn repository() -> Manifest {
    Manifest::load(&root().join("spin.toml")).unwrap()
}

/// Where compiled components are kept between tests.
pub(crate) fn cache() -> PathBuf {
    root().join("target/e2e-cache")
}

/// A manifest's text that grants the gateway one origin and mounts one policy.
pub(crate) fn manifest_text(
    component: &Path,
    policy: &Path,
    origins: &[String],
    spin: bool,
) -> String {
    let stores = if spin { "key_value_stores = [\"default\"]" } else { "" };
    let keys = if spin {
        "[variables]\nsekisho_keys = { default = \"\", secret = true }\n\
         [component.gateway.variables]\nsekisho_keys = \"{{ sekisho_keys }}\"\n"
    } else {
        ""
    };
    let environment = if spin {
        ""
    } else {
        "environment = { SEKISHO_PEER_ADDRESS_HEADER = \"spin-client-addr\" }"
    };
    let administration = if spin { administration(policy) } else { String::new() };
    // The example policy names it whether it is there or not.
    let origins = [origins, &["http://admin.spin.internal".to_owned()]].concat();
    let (component, policy) = (component.display(), policy.display());
    format!(
        "spin_manifest_version = 2\napplication = {{ name = \"e2e\" }}\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"gateway\"\n\
         [component.gateway]\nsource = \"{component}\"\n\
         files = [{{ source = \"{policy}\", destination = \"/policy\" }}]\n\
         allowed_outbound_hosts = {origins:?}\n{stores}\n{environment}\n{keys}{administration}"
    )
}

/// The administration component, as the repository's manifest has it.
fn administration(policy: &Path) -> String {
    let source = repository().source("admin").unwrap().to_owned();
    format!(
        "[component.admin]\nsource = \"{}\"\n\
         files = [{{ source = \"{}\", destination = \"/policy\" }}]\n\
         key_value_stores = [\"default\"]\n\
         [component.admin.tool.sekisho]\nmounts = [\"/audit\"]\n\
         [component.admin.variables]\nscim_subject = \"userName\"\nscim_roles = \"member\"\nscim_default_roles = \"member\"\n",
        source.display(),
        policy.display(),
    )
}

/// The same as a manifest.
pub(crate) fn manifest(
    directory: &Path,
    component: &Path,
    policy: &Path,
    origins: &[String],
    spin: bool,
) -> Manifest {
    let text = manifest_text(component, policy, origins, spin);
    Manifest::parse(&directory.join("spin.toml"), &text).unwrap()
}

/// The audit records that a gateway has written, and what it said besides.
#[derive(Clone, Default)]
pub(crate) struct Audit {
    records: Arc<Mutex<Vec<String>>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Audit {
    pub(crate) fn output(&self) -> Output {
        let lines = self.clone();
        Output::Lines(Arc::new(move |_: &str, stream: Stream, line: &[u8]| {
            let line = String::from_utf8(line.to_vec()).unwrap();
            match stream {
                Stream::Out => lines.records.lock().unwrap().push(line),
                Stream::Err => {
                    eprintln!("component: {line}");
                    lines.said.lock().unwrap().push(line);
                }
            }
        }))
    }

    /// What was written to standard error so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// Every record so far, as text.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.records.lock().unwrap().clone()
    }

    /// The last records of streams, when there are so many.
    pub(crate) async fn stream_ends(&self, count: usize) -> Vec<Value> {
        for _ in 0..1500 {
            let records = self.lines();
            let records = records.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let ends: Vec<Value> =
                records.filter(|record| record["event"] == "stream-end").collect();
            if ends.len() >= count {
                return ends;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("fewer than {count} ends of streams: {:?}", self.lines());
    }

    /// The record with this request identifier; the answer's head may be here before its record.
    pub(crate) async fn of(&self, request_id: &str) -> Value {
        for _ in 0..200 {
            let records: Vec<Value> =
                self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            let ours = records.into_iter().filter(|record| record["request_id"] == request_id);
            let mut ours = ours.filter(|record| record["event"].is_null());
            if let Some(record) = ours.next() {
                assert!(ours.next().is_none(), "one record per request");
                return record;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no audit record for {request_id}: {:?}", self.lines());
    }
}

/// What differs from world to world.
#[derive(Default)]
pub(crate) struct Options {
    /// Edits of the example `gateway.toml`: text and its replacement.
    pub(crate) gateway: Vec<(String, String)>,
    /// Edits of acme's file, likewise.
    pub(crate) acme: Vec<(String, String)>,
    /// Edits of globex's file, likewise.
    pub(crate) globex: Vec<(String, String)>,
    pub(crate) origin: OriginOptions,
    /// An authority that the gateway trusts besides the system's.
    pub(crate) extra_ca: Option<String>,
    /// The certificate that the gateway shows to origins.
    pub(crate) identity: Option<Leaf>,
    /// What the gateway may connect to besides the origin.
    pub(crate) outbound: Vec<String>,
    pub(crate) clock: Option<WallClock>,
    /// The gateway's own keys, if it has some.
    pub(crate) keys: Option<String>,
}

impl Options {
    /// An origin over TLS, which the gateway trusts, that speaks one version of HTTP.
    pub(crate) fn origin_over_tls(alpn: &[u8]) -> Self {
        let pki = Pki::new().unwrap();
        let origin = Listen::tls(pki.server_config(&["127.0.0.1"], &[alpn]).unwrap());
        Self { origin: origin.into(), extra_ca: Some(pki.ca_pem().to_owned()), ..Self::default() }
    }
}

pub(crate) struct World {
    pub(crate) origin: Origin,
    pub(crate) issuer: Issuer,
    pub(crate) host: Host,
    pub(crate) audit: Audit,
    pub(crate) policy: PathBuf,
    listen: Listen,
    ca_pem: String,
    directory: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::with_prefix(options, "").await
    }

    /// The same, with the origin below a path.
    pub(crate) async fn with_prefix(options: Options, prefix: &str) -> Self {
        let listen = options.origin.listen.clone();
        let origin = Origin::start(options.origin).await.unwrap();
        let keys = vec![
            SigningKey::generate(Algorithm::ES256, "es-1").unwrap(),
            SigningKey::generate(Algorithm::EdDSA, "ed-1").unwrap(),
        ];
        let issuer = Issuer::new(ISSUER, keys);
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("policy");
        let url = format!("{}{prefix}", origin.url());
        let mut edits = vec![("http://127.0.0.1:3480".to_owned(), url)];
        edits.extend(options.gateway);
        copy_policy(&root().join("policy"), &policy, &edits);
        edit(&policy.join("tenants/acme.toml"), &options.acme);
        edit(&policy.join("tenants/globex.toml"), &options.globex);
        std::fs::write(policy.join("keys/demo.jwks.json"), issuer.jwks().to_string()).unwrap();

        let audit = Audit::default();
        let ca = directory.path().join("ca");
        let mut config = HostConfig::new(manifest(
            directory.path(),
            component(),
            &policy,
            &[vec![origin.url()], options.outbound].concat(),
            true,
        ));
        config.wall_clock = options.clock;
        config.variables =
            options.keys.into_iter().map(|keys| ("sekisho_keys".to_owned(), keys)).collect();
        config.cache_dir = Some(cache());
        config.output = audit.output();
        config.state = State::Memory;
        let file = |name: &str, pem: String| {
            let file = directory.path().join(name);
            std::fs::write(&file, pem).unwrap();
            file
        };
        config.origin_tls.ca = options.extra_ca.map(|pem| file("extra-ca.pem", pem));
        config.origin_tls.identity = options
            .identity
            .map(|leaf| (file("client.pem", leaf.cert_pem), file("client.key", leaf.key_pem)));
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let names = ["acme.localhost", "globex.localhost", "unknown.localhost", "localhost"];
        let names = names.map(str::to_owned);
        config.listeners = vec![
            Listener {
                addr: loopback,
                tls: Some(Tls::Dev { directory: ca.clone(), names: names.into() }),
                tls_ended: false,
            },
            Listener { addr: loopback, tls: None, tls_ended: false },
        ];
        let host = Host::start(config).await.unwrap();
        let ca_pem =
            std::fs::read_to_string(sekisho_host::tls::DevCa::load_or_create(&ca).unwrap().path())
                .unwrap();
        Self { origin, issuer, host, audit, policy, listen, ca_pem, directory }
    }

    /// The file of the authority that the gateway's certificate is of.
    pub(crate) fn ca_file(&self) -> PathBuf {
        let file = self.directory.path().join("gateway-ca.pem");
        std::fs::write(&file, &self.ca_pem).unwrap();
        file
    }

    /// A client of the HTTPS listener.
    pub(crate) fn client(&self, protocol: Protocol) -> Client {
        Client::plain(self.host.addrs()[0]).trusting(&self.ca_pem).unwrap().speaking(protocol)
    }

    /// A client of the plain listener.
    pub(crate) fn plain_client(&self) -> Client {
        Client::plain(self.host.addrs()[1])
    }

    /// A member's token.
    pub(crate) fn token(&self, tenant: &str) -> String {
        self.issuer
            .token(tenant)
            .subject("u-42")
            .roles(["member"])
            .issued_at(unix_seconds())
            .sign()
            .unwrap()
    }

    /// Sends a request of acme's member over its own connection.
    pub(crate) async fn ask(
        &self,
        protocol: Protocol,
        method: Method,
        target: &str,
        body: Body,
    ) -> Answer {
        let request = request(method, target)
            .header("authorization", format!("Bearer {}", self.token("acme")));
        self.client(protocol).send(request.body(body).unwrap()).await.unwrap()
    }

    /// Takes the origin away and gives its place to the test: its port, and TLS as it had it.
    pub(crate) async fn origin_of_a_test(&mut self) -> (TcpListener, TlsAcceptor) {
        self.origin.stop().await;
        let tls = self.listen.tls.clone().unwrap();
        (TcpListener::bind(self.origin.addr()).await.unwrap(), tls.into())
    }

    /// Puts in the origin's place one that answers one request with these bytes; it keeps the
    /// connection until what is given back is dropped.
    pub(crate) async fn origin_that_answers(
        &mut self,
        bytes: &'static [u8],
    ) -> JoinHandle<TcpStream> {
        let addr = self.origin.addr();
        self.origin.stop().await;
        let listener = TcpListener::bind(addr).await.unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(bytes).await.unwrap();
            stream
        })
    }

    /// Puts in the origin's place one whose answers are this function's.
    pub(crate) async fn origin_by<H, F>(&mut self, answer: H) -> Server
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        self.origin.stop().await;
        let listen = self.listen.clone().on(self.origin.addr());
        let handler = move |request, _| {
            let answering = answer(request);
            async { Ok(answering.await) }
        };
        Server::start(listen, handler).await.unwrap()
    }

    /// A GET of acme's member.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(Protocol::H1, Method::GET, target, body::empty()).await
    }
}

/// A request to acme.
pub(crate) fn request(method: Method, target: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("https://acme.localhost{target}"))
}

pub(crate) async fn text(answer: Answer) -> String {
    let bytes = body::read(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) async fn json(answer: Answer) -> Value {
    let text = text(answer).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Copies a policy directory, editing its `gateway.toml`; an edit that finds nothing has gone stale.
pub(crate) fn copy_policy(from: &Path, to: &Path, edits: &[(String, String)]) {
    let files = sekisho::policy_dir::read(from).unwrap();
    std::fs::create_dir_all(to).unwrap();
    sekisho::policy_dir::write(to, &files).unwrap();
    edit(&to.join("gateway.toml"), edits);
}

fn edit(file: &Path, edits: &[(String, String)]) {
    let mut text = std::fs::read_to_string(file).unwrap();
    for (old, new) in edits {
        assert!(text.contains(old.as_str()), "{} has no {old:?}", file.display());
        text = text.replace(old.as_str(), new);
    }
    std::fs::write(file, text).unwrap();
}

/// A wall clock that stands still.
pub(crate) fn fixed_clock(time: sekisho_core::Timestamp) -> WallClock {
    let time = SystemTime::from(time);
    Arc::new(move || time)
}

/// Mounts as [`Host::reload`] takes them.
pub(crate) fn mounts(policy: &Path) -> BTreeMap<String, PathBuf> {
    BTreeMap::from([("/policy".to_owned(), policy.to_owned())])
}
