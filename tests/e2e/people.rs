//! What operators and tenants change while gateways run: users, sessions, labels and networks, by the program's own
//! commands, and how soon it holds.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Request};
use sekisho_testing::body;
use sekisho_testing::client::{Events, Protocol};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::redis::Redis;
use serde_json::Value;

use crate::process::{ANY_PORT, Process, Site};

/// How soon a change must hold everywhere, on open streams too (R6).
const EVERYWHERE: Duration = Duration::from_secs(2);

const ISSUER: &str = "https://gateway.example.jp";
const ASSISTANTS: &str = "/api/assistants";
const ENDLESS: &str = "/api/assistants/a1/chat?events=100000&interval_ms=20";

/// A site whose acme has a directory, labels, a network of its own, and sessions of the gateway's.
fn site(origin: &Origin) -> Site {
    let label = "path = \"/api/assistants/{assistant}/chat\"";
    let issuer = "[[issuers]]\nissuer = \"https://issuer.localhost:3481\"";
    let gateway = [
        (label, format!("{label}\nassistant = \"assistant\"")),
        ("[origins.assistant]", "[sessions]\nidle_s = 60\n\n[origins.assistant]".to_owned()),
    ];
    let acme = [
        (
            "directory = \"off\"",
            "directory = \"optional\"\nmanaged_networks = [\"business\", \"admin\"]".to_owned(),
        ),
        (
            issuer,
            format!(
                "[[issuers]]\nissuer = {ISSUER:?}\naudiences = [\"sekisho\"]\nalgorithms = [\"HS256\"]\n\
                 own_keys = true\ntenant_claim = \"tenant\"\n\n{issuer}"
            ),
        ),
    ];
    let owned = |(from, to): (&str, String)| (from.to_owned(), to);
    let site = Site::with_keys(&origin.url(), gateway.map(owned).into(), acme.map(owned).into());
    site.sekisho(&["assistants", "set", "a1", "--tenant", "acme", "--organization"]).unwrap();
    site
}

fn up(site: &Site, arguments: &[&str]) -> Process {
    site.up_with(ANY_PORT, &[&["--keys", "keys.json"], arguments].concat(), &[])
}

