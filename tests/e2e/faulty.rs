//! docs/faults.md, row by row: what an origin does, what the client sees, and what the audit records say. After each
//! fault its origin is asked again, and nobody gets an answer that is another's.

mod rows;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use http::Request;
use sekisho_testing::body;
use sekisho_testing::client::{Connection, Protocol};
use sekisho_testing::faulty::{Fault, Faulty, Step};
use sekisho_testing::pki::Pki;
use sekisho_testing::server::Listen;
use serde_json::Value;

use crate::support::{Options, World, root};
use rows::Row;

/// How long a faulty origin is waited for: to its connection, to its answer, and within that.
const PATIENCE_MS: u64 = 700;
/// The longest that a fault may take on a busy machine.
const WITHIN: Duration = Duration::from_secs(6);
const PROTOCOLS: [Protocol; 2] = [Protocol::H1, Protocol::H2];

/// What the table says of a fault: its cell of the client, and the code in its cell of the record.
#[derive(Debug)]
struct Promise {
    status: u16,
    broken: bool,
    code: Option<String>,
}

impl Promise {
    /// What the records of one request are, each by its code: that of the request, and that of the stream's end.
    fn records(&self) -> Vec<Option<&str>> {
        match self.code.as_deref() {
            Some(reason) if self.status >= 500 => vec![Some(reason)],
            Some(end) => vec![None, Some(end)],
            None => vec![None],
        }
    }
}

fn promises() -> BTreeMap<String, Promise> {
    let text = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let quoted = |cell: &str| cell.split('`').nth(1).map(str::to_owned);
    let promise = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", name, _, sees, says, _, ""] = cells.as_slice() else { panic!("{line}") };
        let (status, how) = sees.split_once(' ').unwrap_or((sees, "whole"));
        assert!(["whole", "broken off"].contains(&how), "{line}");
        let status = status.parse().unwrap_or_else(|_| panic!("no status: {line}"));
        assert!(says.starts_with("permit") == (status < 500), "{line}");
        let promise = Promise { status, broken: how == "broken off", code: quoted(says) };
        (quoted(name).unwrap_or_else(|| panic!("no name: {line}")), promise)
    };
    text.lines().filter(|line| line.starts_with("| `")).map(promise).collect()
}

/// A gateway with an origin and a route for each row.
struct Bad {
    world: World,
    origins: Vec<Faulty>,
}

impl Bad {
    async fn with(rows: &[Row], pki: &Pki) -> Self {
        let mut origins = Vec::new();
        let mut policy = String::new();
        for Row { name, listen, fault } in rows {
            let origin = Faulty::start(listen.clone(), fault.clone()).await.unwrap();
            let (id, url) = (id(name), origin.url());
            write!(
                policy,
                "[origins.{id}]\nurl = \"{url}\"\nregion = \"jp\"\ntenant_echo = \"required\"\n\n\
                 [[routes]]\nid = \"{id}\"\npath = \"/api/{name}/{{*rest}}\"\nmethods = [\"GET\"]\n\
                 origins = [\"{id}\"]\nroles = [\"member\"]\n[routes.timeouts]\n\
                 connect_ms = {PATIENCE_MS}\nfirst_byte_ms = {PATIENCE_MS}\nidle_ms = {PATIENCE_MS}\n\n"
            )
            .unwrap();
            origins.push(origin);
        }
        let health = "[[routes]]\nid = \"health\"".to_owned();
        let world = World::with(Options {
            gateway: vec![(health.clone(), policy + &health)],
            globex: vec![("\"203.0.113.0/24\"".into(), "\"127.0.0.0/8\"".into())],
            outbound: origins.iter().map(Faulty::url).collect(),
            extra_ca: Some(pki.ca_pem().to_owned()),
            ..Options::default()
        })
        .await;
        Self { world, origins }
    }

    async fn connect(&self, tenant: &str, protocol: Protocol) -> Connection {
        self.world.client(protocol).connect(&format!("{tenant}.localhost")).await.unwrap()
    }

    /// The status of an answer, and its body unless it was broken off.
    async fn ask(&self, on: &mut Connection, tenant: &str, target: &str) -> (u16, Option<String>) {
        let request = Request::get(format!("https://{tenant}.localhost{target}"))
            .header("authorization", format!("Bearer {}", self.world.token(tenant)));
        let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = body::read(answer.into_body(), 1 << 20).await.ok();
        (status, body.map(|body| String::from_utf8(body.to_vec()).unwrap()))
    }

