//! Of which tenant a command is, and what its records say.

use crate::report::{Failure, say};
use crate::store::{self, Place, Store};
use crate::text::printable;
use jiff::Timestamp;
use sekisho_core::Policy;
use sekisho_core::policy::Directory;
use sekisho_core::records::key;
use sekisho_directory::edit::{TooLarge, Unreadable};
use sekisho_directory::sessions::Sessions;
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

    /// One user, with his sessions and revocation: whatever is wrong with the records of others.
    pub(super) async fn user(&self, store: &Store, subject: &str) -> Result<Tenant, Failure> {
        let [_, sessions, seen, _] = prefixes(&self.tenant);
        let one = async |key: String| {
            Ok::<_, Failure>(store.get(&key).await?.map(|value| (key, value)).into_iter().collect())
        };
        let read = Read {
            users: one(key::user(&self.tenant, subject)).await?,
            sessions: store.entries(&sessions).await?,
            seen: store.entries(&seen).await?,
            revoked: one(key::revoked_subject(&self.tenant, subject)).await?,
        };
        Tenant::read(&self.tenant, read).map_err(|all| unreadable(&all))
    }

    /// The sessions alone.
    pub(super) async fn sessions(&self, store: &Store) -> Result<Sessions, Failure> {
        let [_, sessions, seen, _] = prefixes(&self.tenant);
        let (sessions, seen) = (store.entries(&sessions).await?, store.entries(&seen).await?);
        let (sessions, unreadable) = Sessions::read(&self.tenant, sessions, seen);
        for one in unreadable.iter().take(5) {
            say(format_args!("warning: the record {}", printable(&one.to_string())));
        }
        Ok(sessions)
    }

    /// Says what of a change no gateway would look at.
    pub(super) fn warn(&self, policy: &Policy) {
        let tenant = policy.tenants().iter().find(|one| one.id().as_str() == self.tenant);
        let is_off = tenant.is_some_and(|tenant| tenant.directory() == Directory::Off);
        let who = &self.tenant;
        match (is_off, policy.checks_revocation()) {
            (false, _) => {}
            (true, true) => say(format_args!(
                "warning: the policy of {who} has directory = \"off\": roles and groups are the token's; only \
                 who is suspended or has left is shut out"
            )),
            (true, false) => say(format_args!(
                "warning: the policy of {who} has directory = \"off\" and revocation = false: no gateway looks \
                 at any of this"
            )),
        }
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
    .help(
        "the gateway refuses whoever needs one; mend or remove them (docs/state.md). \
             Without them, sekisho revoke --for-good shuts a user out",
    )
}

/// Now, in seconds since 1970.
pub(super) fn now() -> i64 {
    Timestamp::now().as_second()
}

/// A record that no gateway would read.
pub(super) fn too_large(error: &TooLarge) -> Failure {
    Failure::invalid(error.to_string()).help("nothing was changed; shorten it")
}
