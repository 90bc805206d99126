//! The store, and one tenant's part of it.

use crate::problem::Problem;
use sekisho_core::records::key;
use sekisho_directory::edit::{Edit, Entries, Was};
use std::sync::Arc;

/// Keys that are asked for in one call.
const TOGETHER: usize = 1_000;

/// That a store could not answer, for the operator's eyes.
#[derive(Debug)]
pub struct Unavailable(pub String);

impl From<Unavailable> for Problem {
    fn from(Unavailable(why): Unavailable) -> Self {
        Self::unavailable(why)
    }
}

/// A key-value store, whose calls wait.
pub trait Store: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    /// All keys.
    fn keys(&self) -> Result<Vec<String>, Unavailable>;
    /// Those of these keys that have a value.
    fn get_many(&self, keys: &[String]) -> Result<Entries, Unavailable>;
    /// Writes a value if the key still has the one that is expected, and says whether it had.
    fn swap(&self, key: &str, was: Option<&[u8]>, value: &[u8]) -> Result<bool, Unavailable>;
    /// Writes a value, whatever was there.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), Unavailable>;
    /// Removes keys.
    fn delete(&self, keys: &[String]) -> Result<(), Unavailable>;
}

/// Whether a guarded change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was.
    Done,
    /// Somebody was faster, and nothing was changed.
    Conflict,
}

/// One tenant's records. No other tenant's can be named through it: every key is compared with the tenant's prefix before
/// the store sees it.
#[derive(Clone)]
pub struct Scope {
    tenant: String,
    prefix: String,
    store: Arc<dyn Store>,
}

impl Scope {
    /// The records of this tenant, whose identifier is known to be one.
    pub fn new(tenant: &str, store: Arc<dyn Store>) -> Self {
        Self { tenant: tenant.to_owned(), prefix: format!("t/{tenant}/"), store }
    }

