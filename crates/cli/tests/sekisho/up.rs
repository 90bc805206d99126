use super::{PolicyCopy, Ran, root, run, sekisho};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A directory with a manifest whose one component is a file that no host can run.
pub(super) fn application() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(root().join("spin.toml")).unwrap();
    let source = "target/wasm32-wasip2/component/sekisho_gateway.wasm";
    assert!(manifest.contains(source));
    let (manifest, _) = manifest.split_once("[component.admin]").unwrap();
    let private = "[[trigger.http]]\nroute = { private = true }\ncomponent = \"admin\"\n";
    assert!(manifest.contains(private));
    let manifest = manifest.replace(private, "").replace(source, "gateway.wasm");
    std::fs::write(directory.path().join("spin.toml"), manifest).unwrap();
    std::fs::write(directory.path().join("gateway.wasm"), "no WebAssembly").unwrap();
    let files = sekisho::policy_dir::read(&root().join("policy")).unwrap();
    sekisho::policy_dir::write(&directory.path().join("policy"), &files).unwrap();
    directory
}

fn up(directory: &Path, more: &[&str]) -> Ran {
    let arguments = ["up", "--listen", "127.0.0.1:0", "--state", "memory"];
    let output = sekisho().args(arguments).args(more).current_dir(directory).output().unwrap();
    Ran::of(&output)
}

#[test]
fn a_broken_policy_does_not_start() {
    let application = application();
    let policy = PolicyCopy::new();
    policy.replace("tenants/acme.toml", "regions", "regons");
    up(application.path(), &["--policy", policy.path()])
        .failed(2, &["tenants/acme.toml:4:1", "did you mean \"regions\"?"]);
    up(application.path(), &["--policy", "gone"]).failed(2, &["gone does not exist"]);
}

#[test]
fn an_address_of_a_redis_is_judged_at_the_start() {
    let application = application();
    for address in ["redis://:geheim@host:port", "https://:geheim@host"] {
        let mut command = sekisho();
        command.args(["up", "--listen", "127.0.0.1:0"]).current_dir(application.path());
        for ran in [
            command.env("SEKISHO_STATE", address).output().unwrap(),
            command.env_remove("SEKISHO_STATE").args(["--state", address]).output().unwrap(),
        ] {
            let ran = Ran::of(&ran);
            ran.failed(2, &["the address of the Redis cannot be used", "Write redis://"]);
            assert!(!ran.err.contains("geheim"), "{}", ran.err);
        }
    }
    assert!(!application.path().join("https:").exists(), "a slip is no directory");

    let file = application.path().join("redis-url");
    for (text, told) in [
        ("redis://:geheim@host:port\n", "the address of the Redis cannot be used"),
        (" \n", "redis-url is empty"),
    ] {
        std::fs::write(&file, text).unwrap();
        let mut command = sekisho();
        command.args(["up", "--listen", "127.0.0.1:0"]).current_dir(application.path());
        command.env_remove("SEKISHO_STATE").env("SEKISHO_STATE_FILE", &file);
        let ran = Ran::of(&command.output().unwrap());
        ran.failed(2, &[told]);
        assert!(!ran.err.contains("geheim"), "{}", ran.err);
    }
}

#[test]
fn a_missing_component_says_how_to_build_it() {
    let application = application();
    std::fs::remove_file(application.path().join("gateway.wasm")).unwrap();
    up(application.path(), &[]).failed(2, &["gateway.wasm is not built", "--build"]);
}

#[test]
fn a_file_that_is_no_component_is_named() {
    up(application().path(), &[]).failed(2, &["gateway.wasm", "spin.toml"]);
}

#[test]
fn the_fast_component_is_run_unless_it_is_missing_or_old() {
    let application = application();
    let path = |name: &str| application.path().join(name);
    let fast = path("target/fast/wasm32-wasip2/component/sekisho_gateway.wasm");
    let baseline = ["gateway.wasm", "running the baseline one"];
    up(application.path(), &[]).failed(2, &[baseline[0], baseline[1], "is not built"]);

    std::fs::create_dir_all(fast.parent().unwrap()).unwrap();
    std::fs::write(&fast, "no WebAssembly either").unwrap();
    let ran = up(application.path(), &[]);
    ran.failed(2, &["fast/wasm32-wasip2/component/sekisho_gateway.wasm"]);
    assert!(!ran.err.contains("baseline"), "{}", ran.err);
    let ran = up(application.path(), &["--baseline"]);
    ran.failed(2, &["gateway.wasm"]);
    assert!(!ran.err.contains("target/fast"), "{}", ran.err);

    let file = std::fs::File::options().append(true).open(path("gateway.wasm")).unwrap();
    let later = fast.metadata().unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    file.set_modified(later).unwrap();
    up(application.path(), &[]).failed(2, &[baseline[0], baseline[1], "is older"]);
}

