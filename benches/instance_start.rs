//! What the number of tenants costs a fresh instance: the time of its first request, and the least
//! memory that it gets by with. Each tenant has 100 blocks.
//!
//! `cargo bench --bench instance_start [-- MANY]`
//!
//! The host is this process's own; it takes the component that `spin.toml` names, built.
#![expect(clippy::unwrap_used, reason = "a measurement that can't go on has failed")]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use sekisho_core::policy::deployed::{self, compile};
use sekisho_core::policy::load;
use sekisho_host::{Host, HostConfig, Manifest, Output};
use tempfile::TempDir;

const FEW: usize = 10;
const BLOCKS: usize = 100;
const RUNS: usize = 200;
/// WebAssembly's page.
const PAGE: usize = 64 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A compiled policy of this many tenants in a directory.
fn policy(tenants: usize) -> TempDir {
    let mut files = sekisho::policy_dir::read(&root().join("policy")).unwrap();
    let acme = String::from_utf8(files.remove("tenants/acme.toml").unwrap()).unwrap();
    let (_, issuers) = acme.split_once("[[issuers]]").unwrap();
    files.remove("tenants/globex.toml").unwrap();
    for tenant in 0..tenants {
        let mut blocks = String::new();
        for block in 0..BLOCKS {
            let number = tenant * BLOCKS + block;
            let (a, b, c) = (11 + number / 65536, number / 256 % 256, number % 256);
            write!(blocks, "\"{a}.{b}.{c}.0/25\", ").unwrap();
        }
        let text = format!(
            "hosts = [\"t{tenant}.localhost\"]\nregions = [\"jp\"]\n[networks]\nbusiness = [{blocks}]\n\
             [[issuers]]{issuers}"
        );
        files.insert(format!("tenants/t{tenant}.toml"), text.into_bytes());
    }
    let started = Instant::now();
    let loaded = load(&files).unwrap();
    let loading = started.elapsed();
    let bytes = compile(&loaded).unwrap();
    println!("{tenants} tenants: loaded in {loading:.1?}, compiled to {} bytes", bytes.len());
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(deployed::FILE), &bytes).unwrap();
    directory
}

/// A host whose instances serve one request each.
async fn host(policy: &Path, memory: Option<usize>) -> Option<Host> {
    let mut config = HostConfig::new(Manifest::load(&root().join("spin.toml")).unwrap());
    config.mounts.insert("/policy".to_owned(), policy.to_owned());
    config.cache_dir = Some(root().join("target/e2e-cache"));
    config.state = sekisho_host::State::Memory;
    config.output = Output::Lines(std::sync::Arc::new(|_: &str, _, _: &[u8]| {}));
    config.limits.instance_requests = 1;
    if let Some(memory) = memory {
        config.limits.instance_memory = memory;
        config.limits.requests = 16;
    }
    Host::start(config).await.ok()
}

/// A request without a token from the tenant's network: it passes the policy's lookups, all steps up to the token.
async fn ask(host: &Host, tenant: usize) -> (u16, Duration) {
    let number = tenant * BLOCKS;
    let (a, b, c) = (11 + number / 65536, number / 256 % 256, number % 256);
    let peer: SocketAddr = format!("{a}.{b}.{c}.9:50211").parse().unwrap();
    let request = Request::get("/api/assistants").header("host", format!("t{tenant}.localhost"));
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let started = Instant::now();
    let answer = host.call(request, peer, true).await;
    let elapsed = started.elapsed();
    (answer.status().as_u16(), elapsed)
}

/// The least linear memory, in bytes, in which a fresh instance answers.
async fn least_memory(policy: &Path, tenant: usize) -> usize {
    let (mut low, mut high) = (1, 2048);
    while low < high {
        let middle = usize::midpoint(low, high);
        let answers = match host(policy, Some(middle * PAGE)).await {
            Some(host) => {
                let (status, _) = ask(&host, tenant).await;
                host.shutdown(Duration::from_secs(5)).await;
                status == 401
            }
            None => false,
        };
        if answers { high = middle } else { low = middle + 1 }
    }
    low * PAGE
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[tokio::main]
async fn main() {
    let many: usize =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let policies = [FEW, many].map(|tenants| (tenants, policy(tenants)));
    let [(_, few), (_, most)] = &policies;
    let hosts = [host(few.path(), None).await.unwrap(), host(most.path(), None).await.unwrap()];
    let mut times = [Vec::new(), Vec::new()];
    // In turns, so that what else the machine does weighs on both alike.
    for run in 0..RUNS + 10 {
        for ((host, (tenants, _)), times) in hosts.iter().zip(&policies).zip(&mut times) {
            let (status, elapsed) = ask(host, (run * 7919) % tenants).await;
            assert_eq!(status, 401);
            // The first ones find the host itself cold.
            if run >= 10 {
                times.push(elapsed);
            }
        }
    }
    for host in hosts {
        host.shutdown(Duration::from_secs(5)).await;
    }
    let [few_time, most_time] = times.map(median);
    let few_memory = least_memory(few.path(), FEW - 1).await;
    let most_memory = least_memory(most.path(), many - 1).await;
    println!("{:>8} {:>28} {:>22}", "tenants", "first request, median", "least memory");
    for (tenants, time, memory) in [(FEW, few_time, few_memory), (many, most_time, most_memory)] {
        println!("{tenants:>8} {time:>28.1?} {:>18} KiB", memory / 1024);
    }
    let more = most_time.saturating_sub(few_time);
    println!(
        "more: {more:.1?} (allowed: 2ms), {} KiB (allowed: 8192)",
        most_memory.saturating_sub(few_memory) / 1024
    );
    assert!(more < Duration::from_millis(2), "the first request takes {more:?} more");
    assert!(most_memory < few_memory + 8 * 1024 * 1024, "the memory grows with the tenants");
}
