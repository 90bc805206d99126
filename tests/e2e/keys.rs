//! Keys that an issuer publishes, over real TLS: rotation, withdrawal, outage, and answers that are
//! none. The gateway's wall clock is the test's, so that a day passes in a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;
use http::Method;
use sekisho_testing::body;
use sekisho_testing::client::Protocol;
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, IssuerServer, Mode, SigningKey};
use sekisho_testing::pki::Pki;
use sekisho_testing::server::Listen;

use crate::support::{ISSUER, Options, World, json, mounts, request};

/// What takes less did not wait for an issuer that does not answer, also on a busy machine.
const NO_WAIT: Duration = Duration::from_millis(1900);

/// A world whose tenant acme has an issuer that publishes its keys.
struct Issued {
    world: World,
    idp: IssuerServer,
    clock: Arc<AtomicU64>,
}

fn key(kid: &str) -> SigningKey {
    SigningKey::generate(Algorithm::ES256, kid).unwrap()
}

impl Issued {
    async fn new(keys: &[SigningKey]) -> Self {
        Self::publishing(keys, |_| "discovery = true".into()).await
    }

    /// The issuer's keys are where `source` says, given its address.
    async fn publishing(keys: &[SigningKey], source: impl FnOnce(&str) -> String) -> Self {
        let pki = Pki::new().unwrap();
        let tls = pki.server_config(&["127.0.0.1"], &[b"h2", b"http/1.1"]).unwrap();
        let idp = IssuerServer::start(Listen::tls(tls), keys.to_vec()).await.unwrap();
        let clock = Arc::new(AtomicU64::new(unix_seconds()));
        let told = clock.clone();
        let from = format!("issuer = {ISSUER:?}");
        let world = World::with(Options {
            acme: vec![
                (from, format!("issuer = {:?}", idp.url())),
                ("jwks_file = \"keys/demo.jwks.json\"".into(), source(&idp.url())),
            ],
            extra_ca: Some(pki.ca_pem().to_owned()),
            outbound: vec![idp.url()],
            clock: Some(Arc::new(move || {
                SystemTime::UNIX_EPOCH + Duration::from_secs(told.load(Ordering::SeqCst))
            })),
            ..Options::default()
        })
        .await;
        Self { world, idp, clock }
    }

    fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The status and reason of a request with a fresh token that this key signed.
    async fn ask(&self, key: &SigningKey) -> (u16, String) {
        let issuer = self.idp.issuer();
        let token = issuer.token("acme").subject("u-42").roles(["member"]).signed_by(key);
        let token = token.issued_at(self.clock.load(Ordering::SeqCst)).sign().unwrap();
        let asked = request(Method::GET, "/api/assistants")
            .header("authorization", format!("Bearer {token}"))
            .body(body::empty())
            .unwrap();
        let answer = self.world.client(Protocol::H1).send(asked).await.unwrap();
        match answer.status().as_u16() {
            200 => (200, String::new()),
            status => (status, json(answer).await["reason"].as_str().unwrap().to_owned()),
        }
    }

    async fn permits(&self, key: &SigningKey) {
        assert_eq!(self.ask(key).await, (200, String::new()));
    }

    async fn refuses(&self, key: &SigningKey, status: u16, reason: &str) {
        assert_eq!(self.ask(key).await, (status, reason.to_owned()));
    }

    /// How often the key set was asked for since it was asked for so often: at least once, and not
    /// for each request. On a quiet machine once; a busy host starts an instance or two beside,
    /// which ask for themselves when they come before the set is in the store.
    fn asked_since(&self, before: u64) -> u64 {
        let now = self.idp.jwks_requests();
        assert!((1..=4).contains(&(now - before)), "asked for {} times", now - before);
        now
    }

