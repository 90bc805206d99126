//! What a decision allocates does not depend on the policy's size.
#![allow(unsafe_code, reason = "only an allocator can count allocations")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set itself up should stop"
)]

use sekisho_core::policy::{Files, load};
use sekisho_core::{
    Decision, Headers, Policy, Progress, Request, Scheme, Timestamp, Verdict, decide,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting what the current thread asks of it.
struct Counting;

thread_local! {
    static ASKED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: usize) {
    let (times, sum) = ASKED.get();
    ASKED.set((times + 1, sum + bytes));
}

// SAFETY: every call goes to the system's allocator as it came; counting touches a constant-
// initialized cell without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const GATEWAY: &str = r#"version = 1

[edge]
trusted_proxies = ["10.0.0.0/8"]

[origins.assistant]
url = "https://assistant.example"
region = "jp"

[[routes]]
id = "feedback"
path = "/public/{form}/feedback"
methods = ["POST"]
origins = ["assistant"]
public = true
"#;

/// A policy of this many tenants; the first allows this many blocks, each with a gap behind it.
fn policy(tenants: usize, blocks: usize) -> Policy {
    let blocks: Vec<String> = (0..blocks)
        .map(|n| n * 2)
        .map(|n| format!("\"{}.{}.{}.0/24\"", 20 + n / 65536, n / 256 % 256, n % 256))
        .collect();
    let mut files = Files::from([("gateway.toml".to_owned(), GATEWAY.into())]);
    for tenant in 0..tenants {
        let blocks = if tenant == 0 { blocks.join(", ") } else { String::new() };
        let toml = format!(
            "hosts = [\"t{tenant}.example.jp\"]\nregions = [\"jp\"]\n\n[networks]\nbusiness = [{blocks}]\n"
        );
        files.insert(format!("tenants/t{tenant}.toml"), toml.into());
    }
    load(&files).unwrap()
}

fn request(client: &str) -> Request {
    let fields = [
        ("host", "t0.example.jp"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("accept", "text/event-stream"),
        ("cookie", "theme=dark; lang=ja"),
        ("x-forwarded-for", client),
    ];
    Request {
        method: "POST".into(),
        scheme: Scheme::Https,
        authority: None,
        target: "/public/f1/feedback?x=1".into(),
        headers: Headers::new(fields.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()),
        in_flight: None,
        peer: Some("10.0.0.1:4711".parse().unwrap()),
        request_id: "0123456789abcdef0123456789abcdef".into(),
        trace_ratio: None,
    }
}

/// Allocations and bytes of one decision.
fn asked(policy: &Policy, client: &str, permitted: bool) -> (usize, usize) {
    let request = request(client);
    let now = Timestamp::from_second(1_795_338_000).unwrap();
    ASKED.set((0, 0));
    let progress = decide(policy, request, now);
    let asked = ASKED.get();
    let Progress::Decided(decision) = progress else { panic!("asks for records") };
    let Decision { verdict, .. } = *decision;
    assert_eq!(matches!(verdict, Verdict::Permit(_)), permitted, "{client}");
    asked
}

#[test]
fn the_size_of_the_policy_changes_nothing() {
    let (small, large) = (policy(1, 10), policy(300, 20_000));
    for (name, client, permitted) in
        [("permit", "20.0.2.9", true), ("deny, network", "192.0.2.1", false)]
    {
        let (times, bytes) = asked(&small, client, permitted);
        assert!(times > 0 && bytes > 0, "{name}: nothing was counted");
        assert_eq!(asked(&large, client, permitted), (times, bytes), "{name}");
        assert!(times < 64, "{name}: {times} allocations");
    }
}
