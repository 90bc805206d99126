//! Start, reload, end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::BodyExt;
use sekisho_host::{Host, Listener, Tls};
use tokio::net::TcpStream;

use crate::support::App;
use crate::support::client::{call, call_text, collect, empty, h1, h2, tls};
use crate::support::origin::Origin;

async fn start_error(app: &App) -> String {
    Host::start(app.config.clone()).await.err().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_is_fast() {
    let mut app = App::new(&[]);
    app.config.cache_dir = Some(app.directory.path().join("cache"));
    drop(app.start().await);
    let begun = Instant::now();
    let host = app.start().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(call_text(&host, "/seen").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_an_application_from_starting_is_named() {
    let app = App::new(&[]).listening();
    let host = app.start().await;
    let mut taken = App::new(&[]);
    taken.config.listeners = vec![Listener { addr: host.addrs()[0], tls: None, tls_ended: false }];
    assert!(start_error(&taken).await.contains("another program is listening there"));

    let mut bad = App::new(&[]);
    let pem = bad.directory.path().join("bad.pem");
    std::fs::write(&pem, "no pem").unwrap();
    let addr = "127.0.0.1:0".parse().unwrap();
    bad.config.listeners = vec![Listener {
        addr,
        tls: Some(Tls::Files { certificate: pem.clone(), key: pem.clone() }),
        tls_ended: false,
    }];
    assert!(start_error(&bad).await.contains("cannot read certificates from"));

    let mut missing = App::new(&[]);
    missing.config.mounts = BTreeMap::from([("/data".into(), "/nonexistent".into())]);
    assert!(start_error(&missing).await.contains("/nonexistent is not a directory"));
    missing.config.mounts = BTreeMap::from([("/nowhere".into(), "/".into())]);
    assert!(start_error(&missing).await.contains("no component has files at /nowhere"));

    let not_wasm = App::new(&[]);
    let text = "spin_manifest_version = 2\napplication = { name = \"x\" }\n[component.a]\nsource = \"note.txt\"\n";
    let path = not_wasm.directory.path().join("spin.toml");
    let mut config = not_wasm.config.clone();
    config.manifest = sekisho_host::Manifest::parse(&path, text).unwrap();
    let error = Host::start(config.clone()).await.err().unwrap();
    assert_eq!(error.place.as_ref().unwrap().line(), Some(4));
    assert!(error.to_string().contains("is not a component"), "{error}");
    config.manifest =
        sekisho_host::Manifest::parse(&path, &text.replace("note.txt", "none.wasm")).unwrap();
    assert!(Host::start(config).await.err().unwrap().to_string().contains("Build it first"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_import_is_named() {
    let app = App::new(&[]);
    let path = app.directory.path().join("spin.toml");
    let name = b"acme:secret/door@1.0.0";
    // (component (import "acme:secret/door@1.0.0" (instance (export "open" (func)))))
    let instance = b"\x01\x42\x02\x01\x40\x00\x01\x00\x04\x00\x04open\x01\x00";
    let import =
        [b"\x01\x00", &[u8::try_from(name.len()).unwrap()][..], name, b"\x05\x00"].concat();
    let mut component = b"\0asm\x0d\x00\x01\x00".to_vec();
    for (id, section) in [(7, &instance[..]), (10, &import)] {
        component.extend([id, u8::try_from(section.len()).unwrap()]);
        component.extend(section);
    }
    std::fs::write(app.directory.path().join("door.wasm"), component).unwrap();
    let text = "spin_manifest_version = 2\napplication = { name = \"x\" }\n[component.a]\nsource = \"door.wasm\"\n";
    let mut config = app.config.clone();
    config.manifest = sekisho_host::Manifest::parse(&path, text).unwrap();
    let error = Host::start(config).await.err().unwrap().to_string();
    assert!(error.contains("acme:secret/door@1.0.0"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_seen_by_every_later_request() {
    let app = App::new(&[]).listening();
    let host = Arc::new(app.start().await);
    // A request of the old generation, and a steady load, run across the reloads.
    let slow = {
        let host = Arc::clone(&host);
        tokio::spawn(async move { call_text(&host, "/sleep/600").await })
    };
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..8)
        .map(|_| {
            let (host, stop) = (Arc::clone(&host), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let (status, text) = call_text(&host, "/file/data/value.txt").await;
                    assert_eq!(status, 200);
                    assert!(text == "data" || text == "other", "{text}");
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for round in 0..50 {
        let name = if round % 2 == 0 { "other" } else { "data" };
        host.reload(&BTreeMap::from([("/data".to_owned(), app.directory.path().join(name))]))
            .unwrap();
        assert_eq!(call_text(&host, "/file/data/value.txt").await.1, name, "{round}");
    }
    let error =
        host.reload(&BTreeMap::from([("/data".to_owned(), "/nonexistent".into())])).unwrap_err();
    assert!(error.to_string().contains("/nonexistent"), "{error}");
    assert_eq!(call_text(&host, "/file/data/value.txt").await.1, "data");
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    assert_eq!(slow.await.unwrap(), (200, "Some(\"data\")".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_requests_finish() {
    let origin = Origin::start().await;
    let app = App::new(&["http://127.0.0.1:*"]).listening();
    let host = app.start().await;
    let [secure, plain] = host.addrs()[..] else { panic!() };
    let path = format!("/proxy/{}", origin.url("/events"));
    let mut h2 = h2(tls(secure, &app.ca(), "acme.localhost", "h2").await).await;
    let mut h1 = h1(TcpStream::connect(plain).await.unwrap()).await;
    let over_h2 = Request::get(format!("https://acme.localhost{path}")).body(empty()).unwrap();
    let over_h1 = Request::get(&path).header("host", "a").body(empty()).unwrap();
    let answers =
        [h2.send_request(over_h2).await.unwrap(), h1.send_request(over_h1).await.unwrap()];
    let begun = Instant::now();
    let shutdown = tokio::spawn(host.shutdown(Duration::from_secs(10)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(plain).await.is_err(), "still accepting");
    for answer in answers {
        let (status, text) = collect(answer).await;
        assert_eq!(
            (status, text.lines().filter(|line| line.starts_with("data")).count()),
            (200, 4)
        );
    }
    shutdown.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_has_an_end() {
    let origin = Origin::start().await;
    let app = App::new(&["http://127.0.0.1:*"]).listening();
    let host = app.start().await;
    let mut h1 = h1(TcpStream::connect(host.addrs()[1]).await.unwrap()).await;
    let path = format!("/proxy/{}", origin.url("/endless"));
    let request = Request::get(&path).header("host", "a").body(empty()).unwrap();
    let mut body = h1.send_request(request).await.unwrap().into_body();
    let begun = Instant::now();
    let shutdown = tokio::spawn(host.shutdown(Duration::from_millis(500)));
    let mut error = None;
    while let Some(frame) = body.frame().await {
        error = frame.err();
    }
    assert!(error.is_some(), "the cut looks like a clean end");
    shutdown.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_waits_for_calls_without_a_socket() {
    let app = App::new(&[]);
    let host = app.start().await;
    let response = call(&host, "/stream/20").await;
    let shutdown = tokio::spawn(host.shutdown(Duration::from_secs(10)));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.split(|byte| *byte == b'\n').count(), 21);
    shutdown.await.unwrap();
}
