//! A throwaway certification authority and the TLS settings of the doubles.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// ALPN identifier of HTTP/2 over TLS (RFC 9113 section 3.2).
pub const H2: &[u8] = b"h2";
/// ALPN identifier of HTTP/1.1 (RFC 7301 section 6).
pub const HTTP_1_1: &[u8] = b"http/1.1";

/// An authority whose key lives as long as this value. Nobody but a test should trust it: its
/// certificates are valid for centuries, so that no test depends on the date.
pub struct Pki {
    issuer: Issuer<'static, KeyPair>,
    ca_pem: String,
}

/// A server certificate with its key, both PEM.
pub struct Leaf {
    /// The certificate, signed by the authority itself.
    pub cert_pem: String,
    /// The private key, PKCS #8.
    pub key_pem: String,
}

impl Pki {
    /// Makes an authority with a fresh ECDSA P-256 key.
    pub fn new() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Sekisho throwaway test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), ca_pem })
    }

    /// The authority's certificate, for a client's trust store.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Issues a server certificate for DNS names and IP addresses.
    ///
    /// A wildcard needs two labels after it: rustls, like browsers, refuses `*.localhost`, so name
    /// each host below `localhost`.
    pub fn issue(&self, names: &[&str]) -> io::Result<Leaf> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "Sekisho test double");
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let cert = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Leaf { cert_pem: cert.pem(), key_pem: key.serialize_pem() })
    }

    /// Server settings for `names` that offer `alpn` in this order of preference.
    pub fn server_config(&self, names: &[&str], alpn: &[&[u8]]) -> io::Result<Arc<ServerConfig>> {
        let leaf = self.issue(names)?;
        server_config(&leaf.cert_pem, &leaf.key_pem, alpn)
    }

    /// The same, for clients that show a certificate of this authority.
    pub fn mutual_server_config(
        &self,
        names: &[&str],
        alpn: &[&[u8]],
    ) -> io::Result<Arc<ServerConfig>> {
        let leaf = self.issue(names)?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca_pem)? {
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(io::Error::other)?;
        let key =
            PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes()).map_err(io::Error::other)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates(&leaf.cert_pem)?, key)
            .map_err(io::Error::other)?;
        config.alpn_protocols = owned(alpn);
        Ok(Arc::new(config))
    }

    /// Client settings that trust this authority alone.
    pub fn client_config(&self, alpn: &[&[u8]]) -> io::Result<Arc<ClientConfig>> {
        client_config(&self.ca_pem, alpn)
    }
}

/// TLS 1.2 and 1.3 server settings from a PEM chain and its key.
pub fn server_config(
    chain_pem: &str,
    key_pem: &str,
    alpn: &[&[u8]],
) -> io::Result<Arc<ServerConfig>> {
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(io::Error::other)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(certificates(chain_pem)?, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = owned(alpn);
    Ok(Arc::new(config))
}

/// TLS 1.2 and 1.3 client settings that trust the certificates of `ca_pem` alone.
pub fn client_config(ca_pem: &str, alpn: &[&[u8]]) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca_pem)? {
        roots.add(certificate).map_err(io::Error::other)?;
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = owned(alpn);
    Ok(Arc::new(config))
}

/// Named, not taken from the process: a test must not depend on which crate installed one first.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(pem: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(io::Error::other)?;
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the PEM holds no certificate"));
    }
    Ok(found)
}

fn owned(alpn: &[&[u8]]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.to_vec()).collect()
}
