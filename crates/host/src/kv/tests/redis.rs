//! Against the real server, which Debian has as `redis-server`.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sekisho_testing::redis::{Redis, free_address};

use super::contract;
use crate::kv::{KeyValue, State, Stores};

fn store(address: &str) -> Arc<dyn KeyValue> {
    Stores::open(&State::Redis(address.to_owned())).unwrap().store("default")
}

#[tokio::test]
async fn redis_keeps_the_contract_and_holds_the_same_bytes() {
    let server = Redis::start(&[]).unwrap();
    let store = store(&server.url());
    contract(&*store).await;
    let record = br#"{"v":1,"state":"active"}"#;
    store.set("t/acme/user/u-42", record.to_vec()).await.unwrap();
    // As Spin and redis-cli read it.
    let raw = server.ask(&["GET", "t/acme/user/u-42"]).unwrap();
    assert_eq!(raw, [b"$24\r\n".as_slice(), record, b"\r\n"].concat());
    for n in 0..3000 {
        store.set(&format!("many/{n:04}"), Vec::new()).await.unwrap();
    }
    assert_eq!(store.keys().await.unwrap().len(), 3002);
    server.ask(&["RPUSH", "list", "x"]).unwrap();
    assert!(store.get("list").await.is_err(), "another kind of value is no absent one");
}

#[tokio::test]
async fn one_that_is_away_is_asked_again() {
    let addr = free_address().unwrap();
    let store = store(&format!("redis://user:geheim@{addr}/0"));
    let begun = Instant::now();
    let error = store.get("a").await.unwrap_err().to_string();
    assert_eq!(error, format!("the Redis at {addr}: the connection was refused"));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    let users = ["--user", "user", "on", ">geheim", "~*", "+@all"];
    let server = Redis::start_at(addr, &users).unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
    store.set("a", b"1".to_vec()).await.unwrap();
    server.kill().unwrap();
    assert!(store.set("a", b"2".to_vec()).await.is_err());
    assert!(store.keys().await.is_err());
    let _server = Redis::start_at(addr, &users).unwrap();
    // The first question may still meet the broken connection.
    let until = Instant::now() + Duration::from_secs(5);
    while store.get("a").await.is_err() {
        assert!(Instant::now() < until, "it does not connect again");
    }
    assert_eq!(store.get("a").await.unwrap(), None, "this server is another one");
}

#[tokio::test]
async fn one_that_says_nothing_is_not_waited_for() {
    // A server that takes connections and questions.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = store(&format!("redis://{}", listener.local_addr().unwrap()));
    let begun = Instant::now();
    let error = store.get("a").await.unwrap_err().to_string();
    assert!(error.ends_with("no answer in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let server = Redis::start(&["--requirepass", "richtig"]).unwrap();
    let right = store(&format!("redis://:richtig@{}", server.addr()));
    right.set("a", Vec::new()).await.unwrap();
    let wrong = store(&format!("redis://:geheim@{}", server.addr()));
    let error = wrong.get("a").await.unwrap_err().to_string();
    assert!(error.ends_with("it does not accept the user or the password"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
}

#[tokio::test]
async fn an_address_is_judged_before_anything_starts() {
    for address in ["redis://", "redis://host:port", "redis://127.0.0.1/x", "http://127.0.0.1"] {
        let error = Stores::open(&State::Redis(address.to_owned())).err().map(|e| e.to_string());
        assert!(
            error.as_ref().is_some_and(|error| error.contains("redis://[user")),
            "{address}: {error:?}"
        );
    }
    assert_eq!(format!("{:?}", State::Redis("redis://:geheim@x".to_owned())), "Redis");
}
