//! The state store, as commands reach it.
//!
//! A store on disk belongs to the gateway that runs: commands ask it by a socket beside the file, and open the file
//! themselves where none runs. A Redis is everybody's.

mod client;
mod outbox;
mod protocol;
mod serve;
mod sweep;

pub use outbox::{Event, drain};
pub use serve::Door;
pub use sweep::sweep;

use crate::gateway::{mounted_policy, private_directory};
use crate::report::Failure;
use crate::{component, input, policy_dir};
use sekisho_core::Policy;
use sekisho_core::policy::Tenant;
use sekisho_directory::edit::{Edit, Was};
use sekisho_host::{
    Change, Conflict, Entries, Expected, KeyValue, KeyValueError, Manifest, Opened, State,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest address of a state in a file.
const LONGEST_ADDRESS: usize = 4096;
/// How long another command may keep the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which state.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// The manifest; if not given, the nearest spin.toml from here upwards
    #[arg(short = 'f', long = "file", value_name = "spin.toml")]
    manifest: Option<PathBuf>,
    /// Where the state is kept, as `sekisho up` was told: a directory, or a Redis; if not given, what
    /// `SEKISHO_STATE` says, or .sekisho/state beside the manifest
    #[arg(long, value_name = "DIR|URL")]
    state: Option<PathBuf>,
    /// The policy, a directory or a compiled file; if not given, what the manifest mounts at /policy
    #[arg(long, value_name = "DIR|FILE")]
    policy: Option<PathBuf>,
}

impl Place {
    fn manifest(&self) -> Result<Manifest, Failure> {
        let path = match &self.manifest {
            Some(path) => path.clone(),
            None => component::nearest_manifest()?,
        };
        Ok(Manifest::load(&path)?)
    }

    /// The policy.
    pub fn policy(&self) -> Result<Policy, Failure> {
        let directory = match &self.policy {
            Some(directory) => directory.clone(),
            None => mounted_policy(&self.manifest()?)?,
        };
        policy_dir::load(&directory).map(|(_, policy)| policy)
    }

    /// The store, by whatever way there is to it.
    pub async fn open(&self) -> Result<Store, Failure> {
        let state = match named(self.state.clone())? {
            Some(state) => state,
            None => State::Disk(private_directory(&self.manifest()?).join("state")),
        };
        if matches!(state, State::Memory) {
            return Err(Failure::invalid("a state in memory is its gateway's alone")
                .help("run the gateway with a directory or a Redis as --state"));
        }
        connect(&state).await.map(Store)
    }
}

/// The state that the command line or the environment names. An address with a password is better kept from the list
/// of processes, and a secret of systemd's or of an orchestrator's is a file.
pub fn named(argument: Option<PathBuf>) -> Result<Option<State>, Failure> {
    let named = argument.or_else(|| std::env::var_os("SEKISHO_STATE").map(PathBuf::from));
    let named = match (named, std::env::var_os("SEKISHO_STATE_FILE")) {
        (Some(named), _) => named,
        (None, Some(file)) => address_in(Path::new(&file))?,
        (None, None) => return Ok(None),
    };
    // What has a scheme is an address: a slip in it must not become a directory.
    Ok(Some(match named.to_str() {
        Some("memory") => State::Memory,
        Some(url) if url.contains("://") => State::Redis(url.to_owned()),
        _ => State::Disk(named),
    }))
}

fn address_in(file: &Path) -> Result<PathBuf, Failure> {
    let text = input::bounded_file(file, LONGEST_ADDRESS)?;
    match String::from_utf8_lossy(&text).trim() {
        "" => Err(Failure::invalid(format!("{} is empty", file.display())).help(
            "write into it where the state is kept, such as rediss://user:password@host:6379",
        )),
        named => Ok(PathBuf::from(named)),
    }
}

/// The tenant of this name.
pub fn tenant<'p>(policy: &'p Policy, id: &str) -> Result<&'p Tenant, Failure> {
    policy.tenants().iter().find(|tenant| tenant.id().as_str() == id).ok_or_else(|| {
        let known: Vec<&str> =
            policy.tenants().iter().take(10).map(|tenant| tenant.id().as_str()).collect();
        Failure::invalid(format!("the policy has no tenant {id:?}"))
            .help(format!("its tenants are {}", known.join(", ")))
    })
}

async fn connect(state: &State) -> Result<Arc<dyn KeyValue>, Failure> {
    if let State::Disk(directory) = state
        && !directory.join(sekisho_host::STATE_FILE).exists()
    {
        return Err(Failure::invalid(format!("there is no state in {}", directory.display()))
            .help(
                "a gateway makes it when it first starts; give --state as `sekisho up` was told",
            ));
    }
    let until = Instant::now() + PATIENCE;
    loop {
        if let Opened::Store(store) = sekisho_host::open(state)? {
            return Ok(store);
        }
        let State::Disk(directory) = state else {
            return Err(Failure::fault("the store is in use"));
        };
        if let Some(client) = client::connect(directory).await? {
            return Ok(Arc::new(client));
        }
        if Instant::now() > until {
            return Err(Failure::invalid(format!(
                "the state in {} is in use by a process that lets no command in",
                directory.display()
            ))
            .help("end it, or wait until the other command is done"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Where the gateway that has the file lets commands in.
fn door(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// A store, with its failures as the program's.
pub struct Store(Arc<dyn KeyValue>);

impl Store {
    /// The value of a key.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.0.get(key).await.map_err(|error| failed(&error))
    }

    /// The keys with this prefix and their values.
    pub async fn entries(&self, prefix: &str) -> Result<Entries, Failure> {
        self.0.entries(prefix).await.map_err(|error| failed(&error))
    }

    /// Makes all of a tenant's changes with the audit records of them; or none, if one of the records is not what it was
    /// any more.
    pub async fn make(
        &self,
        tenant: &str,
        edits: Vec<Edit>,
        events: &[Event],
    ) -> Result<(), Failure> {
        let change = |Edit { key, was, value }| Change {
            key,
            expected: match was {
                Was::Unknown => Expected::Anything,
                Was::Absent => Expected::Absent,
                Was::Value(value) => Expected::Value(value),
            },
            value,
        };
        let changes: Vec<Change> = edits.into_iter().map(change).collect();
        if changes.is_empty() {
            return Ok(());
        }
        match outbox::change(&*self.0, tenant, changes, events)
            .await
            .map_err(|error| unmade(&error))?
        {
            Ok(()) => Ok(()),
            Err(Conflict(key)) => {
                Err(Failure::fault(format!("somebody else has changed {key} meanwhile"))
                    .help("nothing was changed; run the command again"))
            }
        }
    }
}

fn failed(error: &KeyValueError) -> Failure {
    Failure::fault(format!("the state can't be reached: {error}"))
        .help("see that the store is there, then run the command again")
}

/// A store may make a change and lose the answer.
fn unmade(error: &KeyValueError) -> Failure {
    Failure::fault(format!("whether the state was changed is not known: {error}")).help(
        "all of it was changed or nothing; look, or run the command again, which does no harm",
    )
}
