//! The price of a decision: a request with 15 header fields to a tenant with 1,000 CIDR blocks, and
//! what it costs to have more tenants or blocks.
//!
//! `cargo bench -p sekisho-core`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that can't set itself up should stop"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{BatchSize, Bencher, Criterion, criterion_group, criterion_main};
use jwt_simple::prelude::*;
use sekisho_core::policy::{Files, load};
use sekisho_core::session::{Record, Records};
use sekisho_core::{
    Decision, Headers, Policy, Request, Scheme, Timestamp, Verdict, decide_offline,
};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::hint::black_box;

const NOW: i64 = 1_795_338_000;
const INSIDE: &str = "10.3.231.9:50211";
const OUTSIDE: &str = "192.0.2.1:50211";

const GATEWAY: &str = r#"version = 1

[origins.assistant]
url = "https://assistant.example"
region = "jp"

[[routes]]
id = "chat"
path = "/api/assistants/{assistant}/chat"
methods = ["POST"]
origins = ["assistant"]
roles = ["member"]

[[routes]]
id = "files"
path = "/api/files/{*rest}"
methods = ["GET", "PUT"]
origins = ["assistant"]

[[routes]]
id = "feedback"
path = "/public/{form}/feedback"
methods = ["POST"]
origins = ["assistant"]
public = true
"#;

struct Keys {
    eddsa: Ed25519KeyPair,
    es256: ES256KeyPair,
    rs256: RS256KeyPair,
}

impl Keys {
    fn generate() -> Self {
        Self {
            eddsa: Ed25519KeyPair::generate().with_key_id("ed"),
            es256: ES256KeyPair::generate().with_key_id("ec"),
            rs256: RS256KeyPair::generate(2048).unwrap().with_key_id("rsa"),
        }
    }

    fn jwks(&self) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = self.es256.public_key().public_key().to_bytes_uncompressed();
        let rsa = self.rs256.public_key().to_components();
        json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(&self.eddsa.public_key().to_bytes())},
            {"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(&point[1..33]), "y": b64(&point[33..])},
            {"kty": "RSA", "kid": "rsa", "n": b64(&rsa.n), "e": b64(&rsa.e)},
        ]})
    }
}

/// A policy of this many tenants, each with 1,000 blocks.
fn files(tenants: usize, jwks: &Value) -> Files {
    let mut blocks = String::new();
    for block in 0..1000 {
        write!(blocks, "\"10.{}.{}.0/24\", ", block / 256, block % 256).unwrap();
    }
    let mut files = Files::from([
        ("gateway.toml".to_owned(), GATEWAY.into()),
        ("keys/idp.jwks.json".to_owned(), jwks.to_string().into_bytes()),
    ]);
    for tenant in 0..tenants {
        let toml = format!(
            "hosts = [\"t{tenant}.example.jp\"]\nregions = [\"jp\"]\n\n[networks]\nbusiness = [{blocks}]\n\n\
             [[issuers]]\nissuer = \"https://idp.example\"\naudiences = [\"sekisho\"]\n\
             algorithms = [\"EdDSA\", \"ES256\", \"RS256\"]\njwks_file = \"keys/idp.jwks.json\"\ntenant_claim = \"tenant\"\n"
        );
        files.insert(format!("tenants/t{tenant}.toml"), toml.into());
    }
    files
}

/// A policy of this many tenants, the first of which has this many blocks, and nobody signs in.
fn sized(tenants: usize, blocks: usize) -> Policy {
    let mut first = String::new();
    for block in 0..blocks {
        let (a, b, c) = (10 + block / 65536, block / 256 % 256, block % 256);
        write!(first, "\"{a}.{b}.{c}.{}/31\", ", block % 128 * 2).unwrap();
    }
    let mut files = Files::from([("gateway.toml".to_owned(), GATEWAY.into())]);
    for tenant in 0..tenants {
        let blocks = if tenant == 0 { first.as_str() } else { "\"192.0.2.0/24\"" };
        let toml = format!(
            "hosts = [\"t{tenant}.example.jp\"]\nregions = [\"jp\"]\n\n[networks]\nbusiness = [{blocks}]\n"
        );
        files.insert(format!("tenants/t{tenant}.toml"), toml.into());
    }
    load(&files).unwrap()
}

