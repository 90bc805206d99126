//! The portable build: `wasi:*` and nothing else, policy from a mounted directory, no state.

use std::path::PathBuf;
use std::process::Command;

use http_body_util::{BodyExt, Empty};
use sekisho_host::{Host, HostConfig};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, Issuer, SigningKey};
use sekisho_testing::origin::{Origin, OriginOptions};
use wasmparser::{Parser, Payload};

use crate::support::{Audit, ISSUER, cache, component, copy_policy, manifest, root};

/// The README's command, into a target directory of its own: the file's name is the same as that of
/// the Spin build.
fn portable() -> PathBuf {
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
fn imports(component: &std::path::Path) -> Vec<String> {
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
    let imports = imports(&component);
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
        let mut config = HostConfig::new(manifest(
            directory.path(),
            &component,
            &policy,
            &[origin.url()],
            false,
        ));
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
