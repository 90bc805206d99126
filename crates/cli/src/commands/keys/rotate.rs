//! `sekisho keys rotate`: the next keys begin to sign.

use super::file;
use crate::commands::print;
use crate::exit::Exit;
use crate::report::Failure;
use sekisho_core::token::keys::Algorithm;
use sekisho_core::token::own::Status;
use sekisho_testing::clock;
use serde_json::Value;
use std::path::PathBuf;

/// The age of a next key before it may sign, in seconds: time to give it to every gateway, a minute until
/// their instances have it, and 4 minutes that others may keep the published set.
const PATIENCE: u64 = 600;

/// Renew the keys: retired ones go, current ones retire, next ones become current, and new ones are next.
///
/// The file is replaced in one step. A kind that has no next key gets a current one at once, which
/// origins do not know for up to 5 minutes.
///
/// A second rotation is refused while a next key is younger than 10 minutes: nobody may know it yet, and
/// what the retired key signed is still good.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// The file
    #[arg(value_name = "KEYS.json")]
    file: PathBuf,
    /// Rotate all the same: what the retired keys signed is refused at once
    #[arg(long)]
    now: bool,
}

impl Rotate {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let (text, known) = file::read(&self.file)?;
        let young =
            known.list().filter(|(_, _, status)| *status == Status::Next).find_map(|(id, _, _)| {
                let age = clock::unix_seconds().saturating_sub(file::made(id)?);
                (age < PATIENCE).then_some((id, age))
            });
        if let Some((id, age)) = young.filter(|_| !self.now) {
            return Err(Failure::invalid(format!("the next key {id} was made {age} s ago")).help(
                "give the file to every gateway and wait for 10 minutes; --now does not wait",
            ));
        }
        let mut set: Value = serde_json::from_str(&text)
            .map_err(|_| Failure::fault("the set was read before, and is not read now"))?;
        let before = set.get_mut("keys").map_or(Value::Null, Value::take);
        let before = before.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut keys = Vec::new();
        for algorithm in file::KINDS {
            keys.extend(rotated(before, algorithm)?);
        }
        file::replace(&self.file, &keys)?;
        print(&format!("{} is renewed; give it to every gateway\n", self.file.display()))?;
        Ok(Exit::Success)
    }
}

fn rotated(before: &[Value], algorithm: Algorithm) -> Result<Vec<Value>, Failure> {
    let mut keys = Vec::new();
    for key in before.iter().filter(|key| key["alg"] == algorithm.name()) {
        let status = match key["status"].as_str() {
            Some("current") => Status::Retired,
            Some("next") if !is_there(&keys, Status::Current) => Status::Current,
            Some("next") => Status::Next,
            _ => continue,
        };
        let mut key = key.clone();
        if let Some(members) = key.as_object_mut() {
            members.insert("status".to_owned(), status.name().into());
        }
        keys.push(key);
    }
    for status in [Status::Current, Status::Next] {
        if !is_there(&keys, status) {
            keys.push(file::key(algorithm, status)?);
        }
    }
    Ok(keys)
}

fn is_there(keys: &[Value], status: Status) -> bool {
    keys.iter().any(|key| key["status"] == status.name())
}
