mod killed;
mod redis;

use std::os::unix::fs::PermissionsExt;

use super::*;

async fn contract(store: &dyn KeyValue) {
    assert_eq!(store.get("a").await.unwrap(), None);
    store.set("b", b"2".to_vec()).await.unwrap();
    store.set("a", b"1".to_vec()).await.unwrap();
    store.set("a", Vec::new()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), Some(Vec::new()));
    let bytes: Vec<u8> = (0..=255).collect();
    store.set("t/acme/user/~関所 \r\n*?[", bytes.clone()).await.unwrap();
    assert_eq!(store.get("t/acme/user/~関所 \r\n*?[").await.unwrap(), Some(bytes));
    assert_eq!(store.keys().await.unwrap(), ["a", "b", "t/acme/user/~関所 \r\n*?["]);
    store.delete("t/acme/user/~関所 \r\n*?[").await.unwrap();
    store.delete("a").await.unwrap();
    store.delete("a").await.unwrap();
    assert_eq!(store.keys().await.unwrap(), ["b"]);
    assert!(store.set(&"k".repeat(MAX_KEY + 1), Vec::new()).await.is_err());
    assert!(store.set("k", vec![0; MAX_VALUE + 1]).await.is_err());
    let largest = vec![7; MAX_VALUE];
    store.set("large", largest.clone()).await.unwrap();
    assert!(store.get("large").await.unwrap() == Some(largest));
    store.delete("large").await.unwrap();
    together(store).await;
}

/// Changes of several keys are made together or not at all.
async fn together(store: &dyn KeyValue) {
    let change = |key: &str, expected, value: Option<&str>| Change {
        key: key.to_owned(),
        expected,
        value: value.map(|value| value.as_bytes().to_vec()),
    };
    let one = || Expected::Value(b"1".to_vec());
    let all = vec![
        change("p/*/a", Expected::Absent, Some("1")),
        change("p/*/b", Expected::Anything, Some("")),
        change("p/*/c", Expected::Anything, None),
    ];
    assert_eq!(store.change(all).await.unwrap(), Ok(()));
    store.set("p/x/a", b"other".to_vec()).await.unwrap();
    let entries = vec![("p/*/a".to_owned(), b"1".to_vec()), ("p/*/b".to_owned(), Vec::new())];
    assert_eq!(store.entries("p/*/").await.unwrap(), entries);
    for (expected, key) in [
        (Expected::Absent, "p/*/a"),
        (Expected::Value(Vec::new()), "p/*/a"),
        (one(), "p/*/b"),
        (one(), "p/*/d"),
    ] {
        let all =
            vec![change("p/*/e", Expected::Absent, Some("new")), change(key, expected, Some("2"))];
        assert_eq!(store.change(all).await.unwrap(), Err(Conflict(key.to_owned())));
        assert_eq!(store.entries("p/*/").await.unwrap(), entries, "none of it is made");
    }
    let last = vec![
        change("p/*/a", one(), None),
        change("p/*/b", Expected::Value(Vec::new()), None),
        change("p/x/a", Expected::Anything, None),
    ];
    assert_eq!(store.change(last).await.unwrap(), Ok(()));
    assert!(store.entries("p/").await.unwrap().is_empty());
    let too_long = vec![change(&"k".repeat(MAX_KEY + 1), Expected::Anything, None)];
    assert!(store.change(too_long).await.is_err());
}

/// Stores of two labels know nothing of each other.
async fn apart(one: &dyn KeyValue, two: &dyn KeyValue) {
    two.set("z", b"9".to_vec()).await.unwrap();
    assert_eq!(one.get("z").await.unwrap(), None);
    assert_eq!(two.get("b").await.unwrap(), None);
    assert_eq!(two.keys().await.unwrap(), ["z"]);
    assert_eq!(one.keys().await.unwrap(), ["b"]);
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    let stores = Stores::open(&State::Memory).unwrap();
    contract(&*stores.store("one")).await;
    apart(&*stores.store("one"), &*stores.store("two")).await;
    assert_eq!(stores.store("one").keys().await.unwrap(), ["b"]);
}

#[tokio::test]
async fn disk_keeps_the_contract_and_survives() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::Disk(directory.path().join("deep/state"));
    let stores = Stores::open(&state).unwrap();
    contract(&*stores.store("one")).await;
    apart(&*stores.store("one"), &*stores.store("two")).await;
    let file = directory.path().join("deep/state/state.redb");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // What a killed process leaves behind: the file as it is, without a clean close.
    let crashed = tempfile::tempdir().unwrap();
    std::fs::copy(&file, crashed.path().join("state.redb")).unwrap();
    let stores = Stores::open(&State::Disk(crashed.path().to_owned())).unwrap();
    assert_eq!(stores.store("one").get("b").await.unwrap(), Some(b"2".to_vec()));
}

#[tokio::test]
async fn concurrent_writes_all_land() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::open(&State::Disk(directory.path().to_owned())).unwrap();
    let writes = (0..500).map(|n| {
        let store = stores.store("s");
        tokio::spawn(async move { store.set(&format!("{n:03}"), b"x".to_vec()).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    assert_eq!(stores.store("s").keys().await.unwrap().len(), 500);
}

/// Of many who count up the same number by what they read, none loses a count.
async fn counted(store: Arc<dyn KeyValue>) {
    let count = |store: Arc<dyn KeyValue>| async move {
        for _ in 0..20 {
            loop {
                let now = store.get("n").await.unwrap();
                let number: u32 = now
                    .as_ref()
                    .map_or(0, |now| std::str::from_utf8(now).unwrap().parse().unwrap());
                let change = Change {
                    key: "n".to_owned(),
                    expected: now.map_or(Expected::Absent, Expected::Value),
                    value: Some((number + 1).to_string().into_bytes()),
                };
                if store.change(vec![change]).await.unwrap().is_ok() {
                    break;
                }
            }
        }
    };
    let all: Vec<_> = (0..8).map(|_| tokio::spawn(count(Arc::clone(&store)))).collect();
    for one in all {
        one.await.unwrap();
    }
    assert_eq!(store.get("n").await.unwrap(), Some(b"160".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost() {
    counted(Stores::open(&State::Memory).unwrap().store("s")).await;
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::open(&State::Disk(directory.path().to_owned())).unwrap();
    counted(stores.store("s")).await;
    let server = sekisho_testing::redis::Redis::start(&[]).unwrap();
    counted(Stores::open(&State::Redis(server.url())).unwrap().store("default")).await;
}

#[test]
fn a_file_in_use_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::Disk(directory.path().to_owned());
    let _open = Stores::open(&state).unwrap();
    let error = Stores::open(&state).err().unwrap().to_string();
    assert!(error.contains("state.redb is in use by another process"), "{error}");
    assert!(matches!(open(&state), Ok(Opened::InUse)));
}

#[test]
fn a_damaged_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("state.redb"), vec![7; 9000]).unwrap();
    let error = Stores::open(&State::Disk(directory.path().to_owned())).err().unwrap().to_string();
    assert!(error.contains("state.redb is damaged or not a state file"), "{error}");
}
