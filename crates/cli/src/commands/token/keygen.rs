//! `sekisho token keygen`: a key pair in two files.

use super::Algorithm;
use crate::commands::print;
use crate::exit::Exit;
use crate::report::Failure;
use sekisho_testing::issuer::{Issuer, SigningKey};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Make a key pair: a private key as PEM and its public part as a JWK Set.
///
/// Neither file may be there already: a key that was overwritten can't be had back.
#[derive(Debug, clap::Args)]
pub(super) struct Keygen {
    /// The signature algorithm
    #[arg(long, value_name = "ALG", default_value = "ES256", ignore_case = true)]
    alg: Algorithm,
    /// The key's identifier, which stands in the header of each token
    #[arg(long, value_name = "ID")]
    kid: String,
    /// Where to write the private key (PKCS #8, readable for you alone)
    #[arg(long, value_name = "KEY.pem")]
    out: PathBuf,
    /// Where to write the public key, for a policy's keys/ directory
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
}

impl Keygen {
    /// Makes the pair.
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let failed = |error: sekisho_testing::issuer::KeyError| Failure::fault(error.to_string());
        let key = SigningKey::generate(self.alg.into(), &self.kid).map_err(failed)?;
        let pem = key.to_pem().map_err(failed)?;
        let set = format!("{:#}\n", Issuer::new("", vec![key]).jwks());
        create(&self.jwks, 0o644, set.as_bytes())?;
        if let Err(failure) = create(&self.out, 0o600, pem.as_bytes()) {
            // A public key without its private one is of no use; its file was made just now.
            let _ = fs::remove_file(&self.jwks);
            return Err(failure);
        }
        print(&format!(
            "private key: {}\npublic key set: {}\n",
            self.out.display(),
            self.jwks.display()
        ))?;
        Ok(Exit::Success)
    }
}

fn create(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::invalid(format!("{} exists already", path.display()))
                .help("name another file, or remove this one first")
        }
        _ => Failure::invalid(format!("cannot write {}: {error}", path.display())),
    })
}
