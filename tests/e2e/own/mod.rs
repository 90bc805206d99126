//! The gateway's own keys: what it signs for origins, what it publishes, which sessions it takes back, and what
//! happens without them.

mod origins;

use std::collections::BTreeMap;

use http::Method;
use sekisho_core::Timestamp;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::assertion::Assertion;
use sekisho_core::token::own::session::Session;
use sekisho_core::token::own::{OwnKeys, Status, private_jwk};
use sekisho_testing::body::{self, Body};
use sekisho_testing::client::Protocol;
use sekisho_testing::clock::unix_seconds;
use serde_json::{Value, json};

use crate::support::{Options, World, json as json_of, mounts, request, text};

const GATEWAY: &str = "https://gateway.example.jp";
const KEYS_AT: &str = "/.well-known/sekisho/jwks.json";

/// A set of each kind whose current key is the one of this number, with the next and the one before.
fn set(current: u8) -> String {
    let key = |(algorithm, number, status): (Algorithm, u8, Status)| {
        let id = format!("{}-{number}", algorithm.name());
        let kind = u8::from(algorithm.is_symmetric()) << 7;
        private_jwk(algorithm, &id, status, [number | kind; 32]).unwrap()
    };
    let keys = [Algorithm::EdDSA, Algorithm::HS256].into_iter().flat_map(|algorithm| {
        [
            (algorithm, current - 1, Status::Retired),
            (algorithm, current, Status::Current),
            (algorithm, current + 1, Status::Next),
        ]
    });
    json!({"keys": keys.map(key).collect::<Vec<_>>()}).to_string()
}

