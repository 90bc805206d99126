//! The audit trail of a real gateway: whole, chained, signed, and without a secret in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Request;
use sekisho_testing::body;
use sekisho_testing::client::{Connection, Protocol};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_trail::read::{Query, records};
use sekisho_trail::verify::{Expected, Findings};
use sekisho_trail::{directory, verify};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::process::{ANY_PORT, Process, Site, sekisho};

const CLIENTS: usize = 8;

fn trail(site: &Site) -> PathBuf {
    site.path(".sekisho/audit")
}

/// Runs the command line where the site is: exit code and standard output.
fn run(site: &Site, arguments: &[&str]) -> (i32, String) {
    let ran = sekisho().args(arguments).current_dir(site.path("")).output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    eprintln!("{arguments:?}: {out}{}", String::from_utf8_lossy(&ran.stderr));
    (ran.status.code().unwrap(), out)
}

#[track_caller]
fn done(site: &Site, arguments: &[&str]) -> String {
    let (code, out) = run(site, arguments);
    assert_eq!(code, 0, "{out}");
    out
}

/// How many records of requests there are of each path.
fn paths(directory: &Path) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    let query = Query { event: Some("request".to_owned()), ..Query::default() };
    let seen = records(directory, &query, |_, record| {
        *counts.entry(record.path.as_deref().unwrap_or_default().to_owned()).or_default() += 1;
        true
    });
    assert_eq!(seen.unwrap().unreadable, 0);
    counts
}

#[track_caller]
fn sound(directory: &Path) -> Findings {
    let findings = verify(directory, &Expected::default()).unwrap();
    assert!(findings.is_sound(), "{findings:#?}");
    findings
}

