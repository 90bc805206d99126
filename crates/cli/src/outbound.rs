//! Whether the manifest lets the gateway reach the policy's origins.

use crate::component::GATEWAY;
use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::{KeySource, Tenant};
use sekisho_host::Manifest;
use std::collections::BTreeMap;

/// Makes sure that `allowed_outbound_hosts` covers every origin of the policy, and every issuer that
/// publishes its keys. The host refuses what is not listed anyway, but as a 502 or 503 to a user and
/// not as a sentence to the operator.
pub fn check(manifest: &Manifest, policy: &Policy) -> Result<(), Failure> {
    // By address, so that an issuer of many tenants is named once.
    let mut needed: BTreeMap<String, String> = BTreeMap::new();
    for issuer in policy.tenants().iter().flat_map(Tenant::issuers) {
        if let KeySource::Published { at, .. } = issuer.keys() {
            needed.insert(at.address().origin(), format!("the issuer {:?}", issuer.name()));
        }
    }
    for origin in policy.origins() {
        needed.insert(origin.url(), format!("the origin {:?}", origin.id()));
    }
    let mut missing: Vec<(String, String)> = Vec::new();
    for (url, what) in needed {
        if !manifest.allows_outbound(GATEWAY, &url)? {
            missing.push((url, what));
        }
    }
    let Some((url, what)) = missing.first() else {
        return Ok(());
    };
    let urls: Vec<String> = missing.iter().map(|(url, _)| format!("{url:?}")).collect();
    Err(Failure::invalid(format!(
        "{} does not let the gateway reach {what} at {url}",
        manifest.path().display(),
    ))
    .help(format!("add {} to allowed_outbound_hosts under [component.{GATEWAY}]", urls.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_dir;
    use std::fs;
    use std::path::Path;

    /// A manifest that allows these hosts.
    fn manifest(hosts: &str) -> (tempfile::TempDir, Manifest) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spin.toml");
        let text = format!(
            "spin_manifest_version = 2\napplication = {{ name = \"a\" }}\n\
             [component.gateway]\nsource = \"a.wasm\"\nallowed_outbound_hosts = {hosts}\n"
        );
        fs::write(&path, text).unwrap();
        let manifest = Manifest::load(&path).unwrap();
        (directory, manifest)
    }

    /// What is named of what the policy needs and these hosts do not allow.
    fn told(policy: &Policy, hosts: &str) -> Option<String> {
        let (_directory, manifest) = manifest(hosts);
        check(&manifest, policy).err().map(|failure| format!("{failure:?}"))
    }

    #[test]
    fn an_issuer_that_publishes_its_keys_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = policy_dir::read(&root.join("policy")).unwrap();
        let acme = String::from_utf8(files["tenants/acme.toml"].clone()).unwrap();
        let published = acme.replace(
            "jwks_file = \"keys/demo.jwks.json\"",
            "jwks_url = \"https://keys.example:8443/jwks\"",
        );
        assert_ne!(acme, published);
        files.insert("tenants/acme.toml".into(), published.into());
        let policy = sekisho_core::policy::load(&files).unwrap();
        for (hosts, covered) in [
            (
                "[\"http://127.0.0.1:3480\", \"http://admin.spin.internal\", \"https://keys.example:8443\"]",
                true,
            ),
            (
                "[\"http://127.0.0.1:3480\", \"http://admin.spin.internal\", \"https://keys.example\"]",
                false,
            ),
            ("[\"http://127.0.0.1:3480\", \"http://admin.spin.internal\"]", false),
        ] {
            let told = told(&policy, hosts);
            assert_eq!(told.is_none(), covered, "{hosts}");
            assert!(told.is_none_or(|told| told.contains("https://keys.example:8443")), "{hosts}");
        }
    }

    #[test]
    fn an_origin_that_is_not_listed_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (_, policy) = policy_dir::load(&root.join("policy")).unwrap();
        for (hosts, covered) in [
            ("[\"http://127.0.0.1:3480\", \"http://admin.spin.internal\"]", true),
            (
                "[\"http://127.0.0.1:3480/\", \"http://admin.spin.internal\", \"https://other\"]",
                true,
            ),
            ("[\"http://127.0.0.1:*\", \"http://admin.spin.internal\"]", true),
            ("[\"http://127.0.0.1:4000..5000\"]", false),
            ("[\"https://*:*\"]", false),
            ("[\"http://127.0.0.1:3481\"]", false),
            ("[\"https://127.0.0.1:3480\"]", false),
            ("[]", false),
        ] {
            let told = told(&policy, hosts);
            assert_eq!(told.is_none(), covered, "{hosts}");
            let is_named =
                |told: String| told.contains("http://127.0.0.1:3480") && told.contains("assistant");
            assert!(told.is_none_or(is_named), "{hosts}");
        }
    }
}
