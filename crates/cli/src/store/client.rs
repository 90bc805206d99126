//! A store that another process has.

use super::door;
use super::protocol::{Answer, Ask, codec, decode, encode};
use crate::report::Failure;
use futures::future::BoxFuture;
use futures::{SinkExt as _, StreamExt as _};
use sekisho_host::{Change, Entries, Expected, KeyValue, KeyValueError, Made};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Client(Mutex<Framed<UnixStream, LengthDelimitedCodec>>);

/// Nothing, where nobody opens.
pub(super) async fn connect(directory: &Path) -> Result<Option<Client>, Failure> {
    let door = door(directory);
    match UnixStream::connect(&door).await {
        Ok(stream) => Ok(Some(Client(Mutex::new(Framed::new(stream, codec()))))),
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => {
            Err(Failure::invalid(format!("cannot connect to {}: {error}", door.display()))
                .help("run the command as the user whom the gateway runs as"))
        }
    }
}

impl Client {
    async fn ask(&self, ask: &Ask) -> Result<Answer, KeyValueError> {
        let mut stream = self.0.lock().await;
        let gone = |why: String| KeyValueError::new(format!("the gateway that has it: {why}"));
        let frame = encode(ask).map_err(gone)?;
        let asked = timeout(PATIENCE, async {
            stream.send(frame).await.map_err(|error| gone(error.to_string()))?;
            Ok(stream.next().await)
        });
        match asked.await.map_err(|_| gone("it does not answer".to_owned()))?? {
            Some(Ok(frame)) => match decode(&frame).map_err(gone)? {
                Answer::Failed(why) => Err(gone(why)),
                answer => Ok(answer),
            },
            Some(Err(error)) => Err(gone(error.to_string())),
            None => Err(gone("it has closed the connection".to_owned())),
        }
    }

    async fn put(&self, key: &str, value: Option<Vec<u8>>) -> Result<(), KeyValueError> {
        let change = Change { key: key.to_owned(), expected: Expected::Anything, value };
        self.change(vec![change]).await.map(drop)
    }
}

fn another() -> KeyValueError {
    KeyValueError::new("the gateway that has it answers another question".to_owned())
}

impl KeyValue for Client {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KeyValueError>> {
        Box::pin(async move {
            match self.ask(&Ask::Get(key.to_owned())).await? {
                Answer::Value(value) => Ok(value),
                _ => Err(another()),
            }
        })
    }

    fn set<'a>(&'a self, key: &'a str, value: Vec<u8>) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(self.put(key, Some(value)))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        Box::pin(self.put(key, None))
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<String>, KeyValueError>> {
        Box::pin(async move {
            match self.ask(&Ask::Keys).await? {
                Answer::Keys(keys) => Ok(keys),
                _ => Err(another()),
            }
        })
    }

    fn entries<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Entries, KeyValueError>> {
        Box::pin(async move {
            match self.ask(&Ask::Entries(prefix.to_owned())).await? {
                Answer::Entries(entries) => Ok(entries),
                _ => Err(another()),
            }
        })
    }

    fn change(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Made, KeyValueError>> {
        Box::pin(async move {
            match self.ask(&Ask::Change(changes)).await? {
                Answer::Made(made) => Ok(made),
                _ => Err(another()),
            }
        })
    }
}
