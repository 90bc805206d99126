//! The gateway's own keys, as a program that runs it gives them to the component.

use crate::component::GATEWAY;
use crate::input;
use crate::report::{Failure, say};
use sekisho_core::Policy;
use sekisho_core::token::own::{MAX_OWN_SET, OwnKeys, Status};
use sekisho_host::Manifest;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

/// The component's variable.
const VARIABLE: &str = "sekisho_keys";
/// Where the environment gives it.
const ENVIRONMENT: &str = "SPIN_VARIABLE_SEKISHO_KEYS";

/// What the gateway's own keys are, or that there are none.
pub(crate) struct Own {
    /// The variables that this program sets.
    pub(crate) variables: BTreeMap<String, String>,
    keys: Option<Arc<OwnKeys>>,
}

impl Own {
    /// The keys of this file, or else of the environment; they must be all that the policy needs, and the manifest
    /// must give them to the gateway.
    pub(crate) fn read(
        file: Option<&Path>,
        manifest: &Manifest,
        policy: &Policy,
    ) -> Result<Self, Failure> {
        let given = match file {
            Some(path) => {
                let bytes = input::bounded_file(path, MAX_OWN_SET)?;
                warn_of_readers(path);
                Some((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()))
            }
            None => std::env::var(ENVIRONMENT)
                .ok()
                .filter(|text| !text.trim().is_empty())
                .map(|text| (ENVIRONMENT.to_owned(), text)),
        };
        let needed = policy.own_algorithms();
        let Some((name, text)) = given else {
            return match needed.first() {
                None => Ok(Self { variables: BTreeMap::new(), keys: None }),
                Some(_) => Err(Failure::invalid(
                    "the policy needs the gateway's own keys, and there are none",
                )
                .help("make some: sekisho keys new keys.json; then: sekisho up --keys keys.json")),
            };
        };
        let keys = OwnKeys::parse(text.as_bytes())
            .map_err(|why| Failure::invalid(format!("{name}: {why}")))?;
        if let Some(missing) = needed.iter().find(|algorithm| !keys.signs(**algorithm)) {
            let missing = missing.name();
            return Err(Failure::invalid(format!(
                "{name} has no key for {missing}, which the policy needs"
            ))
            .help("sekisho keys rotate adds the kinds that are missing"));
        }
        if !needed.is_empty() && !manifest.has_variable(GATEWAY, VARIABLE) {
            return Err(Failure::invalid(format!(
                "{} does not give the gateway its keys",
                manifest.path().display()
            ))
            .help(format!(
                "add to [variables] {VARIABLE} = {{ default = \"\", secret = true }}, and to \
                 [component.{GATEWAY}.variables] {VARIABLE} = \"{{{{ {VARIABLE} }}}}\""
            )));
        }
        let variables = BTreeMap::from([(VARIABLE.to_owned(), text)]);
        Ok(Self { variables, keys: Some(Arc::new(keys)) })
    }

    /// The keys.
    pub(crate) fn keys(&self) -> Option<Arc<OwnKeys>> {
        self.keys.clone()
    }

    /// Says how these differ from those before, and which of it somebody will notice.
    pub(crate) fn tell_of_change(&self, before: &Self) {
        let list = |own: &Self| -> Vec<(String, Status)> {
            let keys = own.keys.iter().flat_map(|keys| keys.list());
            keys.map(|(id, _, status)| (id.to_owned(), status)).collect()
        };
        let (old, new) = (list(before), list(self));
        if old == new {
            return;
        }
        say("the gateway's own keys are others now");
        for (id, status) in &new {
            if *status == Status::Current && old.iter().all(|(known, _)| known != id) {
                say(format_args!(
                    "the key {id} signs at once; who keeps the keys from before does not know it"
                ));
            }
        }
        for (id, status) in &old {
            if *status != Status::Next && new.iter().all(|(known, _)| known != id) {
                say(format_args!("the key {id} has gone; what it signed is refused"));
            }
        }
    }
}

/// Whoever reads the file can sign in as anybody.
fn warn_of_readers(path: &Path) {
    let mode = path.metadata().map(|file| file.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let path = path.display();
        say(format_args!("others can read {path}, which is secret: chmod 600 {path}"));
    }
}
