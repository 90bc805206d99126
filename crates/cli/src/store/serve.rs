//! The way in to the store of a gateway that runs: a socket in the directory of its file, for its own user and root alone.

use super::door;
use super::protocol::{Answer, Ask, codec, decode, encode};
use futures::{SinkExt as _, StreamExt as _};
use sekisho_host::{KeyValue, KeyValueError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::codec::Framed;

/// Commands that are served at once; others wait.
const AT_ONCE: usize = 16;

/// How long a command may take to ask, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A way in. Dropping it closes it.
pub struct Door {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens it beside the file in `directory`, which is this process's.
    pub fn open(directory: &Path, store: Arc<dyn KeyValue>) -> io::Result<Self> {
        let path = door(directory);
        // Whoever left it is gone: the file was his.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        // The directory may be one that others enter, and the mode of a socket is what the umask makes it.
        let ours = std::fs::metadata(&path)?.uid();
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let task = tokio::spawn(async move {
            while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let is_ours = |peer: UCred| peer.uid() == ours || peer.uid() == 0;
                if !stream.peer_cred().is_ok_and(is_ours) {
                    continue;
                }
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    serve(stream, &*store).await;
                    drop(permit);
                });
            }
        });
        Ok(Self { path, task })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        // A path that is gone already leads nobody astray.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve(stream: UnixStream, store: &dyn KeyValue) {
    let mut stream = Framed::new(stream, codec());
    while let Ok(Some(Ok(frame))) = timeout(PATIENCE, stream.next()).await {
        let answer = match decode(&frame) {
            Ok(ask) => {
                answer(ask, store).await.unwrap_or_else(|error| Answer::Failed(error.to_string()))
            }
            Err(why) => Answer::Failed(why),
        };
        let Ok(frame) = encode(&answer).or_else(|why| encode(&Answer::Failed(why))) else { return };
        if !matches!(timeout(PATIENCE, stream.send(frame)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn answer(ask: Ask, store: &dyn KeyValue) -> Result<Answer, KeyValueError> {
    Ok(match ask {
        Ask::Get(key) => Answer::Value(store.get(&key).await?),
        Ask::Keys => Answer::Keys(store.keys().await?),
        Ask::Entries(prefix) => Answer::Entries(store.entries(&prefix).await?),
        Ask::Change(changes) => Answer::Made(store.change(changes).await?),
    })
}
