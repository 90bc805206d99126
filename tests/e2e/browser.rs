//! What people see and scripts get: refusals in headless Chromium (`tests/browser`), by the gateway over TLS.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use http::{Method, Request};
use sekisho_core::Timestamp;
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::clock::unix_seconds;
use serde_json::{Value, json};

use crate::support::{
    Options, World, component, fixed_clock, json as json_of, root, with_packages,
};

/// The routes of the example policy, and one for each way in which an origin fails.
fn routes() -> Vec<(String, String)> {
    let health = "[[routes]]\nid = \"health\"";
    let route = |id, more| {
        format!("[[routes]]\nid = \"{id}\"\npath = \"/{id}\"\nmethods = [\"GET\"]\n{more}\n")
    };
    let ours = "origins = [\"assistant\"]\nroles = [\"member\"]";
    let added = [
        route("wrong-tenant", ours),
        route("slow", &format!("{ours}\ntimeouts = {{ first_byte_ms = 100 }}")),
        route("echo", ours),
        route("desk", "origins = [\"assistant\"]\npublic = true"),
        "[[rate_limits]]\nid = \"once\"\nper = \"subject\"\nroutes = [\"echo\"]\n\
         burst = 1\nrefill_per_minute = 1\n"
            .to_owned(),
    ];
    vec![(health.to_owned(), format!("{}{health}", added.concat()))]
}

async fn world() -> World {
    // The clock stands from here on, and a build takes longer than tokens may be ahead of it.
    component();
    let now = Timestamp::from_second(i64::try_from(unix_seconds()).unwrap()).unwrap();
    World::with(Options {
        gateway: routes(),
        // Nothing comes back to a bucket while the clock stands.
        clock: Some(fixed_clock(now)),
        ..Options::default()
    })
    .await
}

/// One refusal as a browser meets it, with what a program is told of it in both languages.
async fn refusal(
    world: &World,
    host: &str,
    target: &str,
    signed_in: bool,
    want: (u16, &str),
) -> Value {
    let mut said = json!({});
    for language in ["ja", "en"] {
        let mut asked = Request::builder()
            .method(Method::GET)
            .uri(format!("https://{host}{target}"))
            .header("accept-language", language);
        if signed_in {
            asked = asked.header("authorization", format!("Bearer {}", world.token("acme")));
        }
        let asked = asked.body(body::empty()).unwrap();
        let answer = world.client(Protocol::H2).send(asked).await.unwrap();
        let problem = json_of(answer).await;
        assert_eq!(problem["status"], want.0, "{problem}");
        assert_eq!(problem["reason"], want.1, "{problem}");
        said[language] = problem;
    }
    json!({"url": url(world, host, target), "signed_in": signed_in, "said": said})
}

fn url(world: &World, host: &str, target: &str) -> String {
    format!("https://{host}:{}{target}", world.host.addrs()[0].port())
}

/// Chromium or Chrome: the one that `CHROME` names, or where systems have it.
fn chromium() -> PathBuf {
    if let Some(named) = std::env::var_os("CHROME") {
        return named.into();
    }
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/snap/bin/chromium",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ]
    .map(PathBuf::from)
    .into_iter()
    .find(|path| path.exists())
    .unwrap_or_else(|| {
        panic!(
            "no Chromium: install it (Debian: apt-get install chromium fonts-noto-cjk), or name one in CHROME"
        )
    })
}

/// Runs a script of `tests/browser` with what it needs on its standard input.
fn run(script: &str, world: &World, mut plan: Value) {
    plan["chromium"] = json!(chromium());
    plan["token"] = json!(world.token("acme"));
    plan["pictures"] = json!(root().join("target/browser"));
    let mut process = Command::new("node")
        .arg(script)
        .current_dir(with_packages("tests/browser"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node, which is Node.js 20 or newer: {error}"));
    process.stdin.take().unwrap().write_all(plan.to_string().as_bytes()).unwrap();
    let done = process.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{script}: {out}{err}");
    println!("{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_by_everyone() {
    let world = world().await;
    assert_eq!(world.get("/echo").await.status(), 200, "the one that the bucket holds");
    let mut refusals = Vec::new();
    for (host, target, signed_in, want) in [
        ("acme.localhost", "/api/assistants", false, (401, "token-missing")),
        ("globex.localhost", "/api/assistants", false, (403, "network-not-allowed")),
        ("acme.localhost", "/admin/users", true, (403, "role-missing")),
        ("unknown.localhost", "/", false, (404, "tenant-unknown")),
        ("acme.localhost", "/nothing", false, (404, "route-not-found")),
        ("acme.localhost", "/api/assistants/a1/chat", false, (405, "method-not-allowed")),
        ("acme.localhost", "/echo", true, (429, "rate-limited")),
        ("acme.localhost", "/wrong-tenant", true, (502, "origin-tenant-mismatch")),
        ("acme.localhost", "/slow?ms=5000", true, (504, "origin-timeout")),
    ] {
        refusals.push(refusal(&world, host, target, signed_in, want).await);
    }
    run("pages.mjs", &world, json!({"refusals": refusals}));
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_get_problems_and_navigations_pages() {
    let world = world().await;
    run("scripts.mjs", &world, json!({"desk": url(&world, "acme.localhost", "/desk")}));
}
