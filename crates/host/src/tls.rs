//! Certificates and TLS settings of listeners.

mod dev;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use self::dev::DevCa;
use crate::HostError;

/// TLS 1.3 and 1.2; what is older is broken (RFC 8996).
pub(crate) const VERSIONS: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// Where a listener's certificate comes from.
#[derive(Debug, Clone)]
pub enum Tls {
    /// PEM files: the certificate chain, leaf first, and its private key.
    Files {
        /// The certificate chain.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// A fresh certificate of the development authority.
    Dev {
        /// The directory in which the authority is kept; see [`DevCa::load_or_create`].
        directory: PathBuf,
        /// Host names and addresses the certificate is for. A wildcard such as `*.localhost` is not enough for every
        /// client: give exact names too.
        names: Vec<String>,
    },
}

/// TLS to origins.
#[derive(Debug, Clone, Default)]
pub struct OriginTls {
    /// A PEM file of certificate authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of the certificate chain and the key that are shown to origins that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    pub(crate) fn server_config(&self) -> Result<ServerConfig, HostError> {
        let (chain, key) = match self {
            Self::Files { certificate, key } => (read_certificates(certificate)?, read_key(key)?),
            Self::Dev { directory, names } => DevCa::load_or_create(directory)?.issue(names)?,
        };
        let wrong = |error: rustls::Error| match self {
            Self::Files { certificate, key } => HostError::new(format!(
                "the certificate {} and the key {} cannot be used together: {error}",
                certificate.display(),
                key.display()
            )),
            Self::Dev { .. } => {
                HostError::new(format!("the development certificate cannot be used: {error}"))
            }
        };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(wrong)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(wrong)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(wrong)?;
        Ok(config)
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates in a PEM file; none is an error.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HostError> {
    let wrong = |reason: String| {
        HostError::new(format!("cannot read certificates from {}: {reason}", path.display()))
            .help("Give a PEM file with BEGIN CERTIFICATE sections")
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| wrong(pem_reason(&error)))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(pem_reason(&error)))?;
    if certificates.is_empty() {
        return Err(wrong("it has no certificate".to_owned()));
    }
    Ok(certificates)
}

pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, HostError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        HostError::new(format!(
            "cannot read a private key from {}: {}",
            path.display(),
            pem_reason(&error)
        ))
        .help("Give a PEM file with a BEGIN PRIVATE KEY section")
    })
}

fn pem_reason(error: &rustls_pki_types::pem::Error) -> String {
    use rustls_pki_types::pem::Error;
    match error {
        Error::NoItemsFound => "it has no such section".to_owned(),
        Error::Io(error) => error.to_string(),
        // Other variants quote the file, which may hold a key.
        _ => "it is not valid PEM".to_owned(),
    }
}
