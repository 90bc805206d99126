//! What stands around the gateway in the demo: the assistant service and the issuer.

use crate::policy_dir;
use crate::report::Failure;
use rustls::ServerConfig;
use sekisho_core::Policy;
use sekisho_core::policy::Tenant;
use sekisho_host::tls::DevCa;
use sekisho_testing::issuer::{Algorithm, Issuer, IssuerServer, KeyError, SigningKey};
use sekisho_testing::origin::{Origin, OriginOptions};
use sekisho_testing::server::Listen;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// The key set that every tenant of the example policy names.
const KEY_SET: &str = "keys/demo.jwks.json";

/// The running doubles; dropping them closes their ports.
pub(super) struct Doubles {
    origin: Origin,
    issuer: Issuer,
    _issuer_server: IssuerServer,
}

impl Doubles {
    /// Starts them where the example policy expects them, and writes that policy with the issuer's
    /// fresh keys to `staged`.
    pub(super) async fn start(
        example: &Path,
        staged: &Path,
        authority: &Path,
    ) -> Result<Self, Failure> {
        let (mut files, policy) = policy_dir::load(example)?;
        let keys = keys().map_err(|error| Failure::fault(error.to_string()))?;
        let name = issuer_name(&policy)?;
        let issuer = Issuer::new(&name, keys.clone());
        files.insert(KEY_SET.to_owned(), format!("{:#}\n", issuer.jwks()).into_bytes());
        policy_dir::write(staged, &files).map_err(|error| {
            Failure::fault(format!("cannot write the policy to {}: {error}", staged.display()))
        })?;
        let origin = OriginOptions::from(Listen::default().on(origin_addr(&policy)?));
        let origin = Origin::start(origin).await.map_err(|error| taken(&error))?;
        let tls = issuer_tls(authority, &name)?;
        let listen = Listen::tls(tls).on(loopback(&name)?);
        let server = IssuerServer::start(listen, keys).await.map_err(|error| taken(&error))?;
        Ok(Self { origin, issuer, _issuer_server: server })
    }

    /// Who signs the demo's tokens.
    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Where the assistant service is, without the gateway in front of it.
    pub(super) fn origin_url(&self) -> String {
        self.origin.url()
    }
}

/// The first signs; the second shows that a set may have several, of several kinds.
fn keys() -> Result<Vec<SigningKey>, KeyError> {
    Ok(vec![
        SigningKey::generate(Algorithm::ES256, "demo-es256")?,
        SigningKey::generate(Algorithm::EdDSA, "demo-eddsa")?,
    ])
}

fn issuer_name(policy: &Policy) -> Result<String, Failure> {
    policy
        .tenants()
        .iter()
        .flat_map(Tenant::issuers)
        .map(|issuer| issuer.name().to_owned())
        .next()
        .ok_or_else(|| unlike("no tenant has an issuer"))
}

fn origin_addr(policy: &Policy) -> Result<SocketAddr, Failure> {
    policy
        .origin("assistant")
        .and_then(|origin| origin.authority().parse().ok())
        .ok_or_else(|| unlike("it has no origin \"assistant\" at an address of this machine"))
}

/// The port of a URL, on this machine whatever its host is called.
fn loopback(url: &str) -> Result<SocketAddr, Failure> {
    url.rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok())
        .map(|port| (Ipv4Addr::LOCALHOST, port).into())
        .ok_or_else(|| unlike("its issuer names no port"))
}

fn issuer_tls(authority: &Path, name: &str) -> Result<Arc<ServerConfig>, Failure> {
    let host = name.strip_prefix("https://").unwrap_or(name);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (chain, key) = DevCa::load_or_create(authority)?.issue(&[host.to_owned()])?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map(Arc::new)
        .map_err(|error| Failure::fault(format!("the issuer's certificate can't be used: {error}")))
}

fn unlike(why: &str) -> Failure {
    Failure::invalid(format!("the demo needs the repository's example policy: {why}"))
        .help("git checkout policy brings it back; sekisho up runs any policy")
}

fn taken(error: &io::Error) -> Failure {
    Failure::invalid(error.to_string())
        .help("the example policy names this port; end the program that listens there")
}