fn claims() -> JWTClaims<Value> {
    let mut claims = JWTClaims::<Value>::new();
    claims.custom = json!({
        "iss": "https://idp.example", "aud": "sekisho", "sub": "u-42", "exp": NOW + 300, "iat": NOW,
        "tenant": "t0", "roles": ["member"], "sid": "s-1", "name": "A. User", "email": "u-42@example.jp",
    });
    claims
}

/// 15 header fields as a browser sends them.
fn request(target: &str, peer: &str, token: &str) -> Request {
    let fields = [
        ("host", "t0.example.jp"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
        ("accept", "text/event-stream, application/json"),
        ("accept-language", "ja,en-US;q=0.9,en;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("content-type", "application/json"),
        ("content-length", "512"),
        ("origin", "https://t0.example.jp"),
        ("referer", "https://t0.example.jp/chat"),
        ("cookie", "theme=dark; lang=ja"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("priority", "u=1, i"),
        ("authorization", token),
    ];
    Request {
        method: "POST".into(),
        scheme: Scheme::Https,
        authority: None,
        target: target.into(),
        headers: Headers::new(
            fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        ),
        in_flight: None,
        peer: Some(peer.parse().unwrap()),
        request_id: "0123456789abcdef0123456789abcdef".into(),
        trace_ratio: None,
    }
}

fn judge(policy: &Policy, request: Request) -> Decision<'_> {
    let now = Timestamp::from_second(NOW).unwrap();
    let absent =
        |keys: &[String]| keys.iter().map(|key| (key.clone(), Record::Absent)).collect::<Records>();
    decide_offline(policy, request, now, None, absent).0
}

/// Few at a time: a request that just came lies in the nearest cache, and so does what the verdict
/// before it gave back to the allocator.
fn measure(b: &mut Bencher<'_>, policy: &Policy, request: &Request) {
    b.iter_batched(
        || request.clone(),
        |request| black_box(judge(policy, request)),
        BatchSize::NumIterations(8),
    );
}

fn decisions(c: &mut Criterion) {
    let keys = Keys::generate();
    let policy = load(&files(1, &keys.jwks())).unwrap();
    let bearer = |token: Result<String, jwt_simple::Error>| format!("Bearer {}", token.unwrap());
    let eddsa = bearer(keys.eddsa.sign(claims()));
    let es256 = bearer(keys.es256.sign(claims()));
    let rs256 = bearer(keys.rs256.sign(claims()));
    let chat = "/api/assistants/a1/chat?x=1";
    let mut group = c.benchmark_group("decide");
    for (name, request, want) in [
        ("permit, public route", request("/public/f1/feedback", INSIDE, &eddsa), None),
        ("deny, network", request(chat, OUTSIDE, &eddsa), Some("network-not-allowed")),
        ("permit, EdDSA seen before", request(chat, INSIDE, &eddsa), None),
        ("permit, ES256 seen before", request(chat, INSIDE, &es256), None),
        ("permit, RS256 seen before", request(chat, INSIDE, &rs256), None),
    ] {
        let reason = match judge(&policy, request.clone()).verdict {
            Verdict::Permit(_) => None,
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => Some(denial.reason().code()),
        };
        assert_eq!(reason, want, "{name}");
        group.bench_function(name, |b| {
            measure(b, &policy, &request);
        });
    }
    group.finish();
    let ten = files(10, &keys.jwks());
    c.bench_function("load, 10 tenants of 1,000 blocks", |b| {
        b.iter(|| load(black_box(&ten)));
    });
}

/// The same request to policies of other sizes costs the same.
fn sizes(c: &mut Criterion) {
    let request = request("/public/f1/feedback", "10.0.3.7:50211", "Bearer a.b.c");
    let mut group = c.benchmark_group("size");
    for (tenants, blocks) in
        [(1, 10), (1, 1_000), (1, 100_000), (100, 1_000), (1_000, 1_000), (10_000, 1_000)]
    {
        let policy = sized(tenants, blocks);
        let verdict = judge(&policy, request.clone()).verdict;
        assert!(matches!(verdict, Verdict::Permit(_)), "{verdict:?}");
        group.bench_function(format!("{tenants} tenants, {blocks} blocks"), |b| {
            measure(b, &policy, &request);
        });
    }
    group.finish();
}

criterion_group!(benches, decisions, sizes);
criterion_main!(benches);
