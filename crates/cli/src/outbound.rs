//! Whether the manifest lets the gateway reach the policy's origins.

use crate::component::GATEWAY;
use crate::report::Failure;
use sekisho_core::Policy;
use sekisho_core::policy::Origin;
use sekisho_host::Manifest;
use std::fs;

/// Makes sure that `allowed_outbound_hosts` covers every origin of the policy. The host refuses
/// what is not listed anyway, but as a 502 to a user and not as a sentence to the operator.
///
/// Only a list of plain addresses is judged: what a pattern or a variable covers is for the host,
/// which enforces it, to say.
pub fn check(manifest: &Manifest, policy: &Policy) -> Result<(), Failure> {
    let Some(allowed) = plain_hosts(manifest) else {
        return Ok(());
    };
    let mut missing: Vec<&Origin> =
        policy.origins().filter(|origin| !allowed.contains(&normal(&origin.url()))).collect();
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

/// The gateway's allowed hosts in normal form, or nothing if one of them is not a plain address.
fn plain_hosts(manifest: &Manifest) -> Option<Vec<String>> {
    let text = fs::read_to_string(manifest.path()).ok()?;
    let document: toml::Table = text.parse().ok()?;
    let component = document.get("component")?.get(GATEWAY)?;
    let Some(hosts) = component.get("allowed_outbound_hosts") else {
        return Some(Vec::new());
    };
    let plain = |host: &toml::Value| {
        host.as_str().filter(|host| !host.contains(['*', '{']) && !host.contains("..")).map(normal)
    };
    hosts.as_array()?.iter().map(plain).collect()
}

/// Lower case, and with the port that the scheme implies.
fn normal(url: &str) -> String {
    let url = url.strip_suffix('/').unwrap_or(url).to_ascii_lowercase();
    let (scheme, authority) = url.split_once("://").unwrap_or(("", &url));
    let after_address = authority.rsplit(']').next().unwrap_or(authority);
    if after_address.contains(':') {
        return url;
    }
    let port = if scheme == "https" { 443 } else { 80 };
    format!("{url}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_dir;
    use std::path::Path;

    #[test]
    fn urls_have_one_normal_form() {
        for (url, want) in [
            ("https://Example.com", "https://example.com:443"),
            ("https://example.com/", "https://example.com:443"),
            ("http://[::1]", "http://[::1]:80"),
            ("http://[::1]:81", "http://[::1]:81"),
            ("http://127.0.0.1:3480", "http://127.0.0.1:3480"),
        ] {
            assert_eq!(normal(url), want);
        }
    }

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
