//! `sekisho up`, and an origin, as processes of their own, to be measured and killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, Issuer, SigningKey};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ISSUER, component, copy_policy, executable, manifest_text, root};

pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A program of the workspace, built with what `cargo test` has built already: by itself it would have other
/// features, and all that it stands on would be compiled once more.
fn built(program: &'static OnceLock<PathBuf>, kind: &str, name: &str) -> &'static PathBuf {
    program.get_or_init(|| {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--bins", "--examples", "--tests"]).current_dir(root());
        executable(&mut cargo, Some((kind, name)))
    })
}

/// The command line.
pub(crate) fn sekisho() -> Command {
    static SEKISHO: OnceLock<PathBuf> = OnceLock::new();
    Command::new(built(&SEKISHO, "bin", "sekisho"))
}

/// A process that serves; killed, without a chance to tidy up, when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Process {
    /// The origin double at this address.
    pub(crate) fn origin(addr: SocketAddr) -> Self {
        static ORIGIN: OnceLock<PathBuf> = OnceLock::new();
        let program = built(&ORIGIN, "example", "origin");
        let mut command = Command::new(program);
        let mut child = command.arg(addr.to_string()).stdout(Stdio::piped()).spawn().unwrap();
        let addr = address(child.stdout.take().unwrap(), "http://");
        Self { child, addr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order, as `kill` does.
    pub(crate) fn end(mut self) {
        let told = Command::new("kill").arg(self.pid().to_string()).status().unwrap();
        assert!(told.success() && self.child.wait().unwrap().success());
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal by name, as an operator does.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.unwrap().success(), "kill -s {name}");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address that the first line with this scheme names.
fn address(output: impl std::io::Read, scheme: &str) -> SocketAddr {
    let lines = BufReader::new(output).lines().map(Result::unwrap);
    let address = |line: String| {
        eprintln!("{line}");
        let (_, rest) = line.split_once(scheme)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    lines.filter(|line| !line.contains("error")).find_map(address).unwrap()
}

/// What a gateway is started from, which outlives it: manifest, policy, state, audit records.
pub(crate) struct Site {
    directory: TempDir,
    issuer: Issuer,
}

impl Site {
    /// The example policy with this origin and these edits.
    pub(crate) fn new(origin: &str, edits: Vec<(String, String)>) -> Self {
        let site = Self::prepared(origin, edits);
        // The first start compiles the component, which costs more time and memory than serving it; every later one
        // takes it from the cache.
        drop(site.up(ANY_PORT));
        site
    }

    /// The same with keys of the gateway's own in `keys.json`, and these edits of acme's policy.
    pub(crate) fn with_keys(
        origin: &str,
        edits: Vec<(String, String)>,
        acme: Vec<(String, String)>,
    ) -> Self {
        let site = Self::prepared(origin, edits);
        let file = site.path("policy/tenants/acme.toml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        for (from, to) in acme {
            assert!(text.contains(&from), "{from}");
            text = text.replacen(&from, &to, 1);
        }
        std::fs::write(file, text).unwrap();
        site.sekisho(&["keys", "new", "keys.json"]).unwrap();
        drop(site.up_with(ANY_PORT, &["--keys", "keys.json"], &[]));
        site
    }

    fn prepared(origin: &str, edits: Vec<(String, String)>) -> Self {
        let keys = vec![SigningKey::generate(Algorithm::EdDSA, "ed-1").unwrap()];
        let issuer = Issuer::new(ISSUER, keys);
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("policy");
        let edits = [vec![("http://127.0.0.1:3480".to_owned(), origin.to_owned())], edits].concat();
        copy_policy(&root().join("policy"), &policy, &edits);
        std::fs::write(policy.join("keys/demo.jwks.json"), issuer.jwks().to_string()).unwrap();
        let manifest = manifest_text(component(), &policy, &[origin.to_owned()], true);
        std::fs::write(directory.path().join("spin.toml"), manifest).unwrap();
        Self { directory, issuer }
    }

    /// Edits a file of it; an edit that finds nothing has gone stale.
    pub(crate) fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.directory.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{file} has no {old:?}");
        std::fs::write(path, text.replace(old, new)).unwrap();
    }

    /// A file in its directory.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `sekisho up` on this address.
    pub(crate) fn up(&self, addr: SocketAddr) -> Process {
        self.up_with(addr, &[], &[])
    }

    /// `sekisho up` on this address, with these arguments and variables of the environment besides.
    pub(crate) fn up_with(
        &self,
        addr: SocketAddr,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Process {
        let audit = File::options().create(true).append(true).open(self.audit_file()).unwrap();
        let mut child = sekisho()
            .args(["up", "--listen", &addr.to_string(), "-f", "spin.toml"])
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.directory.path())
            .stdout(audit)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let addr = address(child.stderr.take().unwrap(), "listening on https://");
        Process { child, addr }
    }

    /// The program with these arguments, in the directory of this site: what it wrote, or how it failed.
    pub(crate) fn sekisho(&self, arguments: &[&str]) -> Result<String, String> {
        let output = sekisho()
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    pub(crate) fn client(&self, gateway: SocketAddr, protocol: Protocol) -> Client {
        let ca = self.directory.path().join(".sekisho/dev-ca/ca.pem");
        let ca = std::fs::read_to_string(ca).unwrap();
        Client::plain(gateway).trusting(&ca).unwrap().speaking(protocol)
    }

    /// A token of this member of acme's.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.token_with(subject, &["member"])
    }

    /// A token of somebody of acme's with these roles.
    pub(crate) fn token_with(&self, subject: &str, roles: &[&str]) -> String {
        let token = self.issuer.token("acme").subject(subject).roles(roles.iter().copied());
        token.issued_at(unix_seconds()).sign().unwrap()
    }

    /// Where all of it is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn audit_file(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    /// Every audit record so far; each line is a whole one.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.audit_file()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "a record without its end");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
