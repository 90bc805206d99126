//! A certificate authority for development.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::kv::private_directory;
use crate::{HostError, clock};

const DAY: Duration = Duration::from_hours(24);
const CA_LIFE: Duration = Duration::from_hours(10 * 365 * 24);
const LEAF_LIFE: Duration = Duration::from_hours(30 * 24);

/// A certificate authority that issues certificates for development hosts.
pub struct DevCa {
    certificate: CertificateDer<'static>,
    path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl DevCa {
    /// Loads the authority from `ca.pem` and `ca.key` in `directory`, or creates it there; the key is readable for
    /// its owner only. A client that trusts `ca.pem` trusts every certificate issued later.
    pub fn load_or_create(directory: &Path) -> Result<Self, HostError> {
        private_directory(directory)?;
        // Two programs that start at once must not each write half of a pair.
        let lock_path = directory.join("lock");
        let lock = File::create(&lock_path).map_err(|error| cannot("write", &lock_path, &error))?;
        lock.lock().map_err(|error| cannot("lock", &lock_path, &error))?;
        let path = directory.join("ca.pem");
        let key_path = directory.join("ca.key");
        let key = match std::fs::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem).map_err(|_| damaged(&key_path))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Self::create(path, &key_path);
            }
            Err(error) => return Err(cannot("read", &key_path, &error)),
        };
        let certificate = CertificateDer::from_pem_file(&path).map_err(|_| damaged(&path))?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| damaged(&path))?;
        Ok(Self { certificate, path, issuer })
    }

    fn create(path: PathBuf, key_path: &Path) -> Result<Self, HostError> {
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Sekisho development CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = (clock::now() - DAY).into();
        params.not_after = (clock::now() + CA_LIFE).into();
        let certificate = params.self_signed(&key).map_err(|error| failed(&error))?;
        // The key comes last: its presence says that the pair is complete.
        write(&path, certificate.pem().as_bytes(), 0o644)?;
        write(key_path, key.serialize_pem().as_bytes(), 0o600)?;
        Ok(Self { certificate: certificate.der().clone(), path, issuer: Issuer::new(params, key) })
    }

    /// The authority's certificate file, for clients to trust.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A certificate chain and key for `names` (host names, wildcards, addresses), valid for 30 days.
    pub fn issue(
        &self,
        names: &[String],
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), HostError> {
        let mut params = CertificateParams::new(names).map_err(|error| {
            HostError::new(format!("no certificate can be made for these names: {error}")).help(
                "Names are host names in ASCII, wildcards such as *.localhost, or IP addresses",
            )
        })?;
        params.distinguished_name.push(DnType::CommonName, "Sekisho development");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = (clock::now() - DAY).into();
        params.not_after = (clock::now() + LEAF_LIFE).into();
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let leaf = params.signed_by(&key, &self.issuer).map_err(|error| failed(&error))?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|reason| HostError::new(format!("the generated key is unusable: {reason}")))?;
        Ok((vec![leaf.der().clone(), self.certificate.clone()], key))
    }
}

fn write(path: &Path, text: &[u8], mode: u32) -> Result<(), HostError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
        .open(path)
        .and_then(|mut file| file.write_all(text))
        .map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> HostError {
    HostError::new(format!("cannot {what} {}: {error}", path.display()))
}

fn damaged(path: &Path) -> HostError {
    HostError::new(format!("{} is damaged", path.display())).help(
        "Remove ca.pem and ca.key to have a new development authority made, and trust that one",
    )
}

fn failed(error: &rcgen::Error) -> HostError {
    HostError::new(format!("cannot make a development certificate: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls_pki_types::{ServerName, UnixTime};

    use super::*;

    fn accepts(
        ca: &CertificateDer<'static>,
        chain: &[CertificateDer<'static>],
        name: &'static str,
        at: UnixTime,
    ) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots.into(), crate::tls::provider())
                .build()
                .unwrap();
        let name = ServerName::try_from(name).unwrap();
        verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], at).is_ok()
    }

    #[test]
    fn the_authority_persists_and_its_leaves_verify() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let first = DevCa::load_or_create(&state).unwrap();
        let again = DevCa::load_or_create(&state).unwrap();
        assert_eq!(first.certificate(), again.certificate());
        let mode = |name: &str| state.join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("ca.key")), (0o700, 0o600));
        let names =
            ["*.dev.localhost", "*.localhost", "acme.localhost", "127.0.0.1"].map(str::to_owned);
        let (chain, _) = again.issue(&names).unwrap();
        let now = UnixTime::now();
        for name in ["acme.localhost", "other.dev.localhost", "127.0.0.1"] {
            assert!(accepts(first.certificate(), &chain, name, now), "{name}");
        }
        // webpki takes no wildcard right below a top-level domain, which is why exact names are given too.
        for name in ["example.com", "other.localhost"] {
            assert!(!accepts(first.certificate(), &chain, name, now), "{name}");
        }
        let month =
            UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + LEAF_LIFE + DAY);
        assert!(!accepts(first.certificate(), &chain, "acme.localhost", month));
        let stranger = DevCa::load_or_create(&directory.path().join("other")).unwrap();
        assert!(!accepts(stranger.certificate(), &chain, "acme.localhost", now));
    }

    #[test]
    fn damage_is_named() {
        let directory = tempfile::tempdir().unwrap();
        DevCa::load_or_create(directory.path()).unwrap();
        std::fs::write(directory.path().join("ca.key"), "x").unwrap();
        let error = DevCa::load_or_create(directory.path()).err().unwrap().to_string();
        assert!(error.contains("ca.key is damaged"), "{error}");
    }
}
