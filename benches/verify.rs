//! What a token's signature costs, by algorithm: natively, in the baseline build and in the fast one; for a
//! key's first checks, for a token that is new, and for one that was seen before.
//!
//! `cargo bench --bench verify`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that can't go on has failed"
)]

#[path = "../tests/wasi/mod.rs"]
mod wasi;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jwt_simple::prelude::*;
use sekisho::component::{FAST_RUST, can_build_fast, ensure_target};
use serde_json::json;

/// Tokens of each algorithm.
const TOKENS: usize = 120;

/// The flags of the fast build.
const FAST: &str = include_str!("../tests/wasi/fast.toml");

/// What has to be reached in the fast build, in microseconds: a new token, and one seen before.
const GOALS: [(&str, f64); 4] =
    [("EdDSA", 80.0), ("ES256", 150.0), ("RS256", 60.0), ("HS256", 5.0)];
const GOAL_SEEN: f64 = 3.0;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds the measuring program as the component is built.
fn build(toolchain: Option<&str>, target_dir: &str, more: &[&str], file: &str) -> PathBuf {
    let target_dir = root().join(target_dir);
    let status = Command::new("cargo")
        .envs(toolchain.map(|name| ("RUSTUP_TOOLCHAIN", name)))
        .args([
            "build",
            "-q",
            "-p",
            "sekisho-core",
            "--example",
            "verify",
            "--profile",
            "component",
        ])
        .arg("--target-dir")
        .arg(&target_dir)
        .args(more)
        .current_dir(root())
        .status();
    assert!(status.unwrap().success());
    target_dir.join(file)
}

/// The program's input: keys and tokens.
fn question() -> String {
    let claims = |n: usize| {
        Claims::create(Duration::from_hours(1))
            .with_issuer("https://id.example.co.jp/realms/acme")
            .with_audience("sekisho")
            .with_subject(format!("u-{n}"))
            .with_jwt_id(format!("5f4dcc3b-5aa7-65d6-1d83-{n:012}"))
    };
    let b64 = |bytes: &[u8]| Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap();
    let eddsa = Ed25519KeyPair::generate().with_key_id("k");
    let es256 = ES256KeyPair::generate().with_key_id("k");
    let es384 = ES384KeyPair::generate().with_key_id("k");
    let rs256 = RS256KeyPair::generate(2048).unwrap().with_key_id("k");
    let ps256 = PS256KeyPair::generate(2048).unwrap().with_key_id("k");
    let secret = HS256Key::generate().with_key_id("k");
    let point = |crv: &str, bytes: &[u8]| {
        let (x, y) = bytes.split_at(1).1.split_at(bytes.len() / 2);
        json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y)})
    };
    let rsa = |parts: RSAPublicKeyComponents| json!({"kty": "RSA", "n": b64(&parts.n), "e": b64(&parts.e)});
    let sign = |sign: &dyn Fn(JWTClaims<NoCustomClaims>) -> Result<String, jwt_simple::Error>| {
        (0..TOKENS).map(|n| sign(claims(n)).unwrap()).collect::<Vec<_>>()
    };
    [
        (
            "EdDSA",
            json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&eddsa.public_key().to_bytes())}),
            sign(&|claims| eddsa.sign(claims)),
        ),
        (
            "ES256",
            point("P-256", &es256.public_key().public_key().to_bytes_uncompressed()),
            sign(&|claims| es256.sign(claims)),
        ),
        (
            "ES384",
            point("P-384", &es384.public_key().public_key().to_bytes_uncompressed()),
            sign(&|claims| es384.sign(claims)),
        ),
        ("RS256", rsa(rs256.public_key().to_components()), sign(&|claims| rs256.sign(claims))),
        ("PS256", rsa(ps256.public_key().to_components()), sign(&|claims| ps256.sign(claims))),
        (
            "HS256",
            json!({"kty": "oct", "k": b64(&secret.to_bytes())}),
            sign(&|claims| secret.authenticate(claims)),
        ),
    ]
    .map(|(name, mut jwk, tokens)| {
        jwk["kid"] = "k".into();
        jwk["alg"] = name.into();
        format!("{name}\n{}\n{}\n", json!({"keys": [jwk]}), tokens.join("\n"))
    })
    .join("\n")
}

/// Microseconds of a key's first checks, of a new token, of one seen before; by algorithm.
type Times = BTreeMap<String, [f64; 3]>;

fn read(answer: &str) -> Times {
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().unwrap().to_owned();
        (name, std::array::from_fn(|_| words.next().unwrap().parse().unwrap()))
    };
    answer.lines().map(line).collect()
}

fn native(program: &Path, question: &str) -> Times {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, question).unwrap();
    let input = Stdio::from(file.reopen().unwrap());
    let output = Command::new(program).stdin(input).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    read(std::str::from_utf8(&output.stdout).unwrap())
}

async fn in_wasm(program: &Path, question: &str) -> Times {
    let (answer, ended) = wasi::run(program, &[], question.to_owned()).await;
    assert!(ended);
    read(&answer)
}

#[tokio::main]
async fn main() {
    ensure_target(root()).unwrap();
    // The fast build takes the first compiler that can build it, installed by:
    // rustup toolchain install 1.99.0 --profile minimal --target wasm32-wasip2
    let newer = (!can_build_fast(root()).unwrap()).then_some(FAST_RUST);
    let wasm = "wasm32-wasip2/component/examples/verify.wasm";
    let target = ["--target", sekisho::component::TARGET];
    let programs = [
        build(None, "target", &[], "component/examples/verify"),
        build(None, "target", &target, wasm),
        build(
            newer,
            "target/fast",
            &[target.as_slice(), &["--config", FAST.trim()]].concat(),
            wasm,
        ),
    ];
    let question = question();
    let [native_program, baseline, fast] = &programs;
    let native = native(native_program, &question);
    let baseline = in_wasm(baseline, &question).await;
    let fast = in_wasm(fast, &question).await;

    println!(
        "µs a signature, medians; first: a key's first three checks; new: a token never seen; seen: once more"
    );
    println!("{:<6} {:^26} {:^26} {:^26}  goal", "", "native", "Wasm, baseline", "Wasm, fast");
    let columns = ["first", "new", "seen"].map(|name| format!("{name:>8}")).join(" ");
    println!("{:<6} {columns} {columns} {columns}  (fast, new)", "");
    for name in ["EdDSA", "ES256", "ES384", "RS256", "PS256", "HS256"] {
        let cells: Vec<String> = [&native, &baseline, &fast]
            .iter()
            .flat_map(|times| times.get(name).unwrap())
            .map(|time| format!("{time:>8.2}"))
            .collect();
        let goal = GOALS.iter().find(|(of, _)| *of == name).map(|(_, goal)| format!("≤ {goal}"));
        println!("{name:<6} {}  {}", cells.join(" "), goal.unwrap_or_default());
    }
    println!("seen before, in the fast build: goal ≤ {GOAL_SEEN}");
}
