//! The fast build: the same component with instructions that not every host has, and arithmetic that
//! compilers have got wrong.

use std::path::PathBuf;
use std::process::Command;

use wasmparser::{Validator, WasmFeatures};

use crate::support::{component, executable, fast_component, fast_toolchain, root};
use crate::wasi;

/// Flags as `spin.toml` has them.
pub(crate) const FLAGS: &str = include_str!("../wasi/fast.toml");

#[test]
fn only_the_fast_build_needs_wide_arithmetic() {
    let valid = |path, features| {
        let bytes = std::fs::read(path).unwrap();
        Validator::new_with_features(features).validate_all(&bytes).is_ok()
    };
    let common = WasmFeatures::default() | WasmFeatures::CM_ASYNC;
    let without = common - WasmFeatures::WIDE_ARITHMETIC;
    assert!(valid(component(), without));
    assert!(!valid(fast_component(), without));
    assert!(valid(fast_component(), without | WasmFeatures::WIDE_ARITHMETIC));
}

/// Core's own tests of keys and signatures, Wycheproof's vectors among them, compiled as the fast
/// component is.
#[tokio::test]
async fn signatures_are_judged_alike() {
    // The compiler is there then.
    fast_component();
    let (output, ended) = wasi::run(&core_tests(), &["token::keys"], String::new()).await;
    println!("{output}");
    assert!(ended);
    for name in ["ecdsa", "eddsa", "rsa", "hmac"] {
        assert!(output.contains(&format!("wycheproof::{name}_vectors ... ok")), "{name}");
    }
}

fn core_tests() -> PathBuf {
    let mut command = Command::new("cargo");
    command
        .args(["test", "-p", "sekisho-core", "--lib", "--no-run", "--profile", "component"])
        .args(["--target", "wasm32-wasip2", "--target-dir", "target/fast"])
        .args(["--config", FLAGS.trim()])
        .current_dir(root());
    if let Some(toolchain) = fast_toolchain() {
        command.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    executable(&mut command, None)
}

#[test]
fn the_flags_are_the_manifests() {
    let manifest = std::fs::read_to_string(root().join("spin.toml")).unwrap();
    assert!(manifest.contains(FLAGS.trim()), "spin.toml builds with other flags");
}
