//! What a record costs to write, and a million of them to search and to verify. `cargo bench -p sekisho-trail`
#![expect(clippy::unwrap_used, reason = "a measurement that can't go on has failed")]

use sekisho_trail::read::{Query, records};
use sekisho_trail::verify::Expected;
use sekisho_trail::{Options, Trail, verify};
use std::hint::black_box;
use std::time::Instant;

const RECORDS: u32 = 1_000_000;

fn record(n: u32) -> String {
    let (tenant, user) = (if n.is_multiple_of(3) { "acme" } else { "globex" }, n % 5000);
    let policy = "3f".repeat(32);
    format!(
        r#"{{"v":1,"time":"2026-11-28T{:02}:{:02}:{:02}.{:06}Z","request_id":"{n:032x}","tenant":"{tenant}","host":"{tenant}.example.jp","subject":"u-{user}","roles":["member"],"groups":[],"issuer":"https://idp.{tenant}.example.jp","client":"203.0.113.{}","method":"POST","path":"/api/assistants/a{}/chat","route":"chat","assistant":"a1","origin":"assistant","region":"jp-east","decision":"permit","reason":null,"would_deny":null,"detail":null,"status":200,"policy":"{policy}","duration_us":{n}}}"#,
        n / 3600 % 24,
        n / 60 % 60,
        n % 60,
        n % 1_000_000,
        n % 250,
        n % 40,
    )
}

fn main() {
    // `cargo test --benches` runs this, too.
    let count = if std::env::args().any(|argument| argument == "--bench") { RECORDS } else { 1000 };
    let directory = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..count).map(record).collect();
    let trail = Trail::open(directory.path(), Options::default()).unwrap();
    let begun = Instant::now();
    for line in &lines {
        trail.append(None, line.as_bytes());
    }
    let each = begun.elapsed() / count;
    trail.close();
    let bytes: usize = lines.iter().map(String::len).sum();
    println!("append: {each:?} a record of {} bytes", bytes / count as usize);

    let search = |name: &str, query: &Query| {
        let begun = Instant::now();
        let seen = records(directory.path(), query, |line, _| {
            black_box(line);
            true
        });
        println!("{name}: {} of {count} in {:?}", seen.unwrap().found, begun.elapsed());
    };
    let text = |text: &str| Some(text.to_owned());
    let user = Query { subject: text("u-42"), ..Query::default() };
    search("a user's", &user);
    search("a tenant's", &Query { tenant: text("acme"), ..Query::default() });
    search(
        "an hour's",
        &Query {
            since: "2026-11-28T07:00:00Z".parse().ok(),
            until: "2026-11-28T08:00:00Z".parse().ok(),
            ..Query::default()
        },
    );
    search("none", &Query { request_id: text("no such request"), ..Query::default() });

    let begun = Instant::now();
    let findings = verify(directory.path(), &Expected::default()).unwrap();
    assert!(findings.is_sound());
    println!("verify: {} records in {:?}", findings.records, begun.elapsed());
}
