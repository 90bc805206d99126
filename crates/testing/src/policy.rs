//! Writes a policy directory for a test.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;

/// A policy directory in a temporary place, removed when dropped.
///
/// The texts are written as they are given, whether a policy would accept them or not. A file is
/// replaced in one step, so a gateway that reads at the same time sees the old text or the new.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let policy = sekisho_testing::policy::PolicyDir::new()?;
/// policy.gateway("# edge, limits, origins, routes")?.tenant("acme", "hosts = [\"acme.localhost\"]")?;
/// assert!(policy.path().join("tenants/acme.toml").is_file());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PolicyDir {
    root: TempDir,
    path: PathBuf,
}

impl PolicyDir {
    /// An empty policy directory.
    pub fn new() -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("sekisho-policy-").tempdir()?;
        let path = root.path().join("policy");
        fs::create_dir(&path)?;
        Ok(Self { root, path })
    }

    /// Where the policy is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `gateway.toml`.
    pub fn gateway(&self, toml: &str) -> io::Result<&Self> {
        self.write("gateway.toml", toml)
    }

    /// Writes `tenants/<id>.toml`.
    pub fn tenant(&self, id: &str, toml: &str) -> io::Result<&Self> {
        self.write(format!("tenants/{id}.toml"), toml)
    }

    /// Writes `keys/<name>.jwks.json`.
    pub fn key_set(&self, name: &str, jwks: &serde_json::Value) -> io::Result<&Self> {
        self.write(format!("keys/{name}.jwks.json"), &format!("{jwks:#}\n"))
    }

    /// Writes any file below the policy directory.
    ///
    /// # Errors
    /// What the file system says, or that `relative` leads out of the directory.
    pub fn write(&self, relative: impl AsRef<Path>, text: &str) -> io::Result<&Self> {
        let target = self.resolve(relative.as_ref())?;
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let staged = tempfile::NamedTempFile::new_in(self.root.path())?;
        fs::write(staged.path(), text)?;
        staged.persist(&target).map_err(|e| e.error)?;
        Ok(self)
    }

    /// Removes a file below the policy directory.
    pub fn remove(&self, relative: impl AsRef<Path>) -> io::Result<&Self> {
        fs::remove_file(self.resolve(relative.as_ref())?)?;
        Ok(self)
    }

    fn resolve(&self, relative: &Path) -> io::Result<PathBuf> {
        if relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(self.path.join(relative));
        }
        let what = format!("{} leads out of the policy directory", relative.display());
        Err(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_land_where_the_policy_expects_them_and_go_with_it() {
        let policy = PolicyDir::new().unwrap();
        policy.gateway("one").unwrap().gateway("two").unwrap();
        policy.tenant("acme", "t").unwrap();
        policy.key_set("idp", &serde_json::json!({"keys": []})).unwrap();
        let path = policy.path().to_owned();
        assert_eq!(fs::read_to_string(path.join("gateway.toml")).unwrap(), "two");
        assert_eq!(fs::read_to_string(path.join("tenants/acme.toml")).unwrap(), "t");
        assert!(fs::read_to_string(path.join("keys/idp.jwks.json")).unwrap().contains("keys"));
        policy.remove("tenants/acme.toml").unwrap();
        assert_eq!(fs::read_dir(path.join("tenants")).unwrap().count(), 0);
        drop(policy);
        assert!(!path.exists());
    }

    #[test]
    fn a_name_that_leads_out_is_refused() {
        let policy = PolicyDir::new().unwrap();
        let error = policy.tenant("../../escape", "").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(policy.write("/etc/escape", "").is_err());
    }
}
