//! A change of a record, with what it was when it was read: whoever makes it can see that nobody else has changed it.

use sekisho_core::records::{MAX_RECORD, encode};
use serde::Serialize;

/// Records as a store has them: keys and values.
pub type Entries = Vec<(String, Vec<u8>)>;

/// What a record was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Was {
    /// Nobody looked.
    Unknown,
    /// There was none.
    Absent,
    /// This value.
    Value(Vec<u8>),
}

impl From<Option<Vec<u8>>> for Was {
    fn from(value: Option<Vec<u8>>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its key.
    pub key: String,
    /// What it was.
    pub was: Was,
    /// What it becomes; `None` removes it.
    pub value: Option<Vec<u8>>,
}

impl Edit {
    /// Writes a record.
    ///
    /// # Errors
    /// It would be larger than any gateway reads.
    pub fn write(key: String, was: Was, record: &impl Serialize) -> Result<Self, TooLarge> {
        match encode(record) {
            Some(value) => Ok(Self { key, was, value: Some(value) }),
            None => Err(TooLarge { key }),
        }
    }

    /// Removes a record.
    pub fn remove(key: String, was: Was) -> Self {
        Self { key, was, value: None }
    }
}

/// A record that no gateway would read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Its key.
    pub key: String,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} would have more than {MAX_RECORD} bytes", self.key)
    }
}

impl std::error::Error for TooLarge {}

/// A record that can't be read, by whoever manages it and by the gateway alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.key, self.why)
    }
}

impl std::error::Error for Unreadable {}
