//! The guest, a host around it, an origin, and a client.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod client;
pub(crate) mod origin;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once};

use sekisho_host::{Host, HostConfig, Listener, Manifest, Output, Stream, Tls};
use tempfile::TempDir;

/// The test component, with Spin's interfaces or without.
pub(crate) fn guest(spin: bool) -> PathBuf {
    static BUILT: Once = Once::new();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
    let file = |spin: bool| {
        target.join(if spin { "spin" } else { "portable" }).join("wasm32-wasip2/release/guest.wasm")
    };
    BUILT.call_once(|| {
        for spin in [true, false] {
            let mut cargo = Command::new(env!("CARGO"));
            cargo
                .args(["build", "--release", "--locked", "--target", "wasm32-wasip2"])
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guest"))
                .env("CARGO_TARGET_DIR", target.join(if spin { "spin" } else { "portable" }))
                // Settings of the outer build are not the guest's.
                .env_remove("RUSTFLAGS")
                .env_remove("CARGO_ENCODED_RUSTFLAGS")
                .env_remove("CARGO_BUILD_TARGET");
            if !spin {
                cargo.arg("--no-default-features");
            }
            assert!(cargo.status().unwrap().success(), "the guest does not build");
        }
    });
    file(spin)
}

pub(crate) const NAMES: [&str; 3] = ["acme.localhost", "globex.localhost", "localhost"];

/// A line a component printed.
pub(crate) type Line = (String, Stream, String);

/// A host with the guest as component `guest` and its private twin `inner`.
pub(crate) struct App {
    pub(crate) directory: TempDir,
    pub(crate) lines: Arc<Mutex<Vec<Line>>>,
    pub(crate) config: HostConfig,
}

impl App {
    /// `allowed` are the guest's outbound hosts.
    pub(crate) fn new(allowed: &[&str]) -> Self {
        Self::with(allowed, true)
    }

    pub(crate) fn with(allowed: &[&str], spin: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for data in ["data", "other"] {
            std::fs::create_dir(directory.path().join(data)).unwrap();
            std::fs::write(directory.path().join(data).join("value.txt"), data).unwrap();
        }
        std::fs::write(directory.path().join("note.txt"), "note").unwrap();
        let guest = guest(spin);
        let stores = if spin { "key_value_stores = [\"default\"]" } else { "" };
        let text = format!(
            r#"
spin_manifest_version = 2
application = {{ name = "test" }}
[variables]
greeting = {{ default = "hello" }}
[[trigger.http]]
route = "/..."
component = "guest"
[[trigger.http]]
route = {{ private = true }}
component = "inner"
[component.guest]
source = "{guest}"
files = ["*.txt", {{ source = "data", destination = "/data" }}]
{stores}
allowed_outbound_hosts = {allowed:?}
environment = {{ COLOUR = "red" }}
[component.guest.variables]
greeting = "{{{{ greeting }}}}, world"
[component.inner]
source = "{guest}"
allowed_outbound_hosts = ["http://inner.spin.internal"]
"#,
            guest = guest.display()
        );
        let manifest = Manifest::parse(&directory.path().join("spin.toml"), &text).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let mut config = HostConfig::new(manifest);
        config.cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
        config.output = Output::Lines(Arc::new(move |component: &str, stream, line: &[u8]| {
            let line = String::from_utf8_lossy(line).into_owned();
            sink.lock().unwrap().push((component.to_owned(), stream, line));
        }));
        Self { directory, lines, config }
    }

    /// Adds a TLS listener and a plain one.
    pub(crate) fn listening(mut self) -> Self {
        let addr = "127.0.0.1:0".parse().unwrap();
        let tls = Tls::Dev {
            directory: self.directory.path().join("ca"),
            names: NAMES.map(str::to_owned).into(),
        };
        self.config.listeners = vec![
            Listener { addr, tls: Some(tls), tls_ended: false },
            Listener { addr, tls: None, tls_ended: false },
        ];
        self
    }

    pub(crate) async fn start(&self) -> Host {
        Host::start(self.config.clone()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.directory.path().join("ca/ca.pem")
    }
}

/// Waits until `done` is true, at most two seconds.
pub(crate) async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("not in time: {what}");
}
