//! Header fields: which may come in, and which are taken away before ours are set.
//!
//! | place | what |
//! | --- | --- |
//! | `hygiene` | what a request's fields must be to be read in one way only |
//! | `framing` | `Content-Length` and `Transfer-Encoding` |
//! | `single` | fields that stand once |
//! | `reserved` | names that only the gateway may set |
//! | `hop` | fields of one connection, and what `Connection` may name |

mod framing;
mod hop;
mod hygiene;
mod reserved;
mod single;

pub(crate) use hop::connection_options;
pub use hop::is_hop_by_hop;
pub(super) use hygiene::check;
pub(crate) use hygiene::is_token;
pub use reserved::is_reserved;
pub(crate) use single::is_single;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Header fields in order, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, Vec<u8>)>);

impl Headers {
    /// Takes fields as a host gives them; names are folded to lower case (RFC 9110, section 5.1).
    pub fn new(fields: Vec<(String, Vec<u8>)>) -> Self {
        let lower = |(mut name, value): (String, Vec<u8>)| {
            name.make_ascii_lowercase();
            (name.into(), value)
        };
        Self(fields.into_iter().map(lower).collect())
    }

    /// Every field.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (&**name, value.as_slice()))
    }

    /// The values of every field of this name, in order. `name` is in lower case.
    pub fn values<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.iter().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The value of the one field of this name; `None` where there is none or more than one.
    pub fn one(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// The first value of this name, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).next().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Makes room for so many fields more.
    pub(crate) fn reserve(&mut self, fields: usize) {
        self.0.reserve(fields);
    }

    /// Appends a field.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets a field, replacing those of the same name.
    pub fn set(&mut self, name: &'static str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Keeps the fields for which `keep` holds; it may put another value in place of theirs.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Vec<u8>) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// Gives the fields back, as a host takes them.
    pub fn into_fields(self) -> Vec<(String, Vec<u8>)> {
        self.0.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
    }
}

/// How large a request head may be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct HeadLimits {
    /// Names and values together, bytes.
    pub bytes: usize,
    /// Number of fields.
    pub fields: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_out_as_they_came_in() {
        let fields = |name: &str| vec![(name.to_owned(), b"b".to_vec()), ("c".into(), Vec::new())];
        assert_eq!(Headers::new(fields("X-A")).into_fields(), fields("x-a"));
    }
}