async fn ask(on: &mut Connection, target: &str, headers: &[(&str, &str)]) -> Option<u16> {
    let mut request = Request::get(format!("https://acme.localhost{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = on.send(request.body(body::empty()).unwrap()).await.ok()?;
    let status = answer.status().as_u16();
    body::read(answer.into_body(), 1 << 20).await.ok()?;
    Some(status)
}

/// Everything that a directory holds.
fn contents(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            all.push((path, text));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_has_one_record_and_no_secret_is_in_any() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    done(&site, &["keys", "new", "keys.json"]);
    let arguments = ["--keys", "keys.json", "--audit-backup", "backups"];
    let gateway = site.up_with(ANY_PORT, &arguments, &[]);
    let mut on = site.client(gateway.addr, Protocol::H2).connect("acme.localhost").await.unwrap();
    let token = site.token("u-42");
    let (bearer, cookie) = (format!("Bearer {token}"), format!("__Host-sekisho={token}"));
    let forged = format!("{}x", site.token("u-43"));
    let forged_bearer = format!("Bearer {forged}");
    for n in 0..40 {
        let target = format!("/api/files/f-{n}/echo");
        let query = format!("{target}?password=hunter2");
        let (target, headers, status): (&str, &[(&str, &str)], u16) = match n % 4 {
            0 => (&target, &[("authorization", &bearer)], 200),
            1 => (&query, &[("cookie", &cookie)], 200),
            2 => (&target, &[("authorization", &forged_bearer)], 401),
            _ => (&target, &[], 401),
        };
        assert_eq!(ask(&mut on, target, headers).await, Some(status), "{target}");
    }
    // As it is written, it can be read and verified.
    let shown = done(&site, &["audit", "show", "--decision", "deny", "--last", "5", "--json"]);
    assert_eq!(shown.lines().count(), 5);
    done(&site, &["audit", "verify", "--keys", "keys.json"]);
    gateway.end();

    let counts = paths(&trail(&site));
    for n in 0..40 {
        assert_eq!(counts.get(&format!("/api/files/f-{n}/echo")), Some(&1));
    }
    assert_eq!(counts.values().sum::<usize>(), 40);
    let out = done(&site, &["audit", "verify", "--keys", "keys.json"]);
    // The first start of a site has no keys, so its checkpoint is not signed.
    assert!(out.contains("2 signed checkpoints, 1 not signed"), "{out}");
    // The standard output has the same records, without their links.
    let printed = site.audit();
    let kept: Vec<Value> = contents(&trail(&site))
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|name| name == "jsonl"))
        .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| serde_json::from_str(&line).unwrap())
        .filter(|record: &Value| record["event"] != "checkpoint")
        .map(|mut record| {
            for name in ["chain", "seq", "prev"] {
                assert!(record.as_object_mut().unwrap().remove(name).is_some());
            }
            record
        })
        .collect();
    assert_eq!(kept, printed);

    done(&site, &["audit", "backup", "--to", "backups"]);
    let keys: Value =
        serde_json::from_slice(&std::fs::read(site.path("keys.json")).unwrap()).unwrap();
    let mut secrets = vec![token, forged, "hunter2".to_owned()];
    for key in keys["keys"].as_array().unwrap() {
        secrets.extend(["d", "k"].iter().filter_map(|name| key[name].as_str()).map(str::to_owned));
    }
    assert_eq!(secrets.len(), 7);
    let places = [contents(&trail(&site)), contents(&site.path("backups"))].concat();
    assert!(places.len() > 6, "{places:?}");
    let stdout =
        (site.path("audit.jsonl"), std::fs::read_to_string(site.path("audit.jsonl")).unwrap());
    for (path, text) in places.iter().chain([&stdout]) {
        for secret in &secrets {
            // Nor any part of a token.
            let part = secret.split('.').find(|part| text.contains(part));
            assert_eq!(part, None, "in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_under_load_leaves_a_sound_trail_of_every_answer() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Arc::new(Site::new(&origin.url(), Vec::new()));
    let answered: Arc<Mutex<Vec<String>>> = Arc::default();
    for round in 0..3 {
        let gateway = site.up(ANY_PORT);
        let before = answered.lock().unwrap().len();
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let protocol = if client % 2 == 0 { Protocol::H1 } else { Protocol::H2 };
            let (site, answered, addr) = (site.clone(), answered.clone(), gateway.addr);
            clients.spawn(async move {
                let token = format!("Bearer {}", site.token("u-42"));
                let client_of = site.client(addr, protocol);
                let mut on = client_of.connect("acme.localhost").await.unwrap();
                for request in 0.. {
                    let path = format!("/api/files/k-{round}-{client}-{request}/echo");
                    let Some(status) = ask(&mut on, &path, &[("authorization", &token)]).await
                    else {
                        return;
                    };
                    assert_eq!(status, 200);
                    answered.lock().unwrap().push(path);
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(20);
        while answered.lock().unwrap().len() < before + 300 {
            assert!(Instant::now() < until, "no answers");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gateway.kill();
        clients.join_all().await;
    }
    site.up(ANY_PORT).end();
    let findings = sound(&trail(&site));
    let counts = paths(&trail(&site));
    let answered = answered.lock().unwrap();
    let missing = answered.iter().filter(|path| counts.get(*path) != Some(&1)).count();
    println!("{} answers, {missing} without a record, {} set aside", answered.len(), findings.torn);
    assert_eq!(missing, 0);
    assert_eq!(findings.unguarded, 0);
}

async fn some_requests(site: &Site, gateway: &Process, count: usize) {
    let mut on = site.client(gateway.addr, Protocol::H2).connect("acme.localhost").await.unwrap();
    let token = format!("Bearer {}", site.token("u-42"));
    for n in 0..count {
        let path = format!("/api/files/s-{n}/echo");
        assert_eq!(ask(&mut on, &path, &[("authorization", &token)]).await, Some(200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_backups_are_kept_and_what_was_tampered_with_is_named_and_restored() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let gateway = site.up_with(ANY_PORT, &["--audit-backup", "backups"], &[]);
    // The first of the day is made at once.
    let until = Instant::now() + Duration::from_secs(10);
    let generations = || {
        let Ok(entries) = std::fs::read_dir(site.path("backups")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    };
    while generations().is_empty() {
        assert!(Instant::now() < until, "no backup");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for round in 0..3 {
        some_requests(&site, &gateway, 10).await;
        // While the gateway writes.
        done(&site, &["audit", "backup", "--to", "backups"]);
        assert_eq!(generations().len(), 2, "round {round}");
    }
    gateway.end();

    let (_, path) = directory::files(&trail(&site)).unwrap().pop().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let victim = text.lines().find(|line| line.contains("/api/files/s-7/echo")).unwrap();
    let record: Value = serde_json::from_str(victim).unwrap();
    let edited = victim.replace("\"subject\":\"u-42\"", "\"subject\":\"u-41\"");
    assert_ne!(edited, victim);
    std::fs::write(&path, text.replace(victim, &edited)).unwrap();
    let (code, out) = run(&site, &["audit", "verify"]);
    assert_eq!(code, 3);
    assert!(out.contains("NOT SOUND"), "{out}");
    let id = record["request_id"].as_str().unwrap();
    assert!(out.contains(&format!("edited     record {}, ", record["seq"])), "{out}");
    assert!(out.contains(&format!("request {id}")), "{out}");

    let newest = format!("backups/{}", generations().pop().unwrap());
    done(&site, &["audit", "restore", &newest, "restored"]);
    sound(&site.path("restored"));
    assert_eq!(paths(&site.path("restored")).get("/api/files/s-7/echo"), Some(&3));
    // A gateway goes on where the backup ended.
    let gateway = site.up_with(ANY_PORT, &["--audit", "restored"], &[]);
    some_requests(&site, &gateway, 5).await;
    gateway.end();
    sound(&site.path("restored"));
    let report = done(&site, &["audit", "report", "restored", "--json", "--route", "files"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["tenants"][0]["tenant"], "acme");
    assert_eq!(report["tenants"][0]["users"][0]["subject"], "u-42");
    assert_eq!(report["tenants"][0]["users"][0]["permitted"], 35);
}

/// What a tenant's administrator finds through the administration interface.
async fn found(site: &Site, gateway: &Process, query: &str) -> (u16, Value) {
    let token = site.token_with("root", &["admin"]);
    let request = Request::get(format!("https://acme.localhost/api/admin/v1/audit{query}"))
        .header("authorization", format!("Bearer {token}"));
    let request = request.body(body::empty()).unwrap();
    let answer = site.client(gateway.addr, Protocol::H2).send(request).await.unwrap();
    let status = answer.status().as_u16();
    let text = body::read(answer.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_administrator_searches_its_own_records_while_they_are_written() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Site::new(&origin.url(), Vec::new());
    let gateway = site.up(ANY_PORT);
    some_requests(&site, &gateway, 30).await;
    // Another tenant's, which lets nobody in from here.
    let theirs = Request::get("https://globex.localhost/api/files/theirs/echo");
    let theirs = theirs.body(body::empty()).unwrap();
    let client = site.client(gateway.addr, Protocol::H2);
    assert_eq!(client.send(theirs).await.unwrap().status().as_u16(), 403);
    assert_eq!(counted(&trail(&site), "globex").len(), 1);

    for reloaded in [false, true] {
        if reloaded {
            gateway.signal("HUP");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let (mut paths, mut query) = (Vec::new(), "?event=request&route=files&limit=7".to_owned());
        loop {
            let (status, page) = found(&site, &gateway, &query).await;
            assert_eq!(status, 200, "{page}");
            let records = page["records"].as_array().unwrap();
            paths.extend(records.iter().map(|record| record["path"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            query = format!("?event=request&route=files&limit=7&cursor={next}");
        }
        let kept = counted(&trail(&site), "acme");
        assert_eq!(paths.len(), kept.len(), "each once");
        assert_eq!(paths.iter().collect::<std::collections::HashSet<_>>().len(), paths.len());
        assert!(paths.iter().all(|path| kept.contains(path)));
    }
    let (_, none) = found(&site, &gateway, "?subject=nobody").await;
    assert_eq!(none["records"], Value::Array(Vec::new()));
    let (_, all) = found(&site, &gateway, "?limit=1000").await;
    assert!(!all.to_string().contains("globex"), "{all}");
    gateway.end();

    let gateway = site.up_with(ANY_PORT, &["--audit", "none"], &[]);
    let (status, problem) = found(&site, &gateway, "").await;
    assert_eq!((status, &problem["reason"]), (404, &"audit-not-here".into()), "{problem}");
}

/// The paths of a tenant's requests to files, in the trail.
fn counted(directory: &Path, tenant: &str) -> Vec<String> {
    let query = Query {
        tenant: Some(tenant.to_owned()),
        route: Some("files".to_owned()),
        ..Query::default()
    };
    let mut paths = Vec::new();
    let seen = records(directory, &query, |_, record| {
        paths.push(record.path.as_deref().unwrap().to_owned());
        true
    });
    assert!(seen.unwrap().found > 0);
    paths
}
