//! Of which tenant a command is, and what its records say.

use crate::report::Failure;
use crate::store::{self, Place, Store};
use jiff::Timestamp;
use sekisho_core::Policy;
use sekisho_directory::edit::{TooLarge, Unreadable};
use sekisho_directory::tenant::{Read, Tenant, prefixes};

/// Of which tenant, and where its records are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Of {
    /// Whose
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: String,
    #[command(flatten)]
    place: Place,
}

impl Of {
    /// The policy, which has the tenant, and the store.
    pub(super) async fn open(&self) -> Result<(Policy, Store), Failure> {
        let policy = self.place.policy()?;
        store::tenant(&policy, &self.tenant)?;
        Ok((policy, self.place.open().await?))
    }

    /// The tenant's users, their sessions and revocations.
    pub(super) async fn users(&self, store: &Store) -> Result<Tenant, Failure> {
        let [users, sessions, seen, revoked] = prefixes(&self.tenant);
        let read = Read {
            users: store.entries(&users).await?,
            sessions: store.entries(&sessions).await?,
            seen: store.entries(&seen).await?,
            revoked: store.entries(&revoked).await?,
        };
        Tenant::read(&self.tenant, read).map_err(|all| unreadable(&all))
    }
}

/// Records that nobody can read: the gateway refuses whoever needs one.
pub(super) fn unreadable(all: &[Unreadable]) -> Failure {
    let named: Vec<String> = all.iter().take(5).map(ToString::to_string).collect();
    let more = all.len().saturating_sub(named.len());
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    Failure::invalid(format!(
        "the state has records that can't be read: {}{more}",
        named.join("; ")
    ))
    .help("the gateway refuses whoever needs one; mend or remove them (docs/state.md)")
}

/// Now, in seconds since 1970.
pub(super) fn now() -> i64 {
    Timestamp::now().as_second()
}

/// A record that no gateway would read.
pub(super) fn too_large(error: &TooLarge) -> Failure {
    Failure::invalid(error.to_string()).help("nothing was changed; shorten it")
}
