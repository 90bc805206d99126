//! 200 MB up and 200 MB down keep the whole gateway process under 100 MiB resident.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use http::Request;
use http_body_util::BodyExt;
use sekisho_testing::body;
use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, Issuer, SigningKey};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pattern::Pattern;
use sekisho_testing::rss;

use crate::support::{ISSUER, component, copy_policy, json, manifest_text, root};

const BYTES: u64 = 200_000_000;
const LIMIT: u64 = 100 * 1024 * 1024;

/// The `sekisho` of this build.
fn sekisho() -> PathBuf {
    let status = Command::new("cargo")
        .args(["build", "-p", "sekisho"])
        .current_dir(root())
        .status()
        .unwrap();
    assert!(status.success());
    let exe = std::env::current_exe().unwrap();
    exe.ancestors().nth(2).unwrap().join("sekisho")
}

/// `sekisho up` as a process of its own; ended when dropped.
struct Gateway {
    child: Child,
    addr: std::net::SocketAddr,
}

impl Gateway {
    fn start(directory: &Path, policy: &Path, origin: &str) -> Self {
        let manifest = directory.join("spin.toml");
        let text = manifest_text(component(), policy, &[origin.to_owned()], true);
        std::fs::write(&manifest, text).unwrap();
        let mut child = Command::new(sekisho())
            .args(["up", "--listen", "127.0.0.1:0", "-f"])
            .arg(&manifest)
            .current_dir(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut addr = None;
        for line in stderr.lines() {
            let line = line.unwrap();
            eprintln!("{line}");
            if let Some((_, rest)) = line.split_once("listening on https://") {
                addr = rest.split_whitespace().next().and_then(|addr| addr.parse().ok());
                break;
            }
        }
        Self { addr: addr.unwrap(), child }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_each_way_stay_under_100_mib() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let issuer = Issuer::new(ISSUER, vec![SigningKey::generate(Algorithm::EdDSA, "ed-1").unwrap()]);
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("policy");
    copy_policy(
        &root().join("policy"),
        &policy,
        &[("http://127.0.0.1:3480".to_owned(), origin.url())],
    );
    std::fs::write(policy.join("keys/demo.jwks.json"), issuer.jwks().to_string()).unwrap();

    // The first start compiles the component, which costs more memory than serving it; the second
    // takes it from the cache, as every later one does.
    drop(Gateway::start(directory.path(), &policy, &origin.url()));
    let gateway = Gateway::start(directory.path(), &policy, &origin.url());
    let pid = gateway.child.id();
    let ca = std::fs::read_to_string(directory.path().join(".sekisho/dev-ca/ca.pem")).unwrap();
    let token = issuer.token("acme").roles(["member"]).issued_at(unix_seconds()).sign().unwrap();
    let request = |method: &str, target: &str| {
        Request::builder()
            .method(method)
            .uri(format!("https://acme.localhost{target}"))
            .header("authorization", format!("Bearer {token}"))
    };
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = Client::plain(gateway.addr).trusting(&ca).unwrap().speaking(protocol);
        for length in [true, false] {
            let mut upload = request("POST", "/api/files/upload");
            if length {
                upload = upload.header("content-length", BYTES);
            }
            let pattern = Pattern::new(BYTES).boxed_unsync();
            let answer = client.send(upload.body(pattern).unwrap()).await.unwrap();
            let received = json(answer).await;
            assert_eq!(
                (received["bytes"].as_u64(), received["sha256"].as_str()),
                (Some(BYTES), Some(Pattern::sha256(BYTES).as_str()))
            );
        }
        let target = format!("/api/files/download?bytes={BYTES}");
        let answer =
            client.send(request("GET", &target).body(body::empty()).unwrap()).await.unwrap();
        let mut body = answer.into_body();
        let mut received = 0;
        while let Some(frame) = body.frame().await {
            received += frame.unwrap().data_ref().map_or(0, |data| data.len() as u64);
        }
        assert_eq!(received, BYTES);
        let peak = rss::peak_resident_bytes(pid).unwrap();
        println!("{protocol:?}: peak {} MiB resident", peak / 1024 / 1024);
        assert!(peak < LIMIT, "{protocol:?}: {} MiB", peak / 1024 / 1024);
    }
}
