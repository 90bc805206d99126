use std::path::Path;

use super::*;

const HEAD: &str =
    "spin_manifest_version = 2\napplication = { name = \"app\", version = \"1.0.0\" }\n";

fn parse(rest: &str) -> Result<Manifest, HostError> {
    Manifest::parse(Path::new("/srv/app/spin.toml"), &format!("{HEAD}{rest}"))
}

#[test]
fn a_whole_manifest() {
    let manifest = parse(
        r#"
[variables]
origin = { default = "origin.example" }
key = { required = true, secret = true }
[[trigger.http]]
route = "/..."
component = "gateway"
[[trigger.http]]
id = "admin"
route = { private = true }
component = "admin"
[component.gateway]
source = "target/gateway.wasm"
files = ["assets/*.css", { source = "policy", destination = "/policy" }]
key_value_stores = ["default"]
allowed_outbound_hosts = ["https://{{ origin }}", "http://admin.spin.internal"]
environment = { RUST_BACKTRACE = "1" }
[component.gateway.variables]
origin = "https://{{ origin }}/"
[component.gateway.build]
command = "cargo build"
workdir = "x"
watch = ["src"]
[component.gateway.tool.sekisho]
fast = { source = "target/fast.wasm", command = "cargo build --config x" }
[component.gateway.tool.other]
anything = true
[component.admin]
source = "admin.wasm"
[component.admin.build]
command = ["a", "b"]
"#,
    )
    .unwrap();
    assert_eq!(manifest.components().collect::<Vec<_>>(), ["admin", "gateway"]);
    assert_eq!(manifest.routes.len(), 1);
    assert_eq!(manifest.source("gateway"), Some(Path::new("/srv/app/target/gateway.wasm")));
    assert_eq!(manifest.mount("/policy"), Some(Path::new("/srv/app/policy")));
    assert_eq!(manifest.mount("/other"), None);
    let build = manifest.components["gateway"].build.as_ref().unwrap();
    assert_eq!(build.workdir, Path::new("/srv/app/x"));
    assert_eq!(manifest.components["admin"].build.as_ref().unwrap().commands, ["a", "b"]);
    let fast = manifest.fast();
    assert_eq!(fast.source("gateway"), Some(Path::new("/srv/app/target/fast.wasm")));
    assert_eq!(fast.source("admin"), Some(Path::new("/srv/app/admin.wasm")));
    let build = fast.components["gateway"].build.as_ref().unwrap();
    assert_eq!(
        (build.commands.as_slice(), build.workdir.as_path()),
        (&["cargo build --config x".to_owned()][..], Path::new("/srv/app"))
    );
    let spec = &fast.components["gateway"];
    assert_eq!(fast.text.get(spec.source_span.clone()), Some("\"target/fast.wasm\""));
}

#[test]
fn errors_point_at_their_line() {
    for (rest, line, part) in [
        ("[component.a]\nsource = \"a\"\n[component.a.tool.sekisho]\nquick = 1\n", 6, "quick"),
        (
            "[component.a]\nsource = \"a\"\n[component.a.tool.sekisho]\nmounts = [\"audit\"]\n",
            6,
            "absolute",
        ),
        ("[component.a]\nsource = \"a\"\nsqlite_databases = [\"x\"]\n", 5, "sqlite_databases"),
        ("[component.a]\nsource = \"a\"\nexclude_files = [\"x\"]\n", 5, "exclude_files"),
        ("[component.a]\nsource = \"a\"\nallowed_http_hosts = []\n", 5, "allowed_http_hosts"),
        ("[component.a]\nsource = { url = \"https://x\", digest = \"y\" }\n", 4, "string"),
        ("[component.a]\nsource = \"a\"\nfiles = [\"../x\"]\n", 5, "inside"),
        ("[component.a]\nsource = \"a\"\nfiles = [\"/etc/*\"]\n", 5, "inside"),
        (
            "[component.a]\nsource = \"a\"\nfiles = [{ source = \"x\", destination = \"y\" }]\n",
            5,
            "absolute",
        ),
        (
            "[component.a]\nsource = \"a\"\nallowed_outbound_hosts = [\"example.com\"]\n",
            5,
            "scheme",
        ),
        (
            "[component.a]\nsource = \"a\"\nallowed_outbound_hosts = [\"https://{{ nope }}\"]\n",
            5,
            "`nope`",
        ),
        (
            "[component.a]\nsource = \"a\"\n[component.a.variables]\nb = \"{{ nope }}\"\n",
            6,
            "`nope`",
        ),
        ("[component.A]\nsource = \"a\"\n", 3, "lower-case"),
        ("[[trigger.http]]\nroute = \"/\"\ncomponent = \"b\"\n", 5, "`b`"),
        ("[[trigger.redis]]\nchannel = \"x\"\n", 3, "redis"),
        (
            "[component.a]\nsource = \"a\"\n[[trigger.http]]\nroute = \"x\"\ncomponent = \"a\"\n",
            6,
            "starts with /",
        ),
        (
            "[component.a]\nsource = \"a\"\n[[trigger.http]]\nroute = { private = false }\ncomponent = \"a\"\n",
            6,
            "private",
        ),
        (
            "[component.a]\nsource = \"a\"\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n\
             [[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n",
            9,
            "already",
        ),
        ("[variables]\na = {}\n", 4, "no value"),
        ("[variables]\na = { default = \"x\", required = true }\n", 4, "default"),
        ("[variables]\nA = { default = \"x\" }\n", 4, "lower-case"),
        ("nonsense = 1\n", 3, "nonsense"),
        ("= 1\n", 3, "key"),
    ] {
        let error = parse(rest).expect_err(rest);
        let place = error.place.clone().unwrap_or_else(|| panic!("no place: {rest}"));
        assert_eq!(place.line(), Some(line), "{rest}: {error}");
        assert!(error.to_string().contains(part), "{rest}: {error}");
    }
}

#[test]
fn another_version_is_refused() {
    let error = Manifest::parse(Path::new("spin.toml"), &HEAD.replace("= 2", "= 1")).unwrap_err();
    assert!(error.to_string().contains("version must be 2"), "{error}");
}

#[test]
fn a_missing_manifest_is_one_sentence() {
    let error = Manifest::load(Path::new("/nonexistent/spin.toml")).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot read the manifest /nonexistent/spin.toml"),
        "{error}"
    );
}

#[test]
fn a_missing_build_tool_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spin.toml");
    let rest = "[component.a]\nsource = \"a\"\n[component.a.build]\ncommand = \"no-such-tool-xyz --flag\"\n";
    let error = Manifest::parse(&path, &format!("{HEAD}{rest}")).unwrap().build(None).unwrap_err();
    assert!(error.to_string().contains("needs `no-such-tool-xyz`"), "{error}");
    let failing = rest.replace("no-such-tool-xyz --flag", "exit 3");
    let error =
        Manifest::parse(&path, &format!("{HEAD}{failing}")).unwrap().build(None).unwrap_err();
    assert!(error.to_string().contains("failed"), "{error}");
}
