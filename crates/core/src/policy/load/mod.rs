//! From files to a [`Policy`]. Every fault of every file is collected; a policy with a fault is
//! no policy.
//!
//! | place | what |
//! | --- | --- |
//! | [`edge`], [`assertion`], [`origins`], [`timeouts`], [`routes`], their [`patterns`] and [`rewrites`], [`limits`] | `gateway.toml` |
//! | [`form`], which lets [`mend`] go on | syntax, keys and types of a file |
//! | [`tenants`], [`networks`], [`issuers`], [`cors`] | `tenants/<id>.toml` and the keys that it names |
//! | [`blocks`] | the CIDR blocks of either |
//! | [`agreement`] | what must hold between files |
//! | [`suggest`] | the nearest known name for an unknown one |

mod agreement;
mod assertion;
mod blocks;
mod cors;
mod edge;
mod form;
mod issuers;
mod key_source;
mod limits;
mod mend;
mod networks;
mod origins;
mod patterns;
mod rewrites;
mod routes;
mod state;
mod suggest;
mod tenants;
mod timeouts;

use super::source::Gateway;
use super::{Fault, Policy, Severity, Tenant, deployed, fault, lint};
use crate::policy::source::Spanned;
use crate::request::headers::HeadLimits;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The files of a policy directory by path relative to it, with `/` between the parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest file that is read, in bytes, but for a compiled policy: room for three networks of
/// 100,000 of the longest IPv6 blocks, a line each.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

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

/// Compiles a policy, or takes one that is compiled already, or says all that is wrong with it:
/// errors only, by file and place.
pub fn load(files: &Files) -> Result<Policy, Vec<Fault>> {
    let mut loader =
        Loader { files, faults: Vec::new(), redirects: Vec::new(), mended: BTreeSet::new() };
    let policy = match files.get(deployed::FILE) {
        Some(bytes) => loader.compiled(bytes),
        None => loader.policy(),
    };
    match policy {
        Some(policy) if loader.faults.is_empty() => Ok(policy),
        _ => Err(loader.told()),
    }
}

/// What [`check`] says of a policy.
#[derive(Debug)]
pub struct Checked {
    /// The policy, if there is no error.
    pub policy: Option<Policy>,
    /// Errors, or of a sound policy its warnings, by file and place.
    pub faults: Vec<Fault>,
}

/// Compiles a policy and says all that is wrong with it or, if nothing is, what is dangerous in it.
pub fn check(files: &Files) -> Checked {
    match load(files) {
        Ok(policy) => {
            let faults = lint::lint(files, &policy);
            Checked { policy: Some(policy), faults }
        }
        Err(faults) => Checked { policy: None, faults },
    }
}

/// Faults that the absence of something in the same file can cause.
const BY_ABSENCE_HERE: [&str; 8] = [
    "assistant-unknown",
    "origin-unknown",
    "rate-limit-route-unknown",
    "rate-limit-without-route",
    "rewrite-invalid",
    "route-without-method",
    "route-without-origin",
    "tenant-proof",
];

/// Faults that the absence of something in any file can cause.
const BY_ABSENCE: [&str; 2] = ["network-unused", "region-without-origin"];

struct Loader<'f> {
    files: &'f Files,
    faults: Vec<Fault>,
    /// The hosts that origins may redirect to.
    redirects: Vec<Spanned<String>>,
    /// Files in which something was cut or filled in, so that the rest of them could be read.
    mended: BTreeSet<String>,
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
            severity: Severity::Error,
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
        let assertion = gateway.assertion.as_ref().map(|source| self.assertion(source));
        let concurrency = self.concurrency(gateway.limits.concurrent_requests.as_ref());
        let recheck = self.recheck(gateway.state.recheck_s.as_ref());
        let sessions = gateway.sessions.as_ref().map(|source| self.sessions(source));
        let origins = self.origins(gateway.origins);
        self.timeouts(&gateway.timeouts);
        let defaults = (gateway.limits.body_bytes, &gateway.timeouts);
        let (routes, paths) = self.routes(gateway.routes, &origins, defaults);
        let rate_limits = self.rate_limits(gateway.rate_limits, &routes);
        self.regions(&routes, &origins, &tenants);
        self.networks(&routes, &tenants);
        self.managed_networks(&routes, &tenants);
        self.logins(&routes, &paths, &tenants);
        self.sole_issuers(&tenants);
        self.tenant_claims(&tenants);
        let hosts = self.hosts(&tenants);
        self.redirects(&hosts);
        self.sites(&hosts, &tenants);
        let tenants: Vec<Tenant> = tenants.into_iter().map(|placed| placed.tenant).collect();
        let mut gateway = super::Gateway {
            digest: String::new(),
            edge,
            head_limits: HeadLimits {
                bytes: gateway.limits.head_bytes as usize,
                fields: gateway.limits.head_fields as usize,
            },
            concurrency,
            check_revocation: gateway.state.revocation,
            recheck,
            sessions,
            assertion,
            origins: origins.into_iter().collect(),
            routes,
            rate_limits,
            paths,
        };
        match deployed::digest(&gateway, &tenants) {
            Ok(digest) => gateway.digest = digest,
            Err(why) => self.fault(
                "policy-too-large",
                (&why.file, None),
                why.to_string(),
                "shorten it: fewer issuers, keys or blocks",
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
        let (value, flaws) = form::read(&text);
        if !flaws.is_empty() {
            self.mended.insert(file.to_owned());
        }
        self.faults.extend(flaws.into_iter().map(|flaw| flaw.of(file)));
        value
    }

    /// The faults by file and place, without those that mending may have made.
    fn told(self) -> Vec<Fault> {
        let mut faults = self.faults;
        faults.retain(|fault| {
            let filled = fault.span.as_ref().is_some_and(mend::is_filler);
            let absent = BY_ABSENCE_HERE.contains(&fault.code) && self.mended.contains(&fault.file)
                || BY_ABSENCE.contains(&fault.code) && !self.mended.is_empty();
            !filled && !absent
        });
        fault::told(faults)
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
