//! The example origins (`examples/`), in Rust and in Node.js, behind the real gateway: each verifies the gateway's
//! word by a library that is not ours, with the keys that the gateway publishes, and serves nobody else.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use http::Request;
use sekisho_core::Timestamp;
use sekisho_core::token::keys::Algorithm;
use sekisho_testing::body;
use sekisho_testing::client::Client;
use serde_json::json;

use super::{GATEWAY, KEYS_AT, assertion, now, options, own, said, session, set, signed};
use crate::support::{World, executable, json as json_of, root, with_packages};

struct Example {
    process: Child,
    client: Client,
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself; the test has its answers.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Example {
    /// Starts it in the place of the world's origin.
    async fn start(mut command: Command, world: &mut World) -> Self {
        let addr: SocketAddr = world.origin.addr();
        world.origin.stop().await;
        let ca = world.ca_file();
        let gateway = world.host.addrs()[0].port();
        let mut process = command
            .env("ORIGIN_ID", "assistant")
            .env("GATEWAY", GATEWAY)
            .env("GATEWAY_KEYS", format!("https://localhost:{gateway}{KEYS_AT}"))
            .env("PORT", addr.port().to_string())
            .env("SSL_CERT_FILE", &ca)
            .env("NODE_EXTRA_CA_CERTS", &ca)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = BufReader::new(process.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        assert_eq!(said, format!("listening on http://{addr}"));
        Self { process, client: Client::plain(addr) }
    }

    /// The status of a request that comes past the gateway.
    async fn directly(&self, assertion: Option<&str>) -> u16 {
        let mut asked = Request::get("http://127.0.0.1/api/assistants")
            .header("x-tenant-id", "acme")
            .header("x-user-id", "u-42")
            .header("x-user-roles", "member");
        if let Some(assertion) = assertion {
            asked = asked.header("sekisho-assertion", assertion);
        }
        let asked = asked.body(body::empty()).unwrap();
        self.client.send(asked).await.unwrap().status().as_u16()
    }
}

async fn serves_the_gateway_alone(command: Command) {
    let mut world = World::with(options(Some(set(1)))).await;
    let example = Example::start(command, &mut world).await;
    let serves = async || {
        let answer = world.get("/api/assistants").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        json_of(answer).await
    };
    let member = json!({"sub": "u-42", "tenant": "acme", "roles": ["member"]});
    for _ in 0..3 {
        assert_eq!(serves().await, member);
    }
    let ours = assertion(&set(1), "assistant", now());
    assert_eq!(example.directly(Some(&ours)).await, 200, "the gateway's word, by whoever has it");

    let ago = |seconds: i64| {
        let at = Timestamp::from_second(now().as_second() - seconds).unwrap();
        assertion(&set(1), "assistant", at)
    };
    let (input, signature) = ours.rsplit_once('.').unwrap();
    let unsigned = {
        use base64::Engine as _;
        let header = br#"{"alg":"none","typ":"sekisho-assertion+jwt","kid":"EdDSA-1"}"#;
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
        format!("{header}.{}.", input.split_once('.').unwrap().1)
    };
    let eddsa_session = session(|_| ()).sign(&own(&set(1)), Algorithm::EdDSA, 60, now()).unwrap();
    let elsewhere = {
        let mut said = said("assistant");
        said.iss = "https://other.example.jp".into();
        said.sign(&own(&set(1)), "r-1", 60, now()).unwrap()
    };
    let strangers = set(1).replace("EdDSA-1", "EdDSA-7");
    for (name, assertion) in [
        ("none", None),
        ("nothing", Some(String::new())),
        ("no token", Some("x".to_owned())),
        ("for another origin", Some(assertion(&set(1), "other", now()))),
        ("of another gateway", Some(elsewhere)),
        ("of two minutes ago", Some(ago(130))),
        ("by a key that is not published", Some(assertion(&set(5), "assistant", now()))),
        ("by a key under another name", Some(assertion(&strangers, "assistant", now()))),
        ("by another key under its name", Some(assertion(&forged_set(), "assistant", now()))),
        ("with another signature", Some(format!("{input}.{}", backwards(signature)))),
        ("unsigned", Some(unsigned)),
        ("a session", Some(eddsa_session)),
        ("a session by a secret", Some(signed(&set(1), &session(|_| ())))),
        ("a user's token", Some(world.token("acme"))),
    ] {
        assert_eq!(example.directly(assertion.as_deref()).await, 401, "{name}");
    }

    // The next key has been published all the time.
    world.rotate(set(2));
    assert_eq!(serves().await, member);
}

/// Another secret under the published name.
fn forged_set() -> String {
    set(5).replace("EdDSA-5", "EdDSA-1")
}

fn backwards(text: &str) -> String {
    // The last character of 64 bytes has two bits of theirs; so the text stays canonical.
    let (text, last) = text.split_at(text.len() - 1);
    text.chars().rev().chain(last.chars()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_in_node_believes_the_gateway_alone() {
    let directory = with_packages("examples/origin-node");
    let mut node = Command::new("node");
    node.arg("origin.mjs").current_dir(directory);
    serves_the_gateway_alone(node).await;
}

/// An origin that was not told whom to believe believes nobody.
#[test]
fn an_origin_that_knows_no_gateway_does_not_start() {
    let node = || {
        let mut node = Command::new("node");
        node.arg("origin.mjs").current_dir(with_packages("examples/origin-node"));
        node
    };
    for missing in ["ORIGIN_ID", "GATEWAY", "GATEWAY_KEYS"] {
        for mut command in [node(), Command::new(built())] {
            let all = [
                ("ORIGIN_ID", "assistant"),
                ("GATEWAY", GATEWAY),
                ("GATEWAY_KEYS", "https://g.example"),
            ];
            let output = command.envs(all).env_remove(missing).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains(missing), "{command:?}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_in_rust_believes_the_gateway_alone() {
    serves_the_gateway_alone(Command::new(built())).await;
}

fn built() -> PathBuf {
    let target = root().join("target/examples");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "-q", "--target-dir"]).arg(target);
    executable(cargo.current_dir(root().join("examples/origin-rust")), None)
}