fn own(set: &str) -> OwnKeys {
    OwnKeys::parse(set.as_bytes()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(i64::try_from(unix_seconds()).unwrap()).unwrap()
}

/// The example policy, with assertions, the route to the keys, and sessions of the gateway's own for acme.
fn options(keys: Option<String>) -> Options {
    let issuer = "[[issuers]]\nissuer = \"https://issuer.localhost:3481\"";
    Options {
        gateway: vec![(
            "[origins.assistant]".into(),
            format!(
                "[assertion]\nissuer = {GATEWAY:?}\n\n[[routes]]\nid = \"keys\"\npath = {KEYS_AT:?}\n\
                 methods = [\"GET\", \"HEAD\"]\npublic = true\nanswer = \"jwks\"\n\n[origins.assistant]"
            ),
        )],
        acme: vec![
            (
                "hosts = [\"acme.localhost\"]".into(),
                "hosts = [\"acme.localhost\", \"localhost\"]".into(),
            ),
            (
                issuer.into(),
                format!(
                    "[[issuers]]\nissuer = {GATEWAY:?}\naudiences = [\"sekisho\"]\nalgorithms = [\"HS256\"]\n\
                     own_keys = true\ntenant_claim = \"tenant\"\n\n{issuer}"
                ),
            ),
        ],
        keys,
        ..Options::default()
    }
}

impl World {
    /// Gives the gateway other keys, as a SIGHUP does.
    fn rotate(&self, keys: String) {
        let variables = BTreeMap::from([("sekisho_keys".to_owned(), keys)]);
        self.host.set_variables(&variables).unwrap();
        self.host.reload(&mounts(&self.policy)).unwrap();
    }

    async fn with_token(&self, token: &str) -> (u16, String) {
        let asked = request(Method::GET, "/api/assistants")
            .header("authorization", format!("Bearer {token}"))
            .body(body::empty())
            .unwrap();
        let answer = self.client(Protocol::H1).send(asked).await.unwrap();
        match answer.status().as_u16() {
            200 => (200, String::new()),
            status => (status, json_of(answer).await["reason"].as_str().unwrap().to_owned()),
        }
    }

    async fn published(&self, method: Method, host: &str) -> crate::support::Answer {
        let asked = http::Request::builder().method(method).uri(format!("https://{host}{KEYS_AT}"));
        self.client(Protocol::H2).send(asked.body(body::empty()).unwrap()).await.unwrap()
    }
}

fn session(change: impl FnOnce(&mut Session)) -> Session {
    let mut session = Session {
        iss: GATEWAY.into(),
        aud: "sekisho".into(),
        sub: "u-42".into(),
        tenant: "acme".into(),
        roles: vec!["member".into()],
        sid: "s-1".into(),
    };
    change(&mut session);
    session
}

fn signed(keys: &str, session: &Session) -> String {
    session.sign(&own(keys), Algorithm::HS256, 3600, now()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_taken_back_until_their_key_has_gone() {
    let world = World::with(options(Some(set(1)))).await;
    let permitted = (200, String::new());
    let first = signed(&set(1), &session(|_| ()));
    assert_eq!(world.with_token(&first).await, permitted);
    for (name, token, want) in [
        (
            "globex's",
            signed(&set(1), &session(|s| s.tenant = "globex".into())),
            "token-tenant-mismatch",
        ),
        ("another secret's", signed(&set(9), &session(|_| ())), "token-key-unknown"),
        ("an assertion", assertion(&set(1), "assistant", now()), "token-type-not-allowed"),
    ] {
        let got = world.with_token(&token).await.1;
        assert_eq!(got, want, "{name}");
    }
    world
        .host
        .store("default")
        .set("t/acme/revoked/session/s-2", br#"{"v":1}"#.to_vec())
        .await
        .unwrap();
    let revoked = signed(&set(1), &session(|s| s.sid = "s-2".into()));
    assert_eq!(world.with_token(&revoked).await, (401, "session-revoked".into()));

    // Those whom the next key signed elsewhere come before this gateway has the new file.
    let second = signed(&set(2), &session(|_| ()));
    assert_eq!(world.with_token(&second).await, permitted, "the next key is known");
    world.rotate(set(2));
    assert_eq!(world.with_token(&first).await, permitted, "the retired key is known");
    assert_eq!(world.with_token(&second).await, permitted);
    world.rotate(set(3));
    assert_eq!(world.with_token(&first).await, (401, "token-key-unknown".into()));
    assert_eq!(world.with_token(&second).await, permitted);
}

/// What the gateway says to an origin, signed by the keys of this set.
fn assertion(keys: &str, origin: &str, at: Timestamp) -> String {
    said(origin).sign(&own(keys), "r-1", 60, at).unwrap()
}

fn said(origin: &str) -> Assertion {
    Assertion {
        iss: GATEWAY.into(),
        aud: origin.into(),
        sub: "u-42".into(),
        tenant: "acme".into(),
        roles: vec!["member".into()],
        policy: "d".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_keys_are_published() {
    let world = World::with(options(Some(set(1)))).await;
    for host in ["acme.localhost", "localhost"] {
        let answer = world.published(Method::GET, host).await;
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("content-type", "application/jwk-set+json"),
            ("cache-control", "public, max-age=240"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        assert!(answer.headers().contains_key("strict-transport-security"));
        assert_eq!(text(answer).await, own(&set(1)).published());
    }
    let answer = world.published(Method::HEAD, "acme.localhost").await;
    assert_eq!((answer.status().as_u16(), text(answer).await.as_str()), (200, ""));
    let answer = world.published(Method::POST, "acme.localhost").await;
    assert_eq!(answer.status(), 405);
    assert_eq!(world.published(Method::GET, "unknown.localhost").await.status(), 404);
    assert!(world.origin.requests().is_empty(), "no origin was asked");
    let record: Value = serde_json::from_str(&world.audit.lines()[0]).unwrap();
    assert_eq!((&record["decision"], &record["route"]), (&"permit".into(), &"keys".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_keys_nothing_that_needs_them_passes() {
    for keys in [None, Some(String::new()), Some("{\"keys\":\"S3CRET\"}".to_owned())] {
        let world = World::with(options(keys.clone())).await;
        let unavailable = (503, "own-keys-unavailable".to_owned());
        assert_eq!(world.with_token(&world.token("acme")).await, unavailable, "{keys:?}");
        assert_eq!(world.published(Method::GET, "acme.localhost").await.status(), 503);
        let own = signed(&set(1), &session(|_| ()));
        assert_eq!(world.with_token(&own).await, (503, "keys-unavailable".into()));
        assert_eq!(world.plain_client().send(health()).await.unwrap().status(), 308);
        let answer = world.client(Protocol::H1).send(health()).await.unwrap();
        assert_eq!(answer.status(), 200, "what needs none is served");
        let requests = world.origin.take_requests();
        assert_eq!(requests.len(), 1, "no other request reached the origin");
        let told = [world.audit.lines(), world.audit.said()].concat().join("\n");
        assert!(told.contains("sekisho_keys") && !told.contains("S3CRET"), "{told}");

        // Keys that come later are seen without a restart, and so is that they were taken away.
        world.rotate(set(1));
        assert_eq!(world.with_token(&world.token("acme")).await.0, 200);
        world.rotate(keys.unwrap_or_default());
        assert_eq!(world.with_token(&world.token("acme")).await, unavailable);
    }
}

fn health() -> http::Request<Body> {
    request(Method::GET, "/healthz").body(body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_speaks_for_the_gateway_and_no_secret_is_told() {
    let world = World::with(options(Some(set(1)))).await;
    let forged = assertion(&set(1), "assistant", now());
    for (name, value) in [
        ("sekisho-assertion", forged.as_str()),
        ("Sekisho-Assertion", "x"),
        ("x-sekisho-assertion", forged.as_str()),
    ] {
        let asked = request(Method::GET, "/api/assistants")
            .header("authorization", format!("Bearer {}", world.token("acme")))
            .header(name, value)
            .header("connection", "sekisho-assertion, close")
            .body(body::empty())
            .unwrap();
        let status = world.client(Protocol::H1).send(asked).await.unwrap().status();
        let requests = world.origin.take_requests();
        if status == 200 {
            let [seen] = &requests[..] else { panic!("{requests:?}") };
            let ours: Vec<&str> = seen
                .headers
                .iter()
                .filter(|(name, _)| name.contains("assertion"))
                .map(|(_, value)| value.as_str())
                .collect();
            assert!(matches!(ours[..], [one] if one != value && one.len() > 100), "{ours:?}");
        } else {
            assert!(requests.is_empty(), "{name}: {status}");
        }
    }
    for _ in 0..5 {
        assert_eq!(world.get("/api/assistants").await.status(), 200);
    }
    let sent: Vec<String> = world
        .origin
        .take_requests()
        .into_iter()
        .map(|seen| {
            seen.headers.into_iter().find(|(name, _)| name == "sekisho-assertion").unwrap().1
        })
        .collect();
    let different: std::collections::BTreeSet<&String> = sent.iter().collect();
    assert!(different.len() < sent.len(), "an instance sends one again while it is fresh");

    world.get("/healthz").await;
    let seen = world.origin.take_requests().remove(0);
    assert!(
        !seen.headers.iter().any(|(name, _)| name.contains("assertion")),
        "of nobody nothing is said"
    );

    let told = [world.audit.lines(), world.audit.said()].concat().join("\n");
    let keys: Value = serde_json::from_str(&set(1)).unwrap();
    for key in keys["keys"].as_array().unwrap() {
        for secret in [&key["d"], &key["k"]].into_iter().filter_map(Value::as_str) {
            assert!(!told.contains(secret));
        }
    }
    assert!(!told.contains(sent[0].rsplit('.').next().unwrap()), "nor is an assertion");
}