/// The status of one request, and of a refusal the reason.
async fn ask(site: &Site, gateway: SocketAddr, token: &str) -> (u16, String) {
    let mut on = site.client(gateway, Protocol::H2).connect("acme.localhost").await.unwrap();
    let request = Request::get(format!("https://acme.localhost{ASSISTANTS}"))
        .header("authorization", format!("Bearer {token}"));
    let answer = on.send(request.body(body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = body::read(answer.into_body(), 1 << 20).await.unwrap();
    let reason = serde_json::from_slice::<Value>(&body)
        .ok()
        .and_then(|problem| Some(problem["reason"].as_str()?.to_owned()))
        .filter(|_| status >= 400);
    (status, reason.unwrap_or_default())
}

fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

const PERMITTED: (u16, String) = (200, String::new());

/// A stream that has begun.
async fn streaming(site: &Site, gateway: SocketAddr, token: &str) -> Events {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("https://acme.localhost{ENDLESS}"))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "text/event-stream")
        .body(body::full("{}"));
    let answer = site.client(gateway, Protocol::H2).send(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut events = Events::new(answer.into_body());
    events.next().await.unwrap().unwrap();
    events
}

/// How long a stream goes on, which must not end cleanly.
async fn broken_off(mut events: Events) -> Duration {
    let begun = Instant::now();
    loop {
        match events.next().await {
            Ok(Some(_)) => assert!(begun.elapsed() < EVERYWHERE * 4, "it goes on"),
            Ok(None) => panic!("a clean end"),
            Err(_) => return begun.elapsed(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_out_at_once_at_every_gateway_and_on_open_streams() {
    let redis = Redis::start(&[]).unwrap();
    let url = redis.url();
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = site(&origin);
    let state = ["--state", &url];
    let tenant = ["--tenant", "acme", "--state", &url];
    let command = |words: &[&str]| site.sekisho(&[words, &tenant[..]].concat()).unwrap();
    command(&["assistants", "set", "a1", "--organization"]);
    std::fs::write(site.path("staff.csv"), "user_id,roles\nu-42,member\nu-43,member\n").unwrap();
    assert!(command(&["users", "import", "staff.csv"]).contains("2 join"));
    let gateways =
        ["one", "two"].map(|trail| up(&site, &[&state[..], &["--audit", trail]].concat()));
    let (token, other) = (site.token("u-42"), site.token("u-43"));

    let mut late = Vec::new();
    for (words, reason) in [
        (&["users", "leave", "u-42"][..], "user-left"),
        (&["users", "suspend", "u-42"], "user-suspended"),
        (&["revoke", "--user", "u-42"], "session-revoked"),
        (&["revoke", "--all"], "session-revoked"),
    ] {
        for gateway in &gateways {
            assert_eq!(ask(&site, gateway.addr, &token).await, PERMITTED, "before {words:?}");
        }
        let streams = [
            streaming(&site, gateways[0].addr, &token).await,
            streaming(&site, gateways[1].addr, &token).await,
        ];
        command(words);
        let told = Instant::now();
        for gateway in &gateways {
            let (status, why) = ask(&site, gateway.addr, &token).await;
            assert!(status >= 401 && why == reason, "{words:?}: {status} {why}");
        }
        let requests = told.elapsed();
        for ended in futures::future::join_all(streams.map(broken_off)).await {
            assert!(ended < EVERYWHERE, "{words:?}: {ended:?}");
            late.push(ended);
        }
        println!(
            "{words:?}: refused within {requests:?}, streams broken off within {:?}",
            late[late.len() - 2..].iter().max().unwrap()
        );
        // A token that was issued in the second of a revocation is one of before.
        let back: &[&[&str]] = match words[0] {
            "users" => &[&["users", "return", "u-42"], &["revoke", "--user", "u-42", "--undo"]],
            _ => &[&["revoke", "--user", "u-42", "--undo"], &["revoke", "--all", "--undo"]],
        };
        for words in back {
            command(words);
        }
    }
    assert_eq!(ask(&site, gateways[1].addr, &other).await, PERMITTED);
    // Each change is in a trail of one of the gateways, whichever took it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let told = ["one", "two"].map(|trail| {
        site.sekisho(&["audit", "show", trail, "--event", "administration", "--json"]).unwrap()
    });
    let told = told.concat();
    for (action, times) in [
        ("assistant-labelled", 1),
        ("user-joined", 2),
        ("user-left", 1),
        ("user-suspended", 1),
        ("user-returned", 2),
        ("user-revoked", 1),
        ("user-restored", 4),
        ("tenant-revoked", 1),
    ] {
        let word = format!("\"action\":\"{action}\"");
        assert_eq!(told.matches(&word).count(), times, "{action}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_record() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = site(&origin);
    let gateway = up(&site, &[]);
    let session = |arguments: &[&str]| {
        let of = ["--issuer", ISSUER, "--tenant", "acme", "--subject", "u-42", "--role", "member"];
        let all = [&["keys", "session", "keys.json"], &of[..], arguments].concat();
        site.sekisho(&all).unwrap().trim().to_owned()
    };
    let unknown = session(&[]);
    assert_eq!(ask(&site, gateway.addr, &unknown).await, refused(401, "session-ended"));
    let [one, two] = [(); 2].map(|()| session(&["--record"]));
    for token in [&one, &two] {
        assert_eq!(ask(&site, gateway.addr, token).await, PERMITTED);
    }
    let listed = site.sekisho(&["sessions", "list", "--tenant", "acme", "--user", "u-42"]).unwrap();
    let names: Vec<&str> = listed.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(names.len(), 2, "{listed}");
    assert!(names.iter().all(|name| name.starts_with('~')), "an identifier: {listed}");

    let streams =
        [streaming(&site, gateway.addr, &one).await, streaming(&site, gateway.addr, &two).await];
    site.sekisho(&["sessions", "end", names[0].get(1..12).unwrap(), "--tenant", "acme"]).unwrap();
    let [first, second] = streams;
    let answers = [ask(&site, gateway.addr, &one).await, ask(&site, gateway.addr, &two).await];
    let (ended, goes_on) = if answers[0].0 == 401 { (first, second) } else { (second, first) };
    assert_eq!(answers.iter().filter(|answer| **answer == PERMITTED).count(), 1, "{answers:?}");
    assert!(answers.contains(&refused(401, "session-ended")), "{answers:?}");
    println!("a stream was broken off after {:?}", broken_off(ended).await);
    // Whoever leaves, leaves with all of them.
    std::fs::write(site.path("staff.csv"), "user_id,roles\nu-42,member\n").unwrap();
    site.sekisho(&["users", "import", "staff.csv", "--tenant", "acme"]).unwrap();
    let said = site.sekisho(&["users", "leave", "u-42", "--tenant", "acme"]).unwrap();
    assert_eq!(said, "u-42 is left, and a session has ended\n");
    assert!(broken_off(goes_on).await < EVERYWHERE);
    assert!(site.sekisho(&["sessions", "list", "--tenant", "acme"]).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_narrows_its_network_and_its_assistants() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = site(&origin);
    let gateway = up(&site, &[]);
    let token = site.token("u-42");
    let command = |words: &[&str]| site.sekisho(&[words, &["--tenant", "acme"]].concat());
    let stream = streaming(&site, gateway.addr, &token).await;
    let elsewhere = ["networks", "set", "business", "--allow", "192.0.2.0/24"];
    let shut_out = command(&[&elsewhere[..], &["--from", "127.0.0.1"]].concat()).unwrap_err();
    assert!(
        shut_out.contains("would shut 127.0.0.1 out") && shut_out.contains("--force"),
        "{shut_out}"
    );
    assert_eq!(ask(&site, gateway.addr, &token).await, PERMITTED, "nothing was changed");
    command(&[&elsewhere[..], &["--from", "127.0.0.1", "--force"]].concat()).unwrap();
    assert_eq!(ask(&site, gateway.addr, &token).await, refused(403, "network-not-allowed"));
    let ended = broken_off(stream).await;
    assert!(ended < EVERYWHERE, "{ended:?}");
    let beyond = command(&["networks", "set", "admin", "--allow", "0.0.0.0/0"]).unwrap_err();
    assert!(beyond.contains("is not within"), "{beyond}");
    let shown = command(&["networks", "show"]).unwrap();
    assert!(shown.contains("the tenant lets in   192.0.2.0/24"), "{shown}");
    command(&["networks", "unset", "business"]).unwrap();
    assert_eq!(ask(&site, gateway.addr, &token).await, PERMITTED);

    let stream = streaming(&site, gateway.addr, &token).await;
    std::fs::write(site.path("a.csv"), "assistant,visibility,owner\na1,personal,u-7\n").unwrap();
    let dry = command(&["assistants", "import", "a.csv", "--dry-run"]).unwrap();
    assert!(dry.contains("~ a1: organization → personal, u-7's"), "{dry}");
    command(&["assistants", "import", "a.csv"]).unwrap();
    assert!(broken_off(stream).await < EVERYWHERE);
    assert_eq!(command(&["assistants", "list"]).unwrap(), "a1\tpersonal, u-7's\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_users_are_imported_while_others_are_served() {
    const USERS: usize = 10_000;
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = Arc::new(site(&origin));
    let mut file = "user_id,email,name,roles,groups\n".to_owned();
    for n in 0..USERS {
        writeln!(file, "u-{n},u{n}@acme.example,佐藤 {n},member,営業部;g{}", n % 100).unwrap();
    }
    std::fs::write(site.path("staff.csv"), &file).unwrap();
    std::fs::write(site.path("less.csv"), file.lines().take(8_001).collect::<Vec<_>>().join("\n"))
        .unwrap();
    let redis = Redis::start(&[]).unwrap();
    let url = redis.url();
    let token = site.token("u-9999");
    for arguments in [&[][..], &["--state", &url]] {
        let gateway = up(&site, arguments);
        for (file, more, want) in [
            ("staff.csv", "--dry-run", "10000 join, 0 change"),
            ("staff.csv", "--all", "10000 join, 0 change"),
            ("staff.csv", "--all", "0 join, 0 change, 0 are suspended, 0 leave, 10000 stay"),
            ("less.csv", "--complete", "2000 leave, 8000 stay"),
        ] {
            let words = ["users", "import", file, "--tenant", "acme", more];
            let begun = Instant::now();
            let import = [&words[..], arguments].concat();
            let import: Vec<String> = import.iter().map(|word| (*word).to_owned()).collect();
            let importer = Arc::clone(&site);
            let importing = tokio::task::spawn_blocking(move || {
                let words: Vec<&str> = import.iter().map(String::as_str).collect();
                (importer.sekisho(&words).unwrap(), begun.elapsed())
            });
            let mut longest = Duration::ZERO;
            while !importing.is_finished() {
                let asked = Instant::now();
                let (status, _) = ask(&site, gateway.addr, &token).await;
                assert!([200, 403].contains(&status), "{status}");
                longest = longest.max(asked.elapsed());
            }
            let (said, took) = importing.await.unwrap();
            assert!(said.contains(want), "{said}");
            println!("{file} {more} {arguments:?}: {took:?}, longest request {longest:?}");
            assert!(
                took < Duration::from_secs(20),
                "{took:?}, in a debug build beside other tests"
            );
        }
        assert_eq!(ask(&site, gateway.addr, &token).await, refused(403, "user-left"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_find_their_way_to_the_state_whoever_has_it() {
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let site = site(&origin);
    let list = ["assistants", "list", "--tenant", "acme"];
    let want = "a1\torganization\n";
    assert_eq!(site.sekisho(&list).unwrap(), want, "nobody has it");
    let gateway = up(&site, &[]);
    assert_eq!(site.sekisho(&list).unwrap(), want, "the gateway has it");
    let set = |n: usize| {
        let id = format!("b{n}");
        site.sekisho(&["assistants", "set", &id, "--tenant", "acme", "--organization"])
    };
    let set = &set;
    let many: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..20).map(|n| scope.spawn(move || set(n))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(many.iter().all(Result::is_ok), "{many:?}");
    gateway.kill();
    assert!(site.path(".sekisho/state/socket").exists(), "a killed gateway tidies nothing up");
    assert_eq!(site.sekisho(&list).unwrap().lines().count(), 21, "nobody has it any more");
    let _gateway = up(&site, &[]);
    assert_eq!(site.sekisho(&list).unwrap().lines().count(), 21, "the next one has it");
    let memory = site.sekisho(&[&list[..], &["--state", "memory"]].concat()).unwrap_err();
    assert!(memory.contains("its gateway's alone"), "{memory}");
}
