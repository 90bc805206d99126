//! Stores in one redb file.
//!
//! One thread owns all writes: it takes what has queued up, commits it in one durable transaction, and only then
//! answers, so that a hundred concurrent writes cost one `fsync`. Reads go to the last committed snapshot. The thread
//! also owns the file: when it ends, the file is unlocked, whoever still holds a store. A change of several keys is one
//! of its transactions too: what it expects is looked up in the transaction that makes it.

use std::path::Path;
use std::sync::{Arc, Weak};

use futures::future::BoxFuture;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Change, Conflict, Entries, KeyValue, KeyValueError, Made, check_change, check_entry, check_key,
};
use crate::HostError;

/// `(store label, key)` to value.
const TABLE: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("key-value");
/// Writes that may wait for the writer.
const QUEUE: usize = 1024;
/// Most writes in one transaction.
const BATCH: usize = 256;
/// redb's page cache, in bytes; its default is a gibibyte.
const CACHE: usize = 16 * 1024 * 1024;

pub(crate) struct Disk {
    database: Weak<Database>,
    work: mpsc::Sender<Work>,
}

enum Work {
    Write(Write),
    Change(Together),
    /// Ends the thread; answered when the file is free.
    Close(oneshot::Sender<()>),
}

struct Write {
    label: Arc<str>,
    key: String,
    /// `None` deletes.
    value: Option<Vec<u8>>,
    done: oneshot::Sender<Result<(), KeyValueError>>,
}

/// Changes that are made together or not at all.
struct Together {
    label: Arc<str>,
    changes: Vec<Change>,
    done: oneshot::Sender<Result<Made, KeyValueError>>,
}

impl Disk {
    pub(crate) fn open(path: &Path) -> Result<Self, HostError> {
        let database = open_file(path).map_err(|error| explain(path, &error))?;
        create_table(&database).map_err(|error| unreadable(path, &error.to_string()))?;
        let owner = Arc::new(database);
        let database = Arc::downgrade(&owner);
        let (work, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("sekisho-state".to_owned())
            .spawn(move || run(owner, queue))
            .map_err(|error| HostError::new(format!("cannot start the state writer: {error}")))?;
        Ok(Self { database, work })
    }

    /// Finishes the writes that wait and frees the file.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.work.send(Work::Close(done)).await.is_ok() {
            drop(closed.await);
        }
    }

    pub(crate) fn store(&self, label: &str) -> DiskStore {
        DiskStore {
            label: Arc::from(label),
            database: Weak::clone(&self.database),
            work: self.work.clone(),
        }
    }
}

fn open_file(path: &Path) -> Result<Database, DatabaseError> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let backend = redb::backends::FileBackend::new(file)?;
    Database::builder().set_cache_size(CACHE).create_with_backend(backend)
}

fn create_table(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(TABLE)?;
    transaction.commit()?;
    Ok(())
}

fn explain(path: &Path, error: &DatabaseError) -> HostError {
    let path = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            HostError::new(format!("the state file {path} is in use by another process"))
                .help("Stop that process or choose another state directory")
                .in_use()
        }
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() != std::io::ErrorKind::InvalidData =>
        {
            HostError::new(format!("cannot open the state file {path}: {error}"))
                .help("Choose a state directory that this user may write")
        }
        error => unreadable(Path::new(&path.to_string()), &error.to_string()),
    }
}

fn unreadable(path: &Path, reason: &str) -> HostError {
    HostError::new(format!(
        "the state file {} is damaged or not a state file: {reason}",
        path.display()
    ))
    .help("Move it away or restore a backup")
}

fn run(database: Arc<Database>, mut queue: mpsc::Receiver<Work>) {
    let mut taken = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut taken, BATCH) > 0 {
        let mut closing = None;
        let mut batch = Vec::with_capacity(taken.len());
        let mut together = Vec::new();
        for work in taken.drain(..) {
            match work {
                Work::Write(write) => batch.push(write),
                Work::Change(changes) => together.push(changes),
                Work::Close(done) => closing = Some(done),
            }
        }
        if !batch.is_empty() {
            let result = commit(&database, &batch).map_err(failed);
            for write in batch {
                // The requester may have gone; its write stands.
                drop(write.done.send(result.clone()));
            }
        }
        for Together { label, changes, done } in together {
            drop(done.send(change(&database, &label, &changes).map_err(failed)));
        }
        if let Some(done) = closing {
            drop(database);
            let _ = done.send(());
            return;
        }
    }
}