#[test]
fn what_is_told_must_have_a_place_to_go() {
    let application = application();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    up(application.path(), &["--metrics", &addr])
        .failed(2, &[&format!("cannot listen on {addr} for metrics"), "give --metrics another"]);
    for address in ["127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://:geheim@127.0.0.1"] {
        let ran = up(application.path(), &["--otlp", address]);
        ran.failed(2, &["spans cannot be sent to this address", "http://127.0.0.1:4318"]);
        assert!(!ran.err.contains("geheim"), "{}", ran.err);
    }
    for ratio in ["-0.1", "1.1", "NaN", "much"] {
        up(application.path(), &[&format!("--otlp-ratio={ratio}")])
            .failed(2, &["a number from 0 to 1 is wanted"]);
    }
}

#[test]
fn an_occupied_port_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let ran = up(application().path(), &["--listen-http", &addr]);
    ran.failed(2, &[&format!("cannot listen on {addr}"), "another program"]);
    assert_eq!(ran.err.matches("error:").count(), 1, "{}", ran.err);
}

#[test]
fn an_origin_outside_the_allowed_hosts_is_named() {
    let policy = PolicyCopy::new();
    policy.replace("gateway.toml", "http://127.0.0.1:3480", "https://assistant.example");
    up(application().path(), &["--policy", policy.path()]).failed(
        2,
        &["\"assistant\"", "add \"https://assistant.example\" to allowed_outbound_hosts"],
    );
}

#[test]
fn a_bad_certificate_is_named() {
    let application = application();
    let file = |name: &str, text: &str| {
        std::fs::write(application.path().join(name), text).unwrap();
    };
    file("empty.pem", "");
    file("broken.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    for certificate in ["gone.pem", "empty.pem", "broken.pem"] {
        up(application.path(), &["--tls-cert", certificate, "--tls-key", "empty.pem"])
            .failed(2, &[certificate]);
    }
}

#[test]
fn a_missing_or_broken_manifest_is_named() {
    let directory = tempfile::tempdir().unwrap();
    up(directory.path(), &[]).failed(2, &["there is no spin.toml in"]);
    std::fs::write(directory.path().join("spin.toml"), "spin_manifest_version = 2\nx = 1\n")
        .unwrap();
    up(directory.path(), &[]).failed(2, &["spin.toml:2:1", "unknown field"]);
    run(&["up", "-f", "/nowhere/spin.toml"]).failed(2, &["/nowhere/spin.toml"]);
}

/// Programs that stand in for the toolchain: each writes its name and arguments to `ran`.
struct Toolchain(tempfile::TempDir);

impl Toolchain {
    fn new(programs: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/sh", directory.path().join("sh")).unwrap();
        for (name, body) in programs {
            let path = directory.path().join(name);
            let ran = directory.path().join("ran");
            let script = format!("#!/bin/sh\necho {name} \"$@\" >> {}\n{body}\n", ran.display());
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(directory)
    }

    fn build(&self) -> Ran {
        let application = application();
        let mut command = sekisho();
        command.args(["up", "--build", "--state", "memory", "--listen", "127.0.0.1:0"]);
        Ran::of(
            &command.env("PATH", self.0.path()).current_dir(application.path()).output().unwrap(),
        )
    }

    fn ran(&self) -> String {
        std::fs::read_to_string(self.0.path().join("ran")).unwrap_or_default()
    }
}

#[test]
fn a_missing_build_tool_is_one_sentence() {
    Toolchain::new(&[]).build().failed(2, &["rustc is not on PATH", "https://rustup.rs"]);

    let no_target = ("rustc", "echo /nowhere");
    Toolchain::new(&[no_target])
        .build()
        .failed(2, &["wasm32-wasip2 is not installed", "rustup target add wasm32-wasip2"]);

    let offline = Toolchain::new(&[no_target, ("rustup", "exit 7")]);
    offline.build().failed(2, &["rustup target add wasm32-wasip2 ended with"]);
}

#[test]
fn a_compiler_that_breaks_wide_arithmetic_builds_the_baseline() {
    for (version, fast) in [
        ("echo LLVM version: 22.1.8", false),
        ("echo LLVM version: 23.1.1", true),
        ("echo LLVM version: 100.0.0", true),
        ("echo nothing of the kind", false),
    ] {
        let ran = Toolchain::new(&[("rustc", version), ("rustup", "exit 0")]).build();
        ran.failed(2, &["needs `cargo`"]);
        let told = ran.err.contains("the fast component needs Rust 1.99.0 or newer");
        assert_eq!(told, !fast, "{version}: {}", ran.err);
    }
}

#[test]
fn a_missing_target_is_installed_and_said_so() {
    let toolchain = Toolchain::new(&[("rustc", "echo /nowhere"), ("rustup", "exit 0")]);
    let ran = toolchain.build();
    ran.failed(2, &["is missing; running: rustup target add wasm32-wasip2", "needs `cargo`"]);
    assert_eq!(
        toolchain.ran(),
        "rustc -vV\nrustc --print sysroot\nrustup target add wasm32-wasip2\n"
    );
}