    /// Whose they are.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    fn own<'k>(&self, key: &'k str) -> Result<&'k str, Unavailable> {
        if key.starts_with(&self.prefix) {
            return Ok(key);
        }
        Err(Unavailable("a record of another tenant was asked for".to_owned()))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.store.get(self.own(key)?)
    }

    /// All records of one kind, such as `user`.
    pub fn all(&self, kind: &str) -> Result<Entries, Unavailable> {
        let [entries] = self.all_below([&key::prefix(&self.tenant, kind)])?;
        Ok(entries)
    }

    /// All records below each of these prefixes, by one look at the keys.
    pub fn all_below<const N: usize>(
        &self,
        prefixes: [&str; N],
    ) -> Result<[Entries; N], Unavailable> {
        let mut keys = self.store.keys()?;
        keys.retain(|key| key.starts_with(&self.prefix));
        let mut found = [const { Vec::new() }; N];
        for (prefix, entries) in prefixes.iter().zip(&mut found) {
            let below: Vec<String> =
                keys.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
            for keys in below.chunks(TOGETHER) {
                entries.extend(self.store.get_many(keys)?);
            }
        }
        Ok(found)
    }

    /// Writes a record if it is still as it was read.
    pub fn swap(&self, key: &str, was: Option<&[u8]>, value: &[u8]) -> Result<Made, Unavailable> {
        let made = self.store.swap(self.own(key)?, was, value)?;
        Ok(if made { Made::Done } else { Made::Conflict })
    }

    /// Makes a change whose record was read before, if it is still the same. What would remove it is refused: the store
    /// can't do that only if.
    pub fn guarded(&self, edit: &Edit) -> Result<Made, Unavailable> {
        let was = match &edit.was {
            Was::Absent => None,
            Was::Value(value) => Some(value.as_slice()),
            Was::Unknown => return Err(Unavailable("a change without what was".to_owned())),
        };
        match &edit.value {
            Some(value) if was == Some(value) => Ok(Made::Done),
            Some(value) => self.swap(&edit.key, was, value),
            None => Err(Unavailable("a guarded change that removes its record".to_owned())),
        }
    }

    /// Makes changes whatever was there.
    pub fn make(&self, edits: &[Edit]) -> Result<(), Unavailable> {
        let mut removed = Vec::new();
        for edit in edits {
            let key = self.own(&edit.key)?;
            match &edit.value {
                Some(value) => self.store.set(key, value)?,
                None => removed.push(key.to_owned()),
            }
        }
        for keys in removed.chunks(TOGETHER) {
            self.store.delete(keys)?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod memory {
    //! A store in memory, which can be told to fail and to be overtaken.

    use super::{Store, Unavailable};
    use sekisho_directory::edit::Entries;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    type Overtake = Box<dyn FnOnce(&mut BTreeMap<String, Vec<u8>>) + Send>;

    #[derive(Default)]
    pub(crate) struct Memory {
        pub(crate) entries: Mutex<BTreeMap<String, Vec<u8>>>,
        /// What somebody else does just before the next swap.
        pub(crate) overtake: Mutex<Option<Overtake>>,
        pub(crate) is_away: Mutex<bool>,
        /// Its keys can't be listed.
        pub(crate) has_no_list: Mutex<bool>,
    }

    impl Memory {
        pub(crate) fn put(&self, key: &str, value: &str) {
            self.entries.lock().unwrap().insert(key.to_owned(), value.as_bytes().to_vec());
        }

        pub(crate) fn text(&self, key: &str) -> Option<String> {
            let entries = self.entries.lock().unwrap();
            entries.get(key).map(|value| String::from_utf8_lossy(value).into_owned())
        }

        fn there(&self) -> Result<(), Unavailable> {
            if *self.is_away.lock().unwrap() { Err(Unavailable("away".into())) } else { Ok(()) }
        }
    }

    impl Store for Memory {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
            self.there()?;
            Ok(self.entries.lock().unwrap().get(key).cloned())
        }

        fn keys(&self) -> Result<Vec<String>, Unavailable> {
            self.there()?;
            if *self.has_no_list.lock().unwrap() {
                return Err(Unavailable("no list".into()));
            }
            Ok(self.entries.lock().unwrap().keys().cloned().collect())
        }

        fn get_many(&self, keys: &[String]) -> Result<Entries, Unavailable> {
            self.there()?;
            let entries = self.entries.lock().unwrap();
            Ok(keys
                .iter()
                .filter_map(|key| Some((key.clone(), entries.get(key)?.clone())))
                .collect())
        }

        fn swap(&self, key: &str, was: Option<&[u8]>, value: &[u8]) -> Result<bool, Unavailable> {
            self.there()?;
            let mut entries = self.entries.lock().unwrap();
            if let Some(overtake) = self.overtake.lock().unwrap().take() {
                overtake(&mut entries);
            }
            let is_met = entries.get(key).map(Vec::as_slice) == was;
            if is_met {
                entries.insert(key.to_owned(), value.to_vec());
            }
            Ok(is_met)
        }

        fn set(&self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
            self.there()?;
            self.entries.lock().unwrap().insert(key.to_owned(), value.to_vec());
            Ok(())
        }

        fn delete(&self, keys: &[String]) -> Result<(), Unavailable> {
            self.there()?;
            let mut entries = self.entries.lock().unwrap();
            for key in keys {
                entries.remove(key);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::memory::Memory;
    use super::*;

    #[test]
    fn another_tenants_records_have_no_name() {
        let memory = Arc::new(Memory::default());
        memory.put("t/globex/user/u-1", "x");
        memory.put("t/acme-2/user/u-1", "x");
        let acme = Scope::new("acme", memory.clone());
        for key in ["t/globex/user/u-1", "t/acme-2/user/u-1", "t/acme", "", "x/t/acme/user/u-1"] {
            assert!(acme.get(key).is_err(), "{key}");
            assert!(acme.swap(key, None, b"y").is_err(), "{key}");
            assert!(acme.make(&[Edit::remove(key.into(), Was::Unknown)]).is_err(), "{key}");
        }
        assert!(acme.all("user").unwrap().is_empty());
        assert!(acme.all_below(["t/globex/user/"]).unwrap()[0].is_empty());
        assert_eq!(memory.entries.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_guarded_change_needs_to_know_what_was() {
        let acme = Scope::new("acme", Arc::new(Memory::default()));
        let key = "t/acme/user/u-1".to_owned();
        let edit = |was, value: Option<&str>| Edit {
            key: key.clone(),
            was,
            value: value.map(|value| value.as_bytes().to_vec()),
        };
        assert!(acme.guarded(&edit(Was::Unknown, Some("x"))).is_err());
        assert!(acme.guarded(&edit(Was::Absent, None)).is_err());
        assert_eq!(acme.guarded(&edit(Was::Absent, Some("x"))).unwrap(), Made::Done);
        assert_eq!(acme.guarded(&edit(Was::Absent, Some("y"))).unwrap(), Made::Conflict);
    }
}
