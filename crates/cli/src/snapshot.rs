//! A checked copy of a policy, compiled, which no edit reaches.

use crate::policy_dir;
use crate::report::{Failure, line};
use sekisho_core::Policy;
use sekisho_core::policy::Files;
use sekisho_core::policy::deployed::{FILE, compile};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A private directory with a policy that was found sound, compiled; removed when dropped.
///
/// The gateway's instances read it whenever they start. If they read the operator's directory
/// instead, half of an edit could come into force, and one instance could judge by another policy
/// than the next.
#[derive(Debug)]
pub struct Snapshot {
    directory: TempDir,
    policy: Arc<Policy>,
    warnings: Vec<String>,
}

impl Snapshot {
    /// Reads and checks a policy, and writes its compiled form to a directory below `parent` that nobody
    /// but its owner may enter: whoever can write the copy writes the policy.
    pub fn take(directory: &Path, parent: &Path) -> Result<Self, Failure> {
        let (files, policy, warnings) = policy_dir::check(directory)?;
        let warnings = warnings.iter().map(|warning| line(directory, &files, warning)).collect();
        let compiled = compile(&policy).map_err(|why| Failure::invalid(why.to_string()))?;
        let files = Files::from([(FILE.to_owned(), compiled)]);
        let owner_only = Permissions::from_mode(0o700);
        let copy = fs::create_dir_all(parent)
            .and_then(|()| {
                tempfile::Builder::new()
                    .prefix("policy-")
                    .permissions(owner_only)
                    .tempdir_in(parent)
            })
            .map_err(|error| {
                Failure::invalid(format!(
                    "cannot make a directory for the policy in {}: {error}",
                    parent.display()
                ))
            })?;
        policy_dir::write(copy.path(), &files).map_err(|error| {
            Failure::fault(format!("cannot copy the policy to {}: {error}", copy.path().display()))
        })?;
        Ok(Self { directory: copy, policy: Arc::new(policy), warnings })
    }

    /// Where the copy is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What is dangerous in it, a line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What it says.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The same, for those who outlive the copy.
    pub fn shared_policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_does_not_reach_it() {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
        let edited = tempfile::tempdir().unwrap();
        policy_dir::write(edited.path(), &policy_dir::read(&policy).unwrap()).unwrap();
        let parent = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::take(edited.path(), parent.path()).unwrap();
        let mode = fs::metadata(snapshot.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::write(edited.path().join("gateway.toml"), "not even TOML [").unwrap();
        let (_, copied) = policy_dir::load(snapshot.path()).unwrap();
        assert_eq!(copied.digest(), snapshot.policy().digest());
        assert!(Snapshot::take(edited.path(), parent.path()).is_err());
    }
}
