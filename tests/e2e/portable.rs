//! The portable build: `wasi:*` and nothing else, policy from a mounted directory, no state.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine as _;
use http_body_util::{BodyExt, Empty};
use sekisho_core::token::keys::Algorithm as KeyKind;
use sekisho_core::token::own::{Status, private_jwk};
use sekisho_host::{Host, HostConfig, Manifest};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, Issuer, IssuerServer, SigningKey};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::pki::Pki;
use sekisho_testing::server::Listen;
use wasmparser::{Parser, Payload};

use crate::support::{Audit, ISSUER, cache, component, copy_policy, manifest, manifest_text, root};

/// The README's command, into a target directory of its own: the file's name is the same as that of
/// the Spin build. Built once.
fn portable() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(build)
}

fn build() -> PathBuf {
    let target = root().join("target/portable");
    sekisho::component::ensure_target(root()).unwrap();
    let status = Command::new("cargo")
        .args([
            "build",
            "-p",
            "sekisho-gateway",
            "--target",
            "wasm32-wasip2",
            "--no-default-features",
        ])
        .args(["--profile", "component", "--target-dir"])
        .arg(&target)
        .current_dir(root())
        .status()
        .unwrap();
    assert!(status.success());
    target.join("wasm32-wasip2/component/sekisho_gateway.wasm")
}

/// The names that a component imports.
pub(crate) fn imports(component: &Path) -> Vec<String> {
    let bytes = std::fs::read(component).unwrap();
    let mut depth = 0;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                names
                    .extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn the_spin_build_imports_wasi_the_key_value_store_and_variables() {
    let imports = imports(component());
    println!("{imports:#?}");
    let spin: Vec<&String> = imports.iter().filter(|name| !name.starts_with("wasi:")).collect();
    assert_eq!(spin, ["spin:key-value/key-value@3.0.0", "spin:variables/variables@3.0.0"]);
    assert!(!imports.iter().any(|name| name.contains("sockets")), "no sockets: {imports:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portable_build_imports_wasi_only_and_serves() {
    let component = portable();
    let imports = imports(component);
    println!("{imports:#?}");
    assert!(imports.iter().any(|name| name.starts_with("wasi:http/")));
    assert!(imports.iter().all(|name| name.starts_with("wasi:")), "{imports:?}");

    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let issuer = Issuer::new(ISSUER, vec![SigningKey::generate(Algorithm::EdDSA, "ed-1").unwrap()]);
    let directory = tempfile::tempdir().unwrap();
    for (revocation, permitted) in [("revocation = false", 200), ("revocation = true", 503)] {
        let policy = directory.path().join(revocation);
        let edits = [
            ("http://127.0.0.1:3480".to_owned(), origin.url()),
            ("revocation = true".to_owned(), revocation.to_owned()),
        ];
        copy_policy(&root().join("policy"), &policy, &edits);
        std::fs::write(policy.join("keys/demo.jwks.json"), issuer.jwks().to_string()).unwrap();
        let mut config =
            HostConfig::new(manifest(directory.path(), component, &policy, &[origin.url()], false));
        config.cache_dir = Some(cache());
        let audit = Audit::default();
        config.output = audit.output();
        let host = Host::start(config).await.unwrap();
        for (tenant, peer, want) in [
            ("acme", "127.0.0.1:1", permitted),
            ("globex", "203.0.113.9:1", permitted),
            // The allowlist is judged by the peer that the host names.
            ("globex", "198.51.100.1:1", 403),
        ] {
            let token =
                issuer.token(tenant).roles(["member"]).issued_at(unix_seconds()).sign().unwrap();
            let request = http::Request::get("/api/assistants")
                .header("host", format!("{tenant}.localhost"))
                .header("authorization", format!("Bearer {token}"))
                .body(Empty::<bytes::Bytes>::new())
                .unwrap();
            let answer = host.call(request, peer.parse().unwrap(), true).await;
            assert_eq!(
                answer.status().as_u16(),
                want,
                "{revocation} {tenant} {peer}: {:?}",
                audit.lines()
            );
            answer.into_body().collect().await.unwrap();
        }
        host.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

/// Without a store each instance asks the issuer for itself; and the gateway's own keys are in its environment.
#[tokio::test(flavor = "multi_thread")]
async fn the_portable_build_asks_issuers_and_signs() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let pki = Pki::new().unwrap();
    let tls = pki.server_config(&["127.0.0.1"], &[b"h2", b"http/1.1"]).unwrap();
    let key = SigningKey::generate(Algorithm::ES256, "k").unwrap();
    let idp = IssuerServer::start(Listen::tls(tls), vec![key.clone()]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("policy");
    let edits = [
        ("http://127.0.0.1:3480".to_owned(), origin.url()),
        ("revocation = true".to_owned(), "revocation = false".to_owned()),
        (
            "[origins.assistant]".to_owned(),
            "[assertion]\nissuer = \"g\"\n[origins.assistant]".to_owned(),
        ),
    ];
    copy_policy(&root().join("policy"), &policy, &edits);
    let file = policy.join("tenants/acme.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let issued = text
        .replace(ISSUER, &idp.url())
        .replace("jwks_file = \"keys/demo.jwks.json\"", "discovery = true");
    assert!(issued.contains("discovery = true") && issued.contains(&idp.url()));
    std::fs::write(&file, issued).unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, pki.ca_pem()).unwrap();
    let own = private_jwk(KeyKind::EdDSA, "own", Status::Current, [7; 32]).unwrap();
    let keys = serde_json::json!({"keys": [own]}).to_string();
    let outbound = [origin.url(), idp.url()];
    let text = manifest_text(portable(), &policy, &outbound, false)
        .replace("environment = { ", &format!("environment = {{ SEKISHO_KEYS = {keys:?}, "));
    let manifest = Manifest::parse(&directory.path().join("spin.toml"), &text).unwrap();
    let mut config = HostConfig::new(manifest);
    config.cache_dir = Some(cache());
    config.origin_tls.ca = Some(ca);
    let audit = Audit::default();
    config.output = audit.output();
    let host = Host::start(config).await.unwrap();
    for (signer, want) in [
        (&key, 200),
        (&SigningKey::generate(Algorithm::ES256, "other").unwrap(), 401),
        (&SigningKey::generate(Algorithm::ES256, "k").unwrap(), 401),
        (&key, 200),
    ] {
        let issued = idp.issuer();
        let token = issued.token("acme").roles(["member"]).signed_by(signer);
        let token = token.issued_at(unix_seconds()).sign().unwrap();
        let request = http::Request::get("/api/assistants")
            .header("host", "acme.localhost")
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        let answer = host.call(request, "127.0.0.1:1".parse().unwrap(), true).await;
        assert_eq!(answer.status().as_u16(), want, "{:?}", audit.lines());
        answer.into_body().collect().await.unwrap();
    }
    host.shutdown(std::time::Duration::from_secs(5)).await;
    let requests = origin.take_requests();
    assert_eq!(requests.len(), 2);
    for seen in requests {
        let said = seen.headers.iter().find(|(name, _)| name == "sekisho-assertion").unwrap();
        let header = said.1.split('.').next().unwrap();
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
        assert!(String::from_utf8(header).unwrap().contains("\"kid\":\"own\""));
    }
}
