//! `kill -9` of a process that writes to the store on disk, hundreds of times, each at another moment.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kv::{State, Stores};

const KILLS: u64 = 300;
/// Keys that are written at the same time.
const WRITERS: u32 = 8;
const DIRECTORY: &str = "SEKISHO_TEST_WRITER";

/// What a key's nth value is: of another length than the one before, and nothing but its number.
fn value(n: u64) -> Vec<u8> {
    let length = usize::try_from(n % 97).unwrap() * 61 + 1;
    n.to_le_bytes().repeat(length)
}

/// The number of a value that is whole.
fn number(bytes: &[u8]) -> u64 {
    let n = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    assert!(bytes == value(n), "a value of {n} that is not whole");
    n
}

fn open(directory: &Path) -> Stores {
    Stores::open(&State::Disk(directory.to_owned())).unwrap()
}

/// The process that is killed: writes without an end, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs until it is killed; started by the test below"]
async fn writer() {
    let directory = std::env::var_os(DIRECTORY).unwrap();
    let stores = open(Path::new(&directory));
    let mut writers = tokio::task::JoinSet::new();
    for key in 0..WRITERS {
        let store = stores.store("killed");
        writers.spawn(async move {
            let name = key.to_string();
            let begun = store.get(&name).await.unwrap().map_or(0, |bytes| number(&bytes));
            for n in begun + 1.. {
                store.set(&name, value(n)).await.unwrap();
                let mut out = std::io::stdout().lock();
                out.write_all(format!("acknowledged {key} {n}\n").as_bytes()).unwrap();
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_however_often_it_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    let mut writes = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kv::tests::killed::writer", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut seen = Vec::new();
        while !seen.iter().any(|line: &String| line.contains("acknowledged")) {
            seen.push(lines.next().expect("it ends before it was killed"));
        }
        // At another moment of a commit each time.
        std::thread::sleep(Duration::from_micros(kill * 7919 % 30_000));
        child.kill().unwrap();
        child.wait().unwrap();
        seen.extend(lines);
        for line in seen {
            // The first one stands behind what the test runner has begun to say.
            if let Some((_, said)) = line.split_once("acknowledged ")
                && let Some((key, n)) = said.split_once(' ')
            {
                acknowledged.insert(key.to_owned(), n.parse().unwrap());
                writes += 1;
            }
        }
        let stores = open(directory.path());
        let store = stores.store("killed");
        for (key, n) in &mut acknowledged {
            let found = number(&store.get(key).await.unwrap().expect("a key is gone"));
            // One more may have been committed and not said any more.
            assert!(found == *n || found == *n + 1, "kill {kill}: {key} is {found}, {n} was said");
            *n = found;
        }
        stores.close().await;
    }
    println!("{KILLS} kills, {writes} acknowledged writes");
    assert!(writes > KILLS, "{writes}");
}