fn commit(database: &Database, batch: &[Write]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(TABLE)?;
        for write in batch {
            let key = (&*write.label, write.key.as_str());
            match &write.value {
                Some(value) => drop(table.insert(key, value.as_slice())?),
                None => drop(table.remove(key)?),
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn change(
    database: &Database,
    label: &str,
    changes: &[Change],
) -> Result<Result<(), Conflict>, redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(TABLE)?;
        for Change { key, expected, .. } in changes {
            let now = table.get((label, key.as_str()))?;
            if !expected.is_met_by(now.as_ref().map(redb::AccessGuard::value)) {
                return Ok(Err(Conflict(key.clone())));
            }
        }
        for Change { key, value, .. } in changes {
            match value {
                Some(value) => drop(table.insert((label, key.as_str()), value.as_slice())?),
                None => drop(table.remove((label, key.as_str()))?),
            }
        }
    }
    transaction.commit()?;
    Ok(Ok(()))
}

fn failed(error: impl Into<redb::Error>) -> KeyValueError {
    KeyValueError(format!("the state file failed: {}", error.into()))
}

/// One label of the file.
pub(crate) struct DiskStore {
    label: Arc<str>,
    database: Weak<Database>,
    work: mpsc::Sender<Work>,
}

fn closed() -> KeyValueError {
    KeyValueError("the state file is closed".to_owned())
}

impl DiskStore {
    fn database(&self) -> Result<Arc<Database>, KeyValueError> {
        self.database.upgrade().ok_or_else(closed)
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        check_key(key)?;
        let transaction = self.database()?.begin_read().map_err(failed)?;
        let table = transaction.open_table(TABLE).map_err(failed)?;
        let value = table.get((&*self.label, key)).map_err(failed)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    async fn write(&self, key: &str, value: Option<Vec<u8>>) -> Result<(), KeyValueError> {
        let (done, answer) = oneshot::channel();
        let write = Write { label: Arc::clone(&self.label), key: key.to_owned(), value, done };
        self.work.send(Work::Write(write)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn list<T: Send + 'static>(
        &self,
        prefix: &str,
        make: fn(&str, &[u8]) -> T,
    ) -> Result<Vec<T>, KeyValueError> {
        let (database, label) = (self.database()?, Arc::clone(&self.label));
        let prefix = prefix.to_owned();
        match tokio::task::spawn_blocking(move || each(&database, &label, &prefix, make)).await {
            Ok(found) => found.map_err(failed),
            Err(_) => Err(KeyValueError("listing the keys was interrupted".to_owned())),
        }
    }
}

/// What is made of each entry of a label whose key starts with `prefix`.
fn each<T>(
    database: &Database,
    label: &str,
    prefix: &str,
    make: fn(&str, &[u8]) -> T,
) -> Result<Vec<T>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = transaction.open_table(TABLE)?;
    let mut found = Vec::new();
    for entry in table.range((label, prefix)..)? {
        let (key, value) = entry?;
        let (owner, key) = key.value();
        if owner != label || !key.starts_with(prefix) {
            break;
        }
        found.push(make(key, value.value()));
    }
    Ok(found)
}

impl KeyValue for DiskStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async move { self.read(key) })
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            check_entry(key, &value)?;
            self.write(key, Some(value)).await
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(async move {
            check_key(key)?;
            self.write(key, None).await
        })
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<String>, KeyValueError>> {
        Box::pin(self.list("", |key, _| key.to_owned()))
    }

    fn entries<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Entries, KeyValueError>> {
        Box::pin(self.list(prefix, |key, value| (key.to_owned(), value.to_vec())))
    }

    fn change(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Made, KeyValueError>> {
        Box::pin(async move {
            changes.iter().try_for_each(check_change)?;
            let (done, answer) = oneshot::channel();
            let together = Together { label: Arc::clone(&self.label), changes, done };
            self.work.send(Work::Change(together)).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        })
    }
}
