//! Rotation as it happens: a certified OpenID provider (`tests/provider`) issues tokens by its own
//! endpoints and publishes its own documents, users keep coming, and its keys change under them. The
//! gateway's wall clock runs sixty times as fast, so that a minute is a second.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use http::{Method, Request};
use sekisho_testing::body;
use sekisho_testing::client::{Client, Protocol};
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::pki::Pki;
use serde_json::{Value, json};

use crate::support::{ISSUER, Options, World, json as json_of, request, with_packages};

/// The provider as a process, which ends with its standard input.
struct Provider {
    url: String,
    orders: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    tokens: Client,
    process: Child,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.orders = None;
        // Whether or how it ends is nothing to the test, which has its answers.
        let _ = self.process.wait();
    }
}

impl Provider {
    fn start(pki: &Pki, directory: &Path) -> Self {
        let leaf = pki.issue(&["127.0.0.1"]).unwrap();
        let files = [("cert.pem", leaf.cert_pem), ("key.pem", leaf.key_pem)].map(|(name, pem)| {
            let path = directory.join(name);
            std::fs::write(&path, pem).unwrap();
            path
        });
        let mut process = Command::new("node")
            .arg("provider.mjs")
            .args(files)
            .current_dir(with_packages("tests/provider"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node, which is Node.js 20 or newer: {error}"));
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let told = answers.next().unwrap().unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        let url = told["url"].as_str().unwrap().to_owned();
        let addr = url.trim_start_matches("https://").parse().unwrap();
        let tokens = Client::plain(addr).trusting(pki.ca_pem()).unwrap();
        Self { url, orders, answers, tokens, process }
    }

    fn order(&mut self, order: &Value) {
        writeln!(self.orders.as_ref().unwrap(), "{order}").unwrap();
        assert_eq!(self.answers.next().unwrap().unwrap(), "{}", "{order}");
    }

    fn publish(&mut self, keys: &[&str], sign: &str) {
        self.order(&json!({"publish": keys, "sign": sign}));
    }

    /// A token from the token endpoint (RFC 6749, section 4.4).
    async fn token(&self) -> String {
        // u-42 and its secret, as provider.mjs has them.
        let form =
            "grant_type=client_credentials&client_id=u-42&client_secret=a+secret+of+this+test";
        let asked = Request::post(format!("{}/token", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body::full(form))
            .unwrap();
        let answer = json_of(self.tokens.send(asked).await.unwrap()).await;
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

/// What users got, by the token that they came with.
#[derive(Clone, Default)]
struct Tally(Arc<Mutex<BTreeMap<(String, String), u64>>>);

impl Tally {
    fn count(&self, token: &str, outcome: String) {
        *self.0.lock().unwrap().entry((token.to_owned(), outcome)).or_default() += 1;
    }

    /// What was counted since it was asked last.
    fn take(&self) -> BTreeMap<(String, String), u64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Users who come again and again, each over one connection, with the tokens that they hold now.
struct Users {
    held: Arc<Mutex<Vec<(String, String)>>>,
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    tally: Tally,
}

impl Users {
    fn start(client: &Client, count: usize) -> Self {
        let held: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (stop, tally) = (Arc::<AtomicBool>::default(), Tally::default());
        let user = |_| {
            let (client, held, stop, tally) =
                (client.clone(), held.clone(), stop.clone(), tally.clone());
            tokio::spawn(async move {
                let mut connection = client.connect("acme.localhost").await.unwrap();
                while !stop.load(Ordering::SeqCst) {
                    let now = held.lock().unwrap().clone();
                    for (name, token) in now {
                        let asked = request(Method::GET, "/api/assistants")
                            .header("authorization", format!("Bearer {token}"))
                            .body(body::empty())
                            .unwrap();
                        let answer = connection.send(asked).await.unwrap();
                        let status = answer.status();
                        let read = body::read(answer.into_body(), 1 << 20).await.unwrap();
                        let outcome = if status == 200 {
                            "200".to_owned()
                        } else {
                            let problem: Value = serde_json::from_slice(&read).unwrap();
                            format!("{} {}", status.as_u16(), problem["reason"].as_str().unwrap())
                        };
                        tally.count(&name, outcome);
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        };
        let tasks = (0..count).map(user).collect();
        Self { held, stop, tasks, tally }
    }

    fn hold(&self, tokens: &[(&str, &String)]) {
        let tokens = tokens.iter().map(|(name, token)| ((*name).to_owned(), (*token).clone()));
        *self.held.lock().unwrap() = tokens.collect();
    }

    /// Lets so many of the gateway's minutes pass; what users got in them.
    async fn minutes(&self, minutes: u64) -> BTreeMap<(String, String), u64> {
        tokio::time::sleep(Duration::from_secs(minutes)).await;
        let mut got = self.tally.take();
        // Some were on their way with tokens that they hold no more.
        let held = self.held.lock().unwrap();
        got.retain(|(token, _), _| held.iter().any(|(name, _)| name == token));
        got
    }

    async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// Everybody with these tokens was let in, and how many that were.
fn all_let_in(got: &BTreeMap<(String, String), u64>, tokens: &[&str]) -> u64 {
    let names: Vec<(&str, &str)> =
        got.keys().map(|(name, outcome)| (name.as_str(), outcome.as_str())).collect();
    let want: Vec<(&str, &str)> = tokens.iter().map(|name| (*name, "200")).collect();
    assert_eq!(names, want, "{got:?}");
    got.values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_under_load() {
    let directory = tempfile::tempdir().unwrap();
    let pki = Pki::new().unwrap();
    let mut provider = Provider::start(&pki, directory.path());
    provider.publish(&["k1"], "k1");
    let (start, begun) = (unix_seconds(), Instant::now());
    let fast = move || SystemTime::UNIX_EPOCH + Duration::from_secs(start) + begun.elapsed() * 60;
    let world = World::with(Options {
        acme: vec![
            (format!("issuer = {ISSUER:?}"), format!("issuer = {:?}", provider.url)),
            ("jwks_file = \"keys/demo.jwks.json\"".into(), "discovery = true".into()),
        ],
        extra_ca: Some(pki.ca_pem().to_owned()),
        outbound: vec![provider.url.clone()],
        clock: Some(Arc::new(fast)),
        ..Options::default()
    })
    .await;
    let users = Users::start(&world.client(Protocol::H1), 6);
    let mut valid = 0;

    let first = provider.token().await;
    users.hold(&[("k1", &first)]);
    valid += all_let_in(&users.minutes(4).await, &["k1"]);

    // The next key is published beside the old one, signs six minutes later, and the old one stays.
    provider.publish(&["k1", "k2"], "k1");
    valid += all_let_in(&users.minutes(6).await, &["k1"]);
    provider.publish(&["k1", "k2"], "k2");
    let second = provider.token().await;
    users.hold(&[("k1", &first), ("k2", &second)]);
    valid += all_let_in(&users.minutes(3).await, &["k1", "k2"]);

    // One that signs as soon as it is published.
    provider.publish(&["k1", "k2", "k3"], "k3");
    let third = provider.token().await;
    users.hold(&[("k1", &first), ("k2", &second), ("k3", &third)]);
    valid += all_let_in(&users.minutes(3).await, &["k1", "k2", "k3"]);

    // The old ones are withdrawn: after five minutes nobody comes in with them, ever.
    provider.publish(&["k3"], "k3");
    let before = users.minutes(6).await;
    let late: u64 =
        before.iter().filter(|((_, got), _)| got == "200").map(|(_, count)| count).sum();
    let withdrawn = users.minutes(4).await;
    let outcomes: Vec<(&str, &str)> =
        withdrawn.keys().map(|(name, got)| (name.as_str(), got.as_str())).collect();
    let unknown = "401 token-key-unknown";
    assert_eq!(outcomes, [("k1", unknown), ("k2", unknown), ("k3", "200")], "{withdrawn:?}");
    let refused: u64 =
        withdrawn.iter().filter(|((_, got), _)| got == unknown).map(|(_, count)| count).sum();
    assert!(!before.contains_key(&("k3".to_owned(), unknown.to_owned())), "{before:?}");

    // Ten minutes without an answer, and the rotation after them.
    users.hold(&[("k3", &third)]);
    provider.order(&json!({"answering": false}));
    valid += withdrawn[&("k3".to_owned(), "200".to_owned())];
    let down = all_let_in(&users.minutes(10).await, &["k3"]);
    provider.order(&json!({"answering": true}));
    provider.publish(&["k3", "k4"], "k4");
    let fourth = provider.token().await;
    valid += all_let_in(&users.minutes(1).await, &["k3"]);
    users.hold(&[("k3", &third), ("k4", &fourth)]);
    valid += all_let_in(&users.minutes(3).await, &["k3", "k4"]);
    users.end().await;
    println!(
        "valid requests: {valid} let in, and {down} while the provider was down; 0 refused. Withdrawn keys: \
         {refused} refused after 5 minutes, 0 let in; {late} let in with any key in the 6 minutes before"
    );
}
