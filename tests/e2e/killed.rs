//! `kill -9` under load: of an origin, and of the gateway itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Request;
use sekisho_testing::body;
use sekisho_testing::client::{Connection, Protocol};
use sekisho_testing::origin::{Origin, OriginOptions};
use tokio::task::JoinSet;

use crate::process::{ANY_PORT, Process, Site};

/// Clients at a time, half of them over HTTP/2; each has one request in progress.
const CLIENTS: usize = 8;
/// How many requests are waited for in each state of things.
const ENOUGH: usize = 150;
/// How long anything may take to be as it should.
const WITHIN: Duration = Duration::from_secs(20);
/// How soon a gateway, or an origin behind it, serves again.
const RECOVERY: Duration = Duration::from_secs(10);

/// One request as its client saw it.
#[derive(Clone, Debug)]
struct Asked {
    target: String,
    begun: Instant,
    /// Nothing where the connection ended before an answer did.
    status: Option<u16>,
    body: String,
}

/// What is known of all requests so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    fn push(&self, asked: Asked) {
        self.0.lock().unwrap().push(asked);
    }

    fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many fit.
    async fn until(&self, count: usize, fits: impl Fn(&Asked) -> bool) {
        let until = Instant::now() + WITHIN;
        while self.all().iter().filter(|asked| fits(asked)).count() < count {
            assert!(Instant::now() < until, "{:?}", self.all().last());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

struct Load {
    site: Arc<Site>,
    gateway: SocketAddr,
    log: Log,
}

impl Load {
    /// Starts the clients. Each sends one request after the other, `target` and subject by its number and the
    /// request's, until a connection breaks.
    fn start(&self, of: fn(usize, usize) -> (String, String)) -> JoinSet<()> {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let protocol = if client % 2 == 0 { Protocol::H1 } else { Protocol::H2 };
            let (site, log, gateway) = (self.site.clone(), self.log.clone(), self.gateway);
            clients.spawn(async move {
                let connect = site.client(gateway, protocol);
                let mut on = connect.connect("acme.localhost").await.unwrap();
                for request in 0.. {
                    let (target, subject) = of(client, request);
                    let asked = ask(&mut on, &site.token(&subject), target).await;
                    let broken = asked.status.is_none();
                    log.push(asked);
                    if broken {
                        return;
                    }
                }
            });
        }
        clients
    }
}

async fn ask(on: &mut Connection, token: &str, target: String) -> Asked {
    let begun = Instant::now();
    let request = Request::get(format!("https://acme.localhost{target}"))
        .header("authorization", format!("Bearer {token}"));
    let answered = async {
        let answer = on.send(request.body(body::empty()).unwrap()).await?;
        let status = answer.status().as_u16();
        let body = body::read(answer.into_body(), 1 << 20).await?;
        std::io::Result::Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    match answered.await {
        Ok((status, body)) => Asked { target, begun, status: Some(status), body },
        Err(_) => Asked { target, begun, status: None, body: String::new() },
    }
}

/// How many records there are of each path.
fn records(site: &Site) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for record in site.audit().iter().filter(|record| record["event"].is_null()) {
        *counts.entry(record["path"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_killed_takes_its_own_requests_with_it() {
    let origin = Process::origin(ANY_PORT);
    let addr = origin.addr;
    let site = Arc::new(Site::new(&format!("http://{addr}"), Vec::new()));
    let gateway = site.up(ANY_PORT);
    let load = Load { site: site.clone(), gateway: gateway.addr, log: Log::default() };
    let mut clients = load.start(|client, request| {
        (format!("/api/files/{client}-{request}/slow?ms=10"), "u-42".to_owned())
    });
    let served = |asked: &Asked| asked.status == Some(200);
    load.log.until(ENOUGH, served).await;
    assert!(load.log.all().iter().all(served), "before the kill");

    origin.kill();
    let unreachable = |asked: &Asked| {
        ["origin-unreachable", "origins-unavailable"].iter().any(|code| asked.body.contains(code))
    };
    load.log.until(ENOUGH, unreachable).await;
    let origin = Process::origin(addr);
    let back = Instant::now();
    let served_again = |asked: &Asked| served(asked) && asked.begun > back;
    load.log.until(1, served_again).await;
    let recovered = back.elapsed();
    load.log.until(ENOUGH, served_again).await;
    clients.shutdown().await;

    let all = load.log.all();
    let failed: Vec<&Asked> = all.iter().filter(|asked| !served(asked)).collect();
    let cut = failed.iter().filter(|asked| !unreachable(asked)).count();
    println!(
        "{} requests, {} in flight failed, {} unreachable, served again after {recovered:?}",
        all.len(),
        cut,
        failed.len() - cut
    );
    // Between two tries it is passed over.
    let status = |asked: &&Asked| matches!(asked.status, Some(502 | 503));
    assert!(failed.iter().all(status), "{failed:?}");
    assert!(cut <= CLIENTS, "more than were in flight: {cut}");
    let late = failed.iter().find(|asked| asked.begun > back + RECOVERY);
    assert!(late.is_none(), "after it was back: {late:?}");
    assert!(recovered < RECOVERY, "{recovered:?}");
    // A record is written after its answer, and a client may have been quicker.
    let path = |asked: &Asked| asked.target.split('?').next().unwrap().to_owned();
    let until = Instant::now() + WITHIN;
    let mut known = records(&site);
    while Instant::now() < until && !all.iter().all(|asked| known.contains_key(&path(asked))) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        known = records(&site);
    }
    for path in all.iter().map(path) {
        assert_eq!(known.get(&path), Some(&1), "one record of {path}");
    }
    drop((origin, gateway));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_forgets_nothing_that_it_acknowledged() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let health = "\n[[routes]]\nid = \"health\"";
    let once = "\n[[rate_limits]]\nid = \"once\"\nper = \"subject\"\nroutes = [\"files\"]\n\
                burst = 1\nrefill_per_minute = 1\n";
    let edits = vec![(health.to_owned(), format!("{once}{health}"))];
    let site = Arc::new(Site::new(&origin.url(), edits));
    let gateway = site.up(ANY_PORT);
    let addr = gateway.addr;
    let load = Load { site: site.clone(), gateway: addr, log: Log::default() };
    // Each subject spends the one request of its bucket.
    let clients = load.start(|client, request| {
        let subject = format!("u-{client}-{request}");
        (format!("/api/files/{subject}/echo"), subject)
    });
    load.log.until(ENOUGH, |asked| asked.status == Some(200)).await;
    gateway.kill();
    let killed = Instant::now();
    clients.join_all().await;
    let before = site.audit();

    let gateway = site.up(addr);
    let mut on = site.client(addr, Protocol::H2).connect("acme.localhost").await.unwrap();
    let health = ask(&mut on, &site.token("u-42"), "/healthz".to_owned()).await;
    let recovered = killed.elapsed();
    assert_eq!(health.status, Some(200), "{health:?}");
    assert!(recovered < RECOVERY, "{recovered:?}");

    let (acknowledged, lost): (Vec<Asked>, Vec<Asked>) =
        load.log.all().into_iter().partition(|asked| asked.status.is_some());
    assert!(acknowledged.iter().all(|asked| asked.status == Some(200)), "{acknowledged:?}");
    assert_eq!(lost.len(), CLIENTS, "each client's last request, and none besides");
    let recorded = |asked: &&Asked| before.iter().any(|record| record["path"] == asked.target);
    let unrecorded = acknowledged.iter().filter(|asked| !recorded(asked)).count();
    println!(
        "{} acknowledged, {} lost in flight, {unrecorded} without a record, served again after {recovered:?}",
        acknowledged.len(),
        lost.len()
    );
    assert_eq!(unrecorded, 0, "of {}", acknowledged.len());
    for asked in acknowledged {
        let subject = asked.target.split('/').nth(3).unwrap();
        let again = ask(&mut on, &site.token(subject), asked.target.clone()).await;
        assert_eq!(again.status, Some(429), "{subject} spent its request before the kill");
    }
    drop(gateway);
}
