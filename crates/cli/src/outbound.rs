//! Whether the manifest lets the gateway reach the policy's origins.

use crate::component::GATEWAY;
use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::Origin;
use sekisho_host::Manifest;

/// Makes sure that `allowed_outbound_hosts` covers every origin of the policy. The host refuses
/// what is not listed anyway, but as a 502 to a user and not as a sentence to the operator.
pub fn check(manifest: &Manifest, policy: &Policy) -> Result<(), Failure> {
    let mut missing: Vec<&Origin> = Vec::new();
    for origin in policy.origins() {
        if !manifest.allows_outbound(GATEWAY, &origin.url())? {
            missing.push(origin);
        }
    }
    missing.sort_by_key(|origin| origin.id());
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let urls: Vec<String> = missing.iter().map(|origin| format!("{:?}", origin.url())).collect();
    Err(Failure::invalid(format!(
        "{} does not let the gateway reach the origin {:?} at {}",
        manifest.path().display(),
        first.id(),
        first.url()
    ))
    .help(format!("add {} to allowed_outbound_hosts under [component.{GATEWAY}]", urls.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_dir;
    use std::fs;
    use std::path::Path;

    #[test]
    fn an_origin_that_is_not_listed_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let (_, policy) = policy_dir::load(&root.join("policy")).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spin.toml");
        for (hosts, covered) in [
            ("[\"http://127.0.0.1:3480\"]", true),
            ("[\"http://127.0.0.1:3480/\", \"https://other\"]", true),
            ("[\"http://127.0.0.1:*\"]", true),
            ("[\"http://127.0.0.1:4000..5000\"]", false),
            ("[\"https://*:*\"]", false),
            ("[\"http://127.0.0.1:3481\"]", false),
            ("[\"https://127.0.0.1:3480\"]", false),
            ("[]", false),
        ] {
            let text = format!(
                "spin_manifest_version = 2\napplication = {{ name = \"a\" }}\n\
                 [component.gateway]\nsource = \"a.wasm\"\nallowed_outbound_hosts = {hosts}\n"
            );
            fs::write(&path, text).unwrap();
            let checked = check(&Manifest::load(&path).unwrap(), &policy);
            assert_eq!(checked.is_ok(), covered, "{hosts}");
            if let Err(failure) = checked {
                let shown = format!("{failure:?}");
                assert!(
                    shown.contains("http://127.0.0.1:3480") && shown.contains("assistant"),
                    "{shown}"
                );
            }
        }
    }
}