    /// The next request is served, on the same connection and to the same origin, and so is another tenant's. Where
    /// the origin has no sound side, another one is asked.
    async fn next_is_served(&self, mut on: Connection, protocol: Protocol, row: &Row) {
        let name = row.name;
        if !row.may_be_sound() {
            let next = self.ask(&mut on, "acme", "/api/files/status/201").await;
            assert_eq!(next.0, 201, "{name}, {protocol:?}: {next:?}");
            return;
        }
        let others = self.connect("globex", protocol).await;
        for (tenant, mut on) in [("acme", on), ("globex", others)] {
            let target = format!("/api/{name}/next?{protocol:?}");
            let own = (200, Some(format!("{tenant} {target}")));
            assert_eq!(self.ask(&mut on, tenant, &target).await, own, "{name}, {protocol:?}");
        }
    }

    /// The codes of all records of the requests to this fault, when there are as many.
    async fn records(&self, name: &str, count: usize) -> Vec<Option<String>> {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let lines = self.world.audit.lines();
            let records: Vec<Value> =
                lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            let ours = records.iter().filter(|record| record["route"] == id(name).as_str());
            let ours = ours.filter_map(|record| match record["path"].as_str() {
                Some(path) if !path.ends_with("/fault") => None,
                Some(_) => Some(record["reason"].as_str().map(str::to_owned)),
                None => Some(record["end"].as_str().map(str::to_owned)),
            });
            let ours: Vec<Option<String>> = ours.collect();
            if ours.len() >= count || Instant::now() > until {
                return ours;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What the policy calls the origin and the route of a row.
fn id(name: &str) -> String {
    name.replace('.', "-")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_as_the_table_says() {
    let pki = Pki::new().unwrap();
    let rows = rows::all(&pki);
    let promises = promises();
    let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    let told: Vec<&str> = promises.keys().map(String::as_str).collect();
    assert!(names.len() == told.len() && names.iter().all(|name| told.contains(name)), "{told:?}");

    let bad = Bad::with(&rows, &pki).await;
    let mut wrong = Vec::new();
    for row in &rows {
        let promise = &promises[row.name];
        for protocol in PROTOCOLS {
            let mut on = bad.connect("acme", protocol).await;
            let begun = Instant::now();
            let (status, body) =
                bad.ask(&mut on, "acme", &format!("/api/{}/fault", row.name)).await;
            let took = begun.elapsed();
            if status != promise.status || body.is_none() != promise.broken || took > WITHIN {
                wrong.push(format!("{}, {protocol:?}: {status} {body:?} in {took:?}", row.name));
            }
            // HTTP/1.1 has no other way to say that an answer is not whole.
            if body.is_none() && protocol == Protocol::H1 {
                on = bad.connect("acme", protocol).await;
            }
            bad.next_is_served(on, protocol, row).await;
            if !row.may_be_sound() {
                // Where there was no connection, nobody asks it again for a second.
                tokio::time::sleep(Duration::from_millis(1100)).await;
            }
        }
    }
    for row in &rows {
        let mut want = [promises[row.name].records(), promises[row.name].records()].concat();
        let mut records = bad.records(row.name, want.len()).await;
        want.sort_unstable();
        records.sort_unstable();
        if records.iter().map(Option::as_deref).ne(want.iter().copied()) {
            wrong.push(format!("{}: recorded {records:?}, not {want:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// One that comes while a connection waits for its next request is nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_asked_for_ends_an_idle_connection() {
    let pki = Pki::new().unwrap();
    let fault = Fault::Answer(vec![
        Step::send("HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\ncontent-length: 2\r\n\r\nok"),
        Step::Wait(Duration::from_millis(200)),
        Step::send("HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\ncontent-length: 5\r\n\r\nstale"),
        Step::Silence,
    ]);
    let row = Row { name: "late", listen: Listen::default(), fault };
    for protocol in PROTOCOLS {
        let bad = Bad::with(std::slice::from_ref(&row), &pki).await;
        let mut on = bad.connect("acme", protocol).await;
        assert_eq!(bad.ask(&mut on, "acme", "/api/late/fault").await, (200, Some("ok".into())));
        let until = Instant::now() + WITHIN;
        while bad.origins[0].open() > 0 {
            assert!(Instant::now() < until, "{protocol:?}: the connection is kept");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bad.next_is_served(on, protocol, &row).await;
    }
}
