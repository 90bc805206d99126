//! `sekisho compile`: the one file that is deployed.

use crate::exit::Exit;
use crate::policy_dir;
use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::deployed;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  sekisho compile policy -o deploy/policy.sekisho
  sekisho check deploy/policy.sekisho               is it whole, and what is its digest?
  sekisho up --policy deploy/policy.sekisho

To deploy it, mount the directory it stands in, with nothing else in it:
  files = [{ source = \"deploy\", destination = \"/policy\" }]

Exit codes: 0 written, 2 the policy is not sound.";

/// Write a policy as the one file that is deployed.
///
/// Checks the policy first. A gateway reads of the file only the tenant that a request is for, so
/// that its start costs the same however many tenants there are, and verifies what it reads. The
/// digest is the one that the policy's directory has.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Compile {
    /// The policy directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Where to write; a file that is there is replaced in one step
    #[arg(short, long, value_name = "FILE", default_value = deployed::FILE)]
    output: PathBuf,
    /// Print what was written as one JSON object
    #[arg(long)]
    json: bool,
}

impl Compile {
    /// Compiles the policy.
    pub fn run(self) -> Result<Exit, Failure> {
        let (_, policy) = policy_dir::load(&self.directory)?;
        let bytes = deployed::compile(&policy).map_err(|why| Failure::invalid(why.to_string()))?;
        let folder = match self.output.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if is_same(folder, &self.directory) {
            return Err(Failure::invalid(format!(
                "{} would stand beside the files that it is made of",
                self.output.display()
            ))
            .help("write it elsewhere: sekisho compile policy -o deploy/policy.sekisho"));
        }
        replace(&self.output, folder, &bytes, mode(&policy)).map_err(|error| {
            Failure::invalid(format!("cannot write {}: {error}", self.output.display()))
        })?;
        super::print(&self.summary(&policy, bytes.len()))?;
        Ok(Exit::Success)
    }

    fn summary(&self, policy: &Policy, bytes: usize) -> String {
        let (file, tenants) = (self.output.display(), policy.tenants().len());
        let hosts: usize = policy.tenants().iter().map(|tenant| tenant.hosts().len()).sum();
        let digest = policy.digest();
        if self.json {
            let file = file.to_string();
            let object = serde_json::json!({
                "file": file, "digest": digest, "bytes": bytes, "tenants": tenants, "hosts": hosts,
            });
            return format!("{object}\n");
        }
        let plural = if tenants == 1 { "" } else { "s" };
        format!("{file}: {tenants} tenant{plural}, {bytes} bytes, digest {digest}\n")
    }
}

/// Whoever runs a gateway must be able to read its policy, and nobody else the secrets in one.
fn mode(policy: &Policy) -> u32 {
    if policy.holds_secrets() { 0o600 } else { 0o644 }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

/// Writes beside the target and renames, so that a gateway that starts meanwhile finds the old
/// file or the new one, whole.
fn replace(target: &Path, folder: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut staged = tempfile::NamedTempFile::new_in(folder)?;
    staged.write_all(bytes)?;
    staged.as_file().set_permissions(Permissions::from_mode(mode))?;
    staged.as_file().sync_all()?;
    staged.persist(target)?;
    Ok(())
}
