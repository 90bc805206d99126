//! What the fuzz targets share: the policy of the test cases, its tokens, and a request as text.

pub mod upstream;

use sekisho_core::policy::{Files, is_policy_file, load};
use sekisho_core::session::Record;
use sekisho_core::{Decision, Headers, Policy, Request, Scheme, Timestamp, decide_offline};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// The moment for which the cases' tokens are minted.
pub const NOW: &str = "2026-11-22T09:00:00Z";
/// The identifier of every request.
pub const REQUEST_ID: &str = "our-request-id";

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests");

/// The directory of the cases' policy.
pub static FILES: LazyLock<Files> = LazyLock::new(|| {
    let root = Path::new(TESTS).join("policies/basic");
    let mut files = Files::new();
    for folder in ["", "tenants", "keys"] {
        for entry in fs::read_dir(root.join(folder)).expect("the cases' policy is there") {
            let path = entry.expect("it can be listed").path();
            let name =
                path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
            if is_policy_file(&name) {
                files.insert(name, fs::read(path).expect("it can be read"));
            }
        }
    }
    files
});

/// The cases' policy.
pub static POLICY: LazyLock<Policy> =
    LazyLock::new(|| load(&FILES).expect("the cases' policy is sound"));

/// Tokens that the policy's issuers signed, by the word that stands for each in a request as text.
pub static TOKENS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    [
        ("$acme", "permit-eddsa"),
        ("$admin", "permit-admin"),
        ("$globex", "permit-region-eu"),
        ("$initech", "permit-rs256-sole-tenant"),
    ]
    .map(|(word, case)| (word, token_of(case)))
    .to_vec()
});

fn token_of(case: &str) -> String {
    let file = format!("{TESTS}/cases/{case}/request.json");
    let text = fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let request: Value = serde_json::from_slice(&text).expect("a case's request is JSON");
    let fields = request["headers"].as_array().expect("it has header fields");
    let bearer = fields.iter().find(|field| field[0] == "authorization").expect("it has a token");
    bearer[1].as_str().and_then(|value| value.strip_prefix("Bearer ")).expect("a bearer").to_owned()
}

/// Header fields as text: `name: value` lines, with `$acme` for a token.
pub fn fields(text: &[u8]) -> Vec<(String, Vec<u8>)> {
    text.split(|byte| *byte == b'\n').filter_map(field).collect()
}

fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    let value = value[1..].trim_ascii_start();
    let value = match std::str::from_utf8(value) {
        Ok(text) => {
            let put = |text: String, (word, token): &(&str, String)| text.replace(word, token);
            TOKENS.iter().fold(text.to_owned(), put).into_bytes()
        }
        Err(_) => value.to_vec(),
    };
    Some((std::str::from_utf8(name).ok()?.to_owned(), value))
}

/// A request as text: `METHOD TARGET PEER`, then its header fields.
pub fn request(text: &[u8]) -> Option<Request> {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    let mut words = std::str::from_utf8(first).ok()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Request {
        method,
        scheme: Scheme::Https,
        authority: None,
        target,
        headers: Headers::new(fields(rest)),
        in_flight: None,
        peer: words.next().and_then(|peer| peer.parse().ok()),
        request_id: REQUEST_ID.into(),
        trace_ratio: None,
    })
}

/// A GET of the public route with these fields.
pub fn public_request(peer: &str, fields: Vec<(String, Vec<u8>)>) -> Request {
    Request {
        method: "GET".into(),
        scheme: Scheme::Https,
        authority: None,
        target: "/healthz".into(),
        headers: Headers::new(fields),
        in_flight: None,
        peer: Some(peer.parse().expect("an address")),
        request_id: REQUEST_ID.into(),
        trace_ratio: None,
    }
}

/// Judges a request by records that are all like this one.
pub fn judge(request: Request, record: &Record) -> Decision<'static> {
    let now: Timestamp = NOW.parse().expect("a time");
    let alike = |keys: &[String]| keys.iter().map(|key| (key.clone(), record.clone())).collect();
    decide_offline(&POLICY, request, now, None, alike).0
}
