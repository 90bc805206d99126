//! From files to a [`Policy`]. Every fault of every file is collected; a policy with a fault is
//! no policy.
//!
//! | place | what |
//! | --- | --- |
//! | [`edge`], [`origins`], [`timeouts`], [`routes`] and their [`patterns`] | `gateway.toml` |
//! | [`tenants`], [`issuers`] | `tenants/<id>.toml` and the keys that it names |
//! | [`blocks`] | the CIDR blocks of either |
//! | [`agreement`] | what must hold between files |
//! | [`suggest`] | the nearest known name for an unknown one |

mod agreement;
mod blocks;
mod edge;
mod issuers;
mod origins;
mod patterns;
mod routes;
mod suggest;
mod tenants;
mod timeouts;

pub(super) use patterns::is_pattern;

use super::source::Gateway;
use super::{Fault, Policy, deployed};
use crate::request::headers::HeadLimits;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// The files of a policy directory by path relative to it, with `/` between the parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest file that is read, in bytes, but for a compiled policy.
pub const MAX_FILE: usize = 4 * 1024 * 1024;

/// The largest size of this file of a policy, in bytes.
pub fn max_size(path: &str) -> usize {
    if path == deployed::FILE { deployed::MAX_COMPILED } else { MAX_FILE }
}

/// Whether a file of the directory belongs to the policy: whatever else lies there (a README, an
/// editor's backup) is not read and does not change the digest.
pub fn is_policy_file(path: &str) -> bool {
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let extension = match folder {
        "" => return name == "gateway.toml" || name == deployed::FILE,
        "tenants" => "toml",
        "keys" => "json",
        _ => return false,
    };
    !name.contains('/')
        && !name.starts_with('.')
        && name.rsplit_once('.').is_some_and(|(_, last)| last == extension)
}

/// Compiles a policy, or takes one that is compiled already, or says all that is wrong with it.
pub fn load(files: &Files) -> Result<Policy, Vec<Fault>> {
    let mut loader = Loader { files, faults: Vec::new() };
    let policy = match files.get(deployed::FILE) {
        Some(bytes) => loader.compiled(bytes),
        None => loader.policy(),
    };
    match policy {
        Some(policy) if loader.faults.is_empty() => Ok(policy),
        _ => Err(loader.faults),
    }
}

struct Loader<'f> {
    files: &'f Files,
    faults: Vec<Fault>,
}

/// Where a fault stands.
type Place<'a> = (&'a str, Option<Range<usize>>);

impl Loader<'_> {
    fn fault(
        &mut self,
        code: &'static str,
        (file, span): Place<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Fault {
            code,
            file: file.to_owned(),
            span,
            message: message.into(),
            help: help.into(),
        });
    }

    fn compiled(&mut self, bytes: &[u8]) -> Option<Policy> {
        const PLACE: Place<'_> = (deployed::FILE, None);
        if self.files.len() > 1 {
            self.fault(
                "compiled-beside-files",
                PLACE,
                "the compiled policy stands beside the files of one, and they may differ",
                "deploy the compiled file in a directory of its own, or the files without it",
            );
            return None;
        }
        match deployed::read(bytes) {
            Ok(policy) => Some(policy),
            Err(why) => {
                self.fault(
                    "compiled-unsound",
                    PLACE,
                    why.to_string(),
                    "compile the policy again: sekisho compile <DIR> -o policy.sekisho",
                );
                None
            }
        }
    }

    fn policy(&mut self) -> Option<Policy> {
        let gateway = self.toml::<Gateway>("gateway.toml");
        let tenants = self.tenants();
        let gateway = gateway?;
        if *gateway.version.get_ref() != 1 {
            self.fault(
                "version-unknown",
                ("gateway.toml", Some(gateway.version.span())),
                format!("policy version {} is not known", gateway.version.get_ref()),
                "this gateway reads version = 1",
            );
        }
        let edge = self.edge(&gateway);
        let origins = self.origins(gateway.origins);
        self.timeouts(&gateway.timeouts);
        let defaults = (gateway.limits.body_bytes, &gateway.timeouts);
        let (routes, paths) = self.routes(gateway.routes, &origins, defaults);
        self.regions(&routes, &origins, &tenants);
        self.networks(&routes, &tenants);
        self.sole_issuers(&tenants);
        let hosts = self.hosts(&tenants);
        let mut gateway = super::Gateway {
            digest: String::new(),
            edge,
            head_limits: HeadLimits {
                bytes: gateway.limits.head_bytes,
                fields: gateway.limits.head_fields,
            },
            check_revocation: gateway.state.revocation,
            origins: origins.into_iter().collect(),
            routes,
            paths,
        };
        match deployed::digest(&gateway, &tenants) {
            Ok(digest) => gateway.digest = digest,
            Err(why) => self.fault(
                "policy-too-large",
                (&why.file, None),
                why.to_string(),
                "name smaller key files, or fewer blocks",
            ),
        }
        Some(Policy { gateway: Arc::new(gateway), tenants, hosts })
    }

    fn text(&mut self, file: &str) -> Option<String> {
        let Some(bytes) = self.files.get(file) else {
            self.fault(
                "file-missing",
                (file, None),
                "the file is missing",
                "a policy is a directory with gateway.toml, tenants/<id>.toml and the key files they name",
            );
            return None;
        };
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Some(text.to_owned());
        }
        self.fault("not-utf8", (file, None), "the file is not UTF-8", "save it as UTF-8");
        None
    }

    fn toml<T: DeserializeOwned>(&mut self, file: &str) -> Option<T> {
        let text = self.text(file)?;
        match toml::from_str(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                let message = error.message().to_owned();
                let help = suggest::suggestion(&message);
                self.fault("toml-invalid", (file, error.span()), message, help);
                None
            }
        }
    }

    /// An identifier that can stand in a record and be compared: letters, digits, `-`, `_`, `.`.
    fn name(&mut self, file: &str, name: &Spanned<String>, what: &str) {
        let fits = (1..=64).contains(&name.get_ref().len())
            && name
                .get_ref()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !fits {
            self.fault(
                "name-invalid",
                (file, Some(name.span())),
                format!("{:?} is no name for a {what}", name.get_ref()),
                "use 1 to 64 letters, digits, hyphens, underscores or dots",
            );
        }
    }
}
