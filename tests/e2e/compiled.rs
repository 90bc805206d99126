//! A compiled policy in the real `.wasm`: the verdicts of its files, and none when it is damaged.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use sekisho_core::policy::deployed::{self, compile};
use sekisho_host::{Host, HostConfig};

use crate::cases::{Asked, cases, in_component, native};
use crate::support::{Audit, cache, component, copy_policy, manifest, root};

/// The policy in its compiled form, alone in a directory.
fn deploy(from: &Path, to: &Path, edits: &[(String, String)]) {
    let files = tempfile::tempdir().unwrap();
    copy_policy(from, files.path(), edits);
    let (_, policy) = sekisho::policy_dir::load(files.path()).unwrap();
    std::fs::create_dir_all(to).unwrap();
    std::fs::write(to.join(deployed::FILE), compile(&policy).unwrap()).unwrap();
}

/// Every fourth case; the others differ in what comes before the policy or after it.
#[tokio::test(flavor = "multi_thread")]
async fn its_verdicts_are_those_of_the_files() {
    let (mut judged, mut wrong) = (0, Vec::new());
    for case in cases().iter().step_by(4) {
        if let Asked::Judged(verdict) = in_component(component(), case, deploy).await {
            judged += 1;
            let native = native(case);
            if verdict != native {
                wrong.push(format!("{}:\n  files    {native}\n  compiled {verdict}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged >= 15, "too few cases reach the component: {judged}");
}

/// The status of a request without a token to each host, one after the other.
async fn statuses(policy: &Path, hosts: &[&str]) -> Vec<u16> {
    let directory = tempfile::tempdir().unwrap();
    let (audit, origin) = (Audit::default(), "http://127.0.0.1:9".to_owned());
    let mut config =
        HostConfig::new(manifest(directory.path(), component(), policy, &[origin], true));
    config.cache_dir = Some(cache());
    config.output = audit.output();
    let host = Host::start(config).await.unwrap();
    let peer = SocketAddr::from(([203, 0, 113, 9], 50_211));
    let mut statuses = Vec::new();
    for name in hosts {
        let request = Request::get("/api/assistants").header("host", *name);
        let answer = host.call(request.body(Empty::<Bytes>::new()).unwrap(), peer, true).await;
        statuses.push(answer.status().as_u16());
    }
    host.shutdown(std::time::Duration::from_secs(5)).await;
    for line in audit.lines() {
        let reason = statuses.contains(&503).then_some("policy-unavailable");
        assert!(reason.is_none_or(|reason| line.contains(reason)), "{line}");
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_refuses_every_request() {
    const HOSTS: [&str; 3] = ["acme.localhost", "globex.localhost", "unknown.localhost"];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(deployed::FILE);
    deploy(&root().join("policy"), directory.path(), &[]);
    assert_eq!(statuses(directory.path(), &HOSTS).await, [401, 401, 404], "as it was written");

    let sound = std::fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    let end = sound.len();
    let first_section = sound.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let globex = sound.windows(16).position(|window| window == b"globex.localhost").unwrap();
    for (name, bytes, hosts) in [
        ("empty", Vec::new(), &HOSTS[..]),
        ("its first half", sound[..end / 2].to_vec(), &HOSTS),
        ("all but its last byte", sound[..end - 1].to_vec(), &HOSTS),
        ("a byte more", [sound.as_slice(), b"\0"].concat(), &HOSTS),
        ("of another release", flipped(b"sekisho policy ".len()), &HOSTS),
        ("a bit of the operator's part", flipped(first_section + 40), &HOSTS),
        ("a bit of the root", flipped(end - 1), &HOSTS),
        ("a bit of the header", flipped(end - 40), &HOSTS),
        // An instance reads of the tenants only the one it is asked for, and then trusts nothing.
        ("a bit of a tenant's part", flipped(globex), &["globex.localhost", "globex.localhost"]),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let got = statuses(directory.path(), hosts).await;
        assert!(got.iter().all(|status| *status == 503), "{name}: {got:?}");
    }

    std::fs::write(&file, &sound).unwrap();
    std::fs::write(directory.path().join("gateway.toml"), "version = 1").unwrap();
    assert_eq!(statuses(directory.path(), &HOSTS).await, [503, 503, 503], "beside other files");
}
