//! JOSE conformance: the worked examples of RFC 7515, 7517, 7519, 7520 and 8037, and tokens forged from their keys.
//! Each is judged natively, by the component and by the fast component, and the verdict is the same.

mod claims;
mod forge;
mod form;
mod header;
mod rfc;
mod signature;
mod signer;

use std::path::PathBuf;

use http_body_util::{BodyExt as _, Empty};
use sekisho_core::Policy;
use sekisho_core::explain::{Question, State, explain};
use sekisho_host::{Host, HostConfig};
use sekisho_testing::origin::{Origin, OriginOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Audit, cache, component, copy_policy, fast_component, fixed_clock, manifest, root,
};
use forge::{Forge, NOW, Vector};

const PERMIT: &str = "permit";

/// `tests/jose/rfc.json`: keys, key sets and tokens as the RFCs print them.
fn examples() -> Value {
    let text = std::fs::read_to_string(root().join("tests/jose/rfc.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn forged(forge: &Forge) -> Vec<Vector> {
    let all: Vec<Vector> = [
        form::vectors(forge),
        header::vectors(forge),
        signature::vectors(forge),
        claims::vectors(forge),
    ]
    .into_iter()
    .flatten()
    .collect();
    let permits = all.iter().filter(|vector| vector.want == PERMIT).count();
    assert!(all.len() >= 700 && permits >= 35, "{} vectors, {permits} permits", all.len());
    all
}

fn question(token: &str) -> Question {
    serde_json::from_value(json!({
        "method": "GET",
        "scheme": "https",
        "target": "/api/assistants",
        "headers": [["host", "acme.example.jp"], ["authorization", format!("Bearer {token}")]],
        "peer": "203.0.113.9:50211",
        "now": "2026-11-22T09:00:00Z",
    }))
    .unwrap()
}

/// The policy of these tests with key sets of their own.
struct Place {
    directory: TempDir,
    policy: PathBuf,
}

impl Place {
    fn new(sets: &[(&str, Value)], origin: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("policy");
        let edits = [("http://127.0.0.1:3480".to_owned(), origin.to_owned())];
        copy_policy(&root().join("tests/policies/jose"), &policy, &edits);
        std::fs::create_dir_all(policy.join("keys")).unwrap();
        for (file, set) in sets {
            std::fs::write(policy.join(file), set.to_string()).unwrap();
        }
        Self { directory, policy }
    }

    fn load(&self) -> Policy {
        sekisho::policy_dir::load(&self.policy).unwrap_or_else(|fault| panic!("{fault:?}")).1
    }
}

fn natively(policy: &Policy, token: &str) -> String {
    let verdict = explain(policy, &question(token), &State::default());
    verdict.reason.map_or(PERMIT.to_owned(), ToString::to_string)
}

async fn by_component(host: &Host, token: &str) -> String {
    let asked = question(token);
    let mut request = http::Request::get(asked.target);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = host.call(request, asked.peer.unwrap(), true).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    if status.is_success() {
        return PERMIT.to_owned();
    }
    let problem: Value = serde_json::from_slice(&body).unwrap();
    problem["reason"].as_str().unwrap().to_owned()
}

/// Natively and by each component; what differs from what is wanted.
async fn judge(sets: &[(&'static str, Value)], vectors: &[Vector]) {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let place = Place::new(sets, &origin.url());
    let policy = place.load();
    let mut wrong = Vec::new();
    let mut compare = |by: &str, vector: &Vector, got: &str| {
        if got != vector.want {
            wrong.push(format!(
                "{by}: {}: {got}, not {}: {}",
                vector.name, vector.want, vector.token
            ));
        }
    };
    for vector in vectors {
        compare("natively", vector, &natively(&policy, &vector.token));
    }
    for component in [component(), fast_component()] {
        let manifest =
            manifest(place.directory.path(), component, &place.policy, &[origin.url()], true);
        let mut config = HostConfig::new(manifest);
        config.cache_dir = Some(cache());
        config.wall_clock = Some(fixed_clock(question("").now));
        let audit = Audit::default();
        config.output = audit.output();
        let host = Host::start(config).await.unwrap();
        for vector in vectors {
            let got = by_component(&host, &vector.token).await;
            compare(&component.display().to_string(), vector, &got);
        }
        host.shutdown(std::time::Duration::from_secs(5)).await;
        let lines = audit.lines();
        assert_eq!(lines.len(), vectors.len(), "an audit record each");
        // A record has nothing of a token but what a verified one says.
        for vector in vectors.iter().filter(|vector| vector.token.len() > 100) {
            let signature = vector.token.rsplit('.').next().unwrap();
            assert!(signature.len() < 20 || lines.iter().all(|line| !line.contains(signature)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens() {
    assert_eq!(question("").now.as_second(), NOW);
    let forge = Forge::new(&examples());
    let vectors = forged(&forge);
    judge(&forge.sets(), &vectors).await;
    let permits = vectors.iter().filter(|vector| vector.want == PERMIT).count();
    println!("{} vectors: {permits} permitted, {} refused", vectors.len(), vectors.len() - permits);
}
