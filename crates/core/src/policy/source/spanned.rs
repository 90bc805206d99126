//! A value with its place in the file.

use serde::Deserialize;
use std::borrow::Borrow;
use std::ops::Range;

/// A value with its place in the file, in bytes. It is compared by the value alone.
///
/// The TOML reader's own type, under a name of ours so that it can have a JSON Schema.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(transparent)]
pub(in crate::policy) struct Spanned<T>(toml::Spanned<T>);

impl<T> Spanned<T> {
    pub(in crate::policy) fn span(&self) -> Range<usize> {
        self.0.span()
    }

    pub(in crate::policy) fn get_ref(&self) -> &T {
        self.0.get_ref()
    }

    pub(in crate::policy) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl Borrow<str> for Spanned<String> {
    fn borrow(&self) -> &str {
        self.0.get_ref()
    }
}