    /// Until a question that nobody waits for is answered.
    async fn asked_beside(&self, before: u64) {
        for _ in 0..500 {
            if self.idp.jwks_requests() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.asked_since(before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_once_and_rotate() {
    let (a, b, c) = (key("a"), key("b"), key("c"));
    let issued = Issued::new(std::slice::from_ref(&a)).await;
    for _ in 0..20 {
        issued.permits(&a).await;
    }
    let asked = issued.asked_since(0);

    issued.idp.rotate(vec![b.clone(), a.clone()]);
    for _ in 0..20 {
        issued.permits(&b).await;
        issued.permits(&a).await;
    }
    let asked = issued.asked_since(asked);

    let stranger = key("stranger");
    for _ in 0..20 {
        issued.refuses(&stranger, 401, "token-key-unknown").await;
        issued.permits(&b).await;
    }
    issued.asked_since(asked);
    issued.pass(30);
    issued.idp.rotate(vec![c.clone(), b.clone(), a.clone()]);
    issued.permits(&c).await;

    // The first key is withdrawn: nobody but the clock says so.
    issued.idp.rotate(vec![c.clone(), b.clone()]);
    issued.pass(240);
    let asked = issued.idp.jwks_requests();
    issued.permits(&b).await;
    issued.asked_beside(asked).await;
    issued.pass(60);
    issued.refuses(&a, 401, "token-key-unknown").await;
    issued.permits(&c).await;
    issued.permits(&b).await;

    // Nobody came for hours: the first to come waits.
    issued.idp.rotate(vec![c.clone()]);
    issued.pass(4 * 3600);
    let asked = issued.idp.jwks_requests();
    issued.refuses(&b, 401, "token-key-unknown").await;
    issued.permits(&c).await;
    issued.asked_since(asked);
}

/// Each instance asks for itself, and a host under load starts some; but never is there one question
/// for each request.
#[tokio::test(flavor = "multi_thread")]
async fn requests_of_an_instance_share_a_question() {
    let (a, b) = (key("a"), key("b"));
    let keys = std::slice::from_ref(&a);
    let issued = Issued::publishing(keys, |url| format!("jwks_url = \"{url}/jwks.json\"")).await;
    issued.permits(&a).await;
    let before = issued.idp.jwks_requests();
    issued.idp.rotate(vec![b.clone()]);
    issued.idp.set_mode(Mode::Slow);
    let later = async |position: u64| {
        tokio::time::sleep(Duration::from_millis(20 * position)).await;
        issued.ask(&b).await
    };
    for answer in join_all((0..12).map(later)).await {
        assert_eq!(answer, (200, String::new()));
    }
    let questions = issued.idp.jwks_requests() - before;
    assert!((1..=6).contains(&questions), "{questions} questions of 12 requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_down_refuses_nobody_for_a_day() {
    let a = key("a");
    let issued = Issued::new(std::slice::from_ref(&a)).await;
    issued.permits(&a).await;
    let mut fetches = 1;
    for mode in [Mode::Down, Mode::Garbage, Mode::Large, Mode::Redirect] {
        issued.idp.set_mode(mode);
        // Ten minutes, a request every 10 s.
        for _ in 0..60 {
            issued.pass(10);
            issued.permits(&a).await;
        }
        let asked = issued.idp.discovery_requests() - fetches;
        // Each instance asks twice a minute, and how many there are is the host's affair.
        assert!((5..60).contains(&asked), "{mode:?}: asked {asked} times");
        fetches += asked;
    }
    assert_eq!(issued.idp.redirected_requests(), 0, "a redirect is not followed");
    assert_eq!(issued.idp.jwks_requests(), 1);

    issued.pass(24 * 3600);
    issued.refuses(&a, 503, "keys-unavailable").await;
    issued.idp.set_mode(Mode::Up);
    issued.pass(5);
    issued.permits(&a).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_is_waited_for_two_seconds() {
    let a = key("a");
    let issued = Issued::new(std::slice::from_ref(&a)).await;
    issued.idp.set_mode(Mode::Silent);
    let start = Instant::now();
    issued.refuses(&a, 503, "keys-unavailable").await;
    let waited = start.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&waited), "{waited:?}");
    issued.idp.set_mode(Mode::Up);
    issued.pass(5);
    issued.permits(&a).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_starts_takes_the_set_from_the_store() {
    let (a, b) = (key("a"), key("b"));
    let issued = Issued::new(std::slice::from_ref(&a)).await;
    issued.permits(&a).await;
    assert_eq!(issued.idp.jwks_requests(), 1);
    // What an instance knows is stored when those who wait have it.
    let anew = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        issued.world.host.reload(&mounts(&issued.world.policy)).unwrap();
    };
    anew().await;
    issued.permits(&a).await;
    assert_eq!(issued.idp.jwks_requests(), 1, "another instance has asked");

    // Nor does it wait for an issuer that did not answer another instance.
    issued.idp.set_mode(Mode::Silent);
    issued.pass(3600);
    anew().await;
    issued.permits(&a).await;
    anew().await;
    let start = Instant::now();
    issued.permits(&a).await;
    assert!(start.elapsed() < NO_WAIT, "{:?}", start.elapsed());

    // What is kept is as old as it is, whoever takes it.
    issued.idp.set_mode(Mode::Up);
    issued.idp.rotate(vec![b.clone()]);
    issued.pass(60);
    anew().await;
    issued.refuses(&a, 401, "token-key-unknown").await;
    issued.permits(&b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_can_not_be_used_keeps_no_other_from_it() {
    let a = key("a");
    let twice = [key("twice"), key("twice")];
    let short = SigningKey::generate(Algorithm::EdDSA, "").unwrap();
    let keys = [&a, &twice[0], &twice[1], &short].map(Clone::clone);
    let issued = Issued::publishing(&keys, |url| format!("jwks_url = \"{url}/jwks.json\"")).await;
    issued.permits(&a).await;
    assert_eq!(issued.idp.discovery_requests(), 0, "nobody asked for it");
    issued.refuses(&twice[0], 401, "token-key-unknown").await;
    issued.refuses(&twice[1], 401, "token-key-unknown").await;
}

/// Whoever leaves takes only his own question with him, and leaves no failure behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_makes_no_issuer_fail() {
    let (a, b, c) = (key("a"), key("b"), key("c"));
    let issued = Arc::new(Issued::new(std::slice::from_ref(&a)).await);
    let stranger = async || {
        let (asked, asking) = (issued.idp.discovery_requests(), issued.clone());
        let task = tokio::spawn(async move { asking.ask(&key("stranger")).await }).abort_handle();
        while issued.idp.discovery_requests() == asked {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        task
    };
    issued.permits(&a).await;
    issued.idp.rotate(vec![b.clone(), a.clone()]);
    issued.idp.set_mode(Mode::Silent);
    stranger().await.abort();
    issued.idp.set_mode(Mode::Up);
    issued.permits(&b).await;

    // Nor does who joined the question lose by it.
    issued.pass(30);
    issued.idp.rotate(vec![c.clone(), b.clone()]);
    issued.idp.set_mode(Mode::Silent);
    let leaving = stranger().await;
    let (joining, last) = (issued.clone(), c.clone());
    let staying = tokio::spawn(async move { joining.permits(&last).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    issued.idp.set_mode(Mode::Up);
    leaving.abort();
    staying.await.unwrap();
}
