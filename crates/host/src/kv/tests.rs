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

#[test]
fn a_file_in_use_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::Disk(directory.path().to_owned());
    let _open = Stores::open(&state).unwrap();
    let error = Stores::open(&state).err().unwrap().to_string();
    assert!(error.contains("state.redb is in use by another process"), "{error}");
}

#[test]
fn a_damaged_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("state.redb"), vec![7; 9000]).unwrap();
    let error = Stores::open(&State::Disk(directory.path().to_owned())).err().unwrap().to_string();
    assert!(error.contains("state.redb is damaged or not a state file"), "{error}");
}
