//! A file's TOML with the place of each part.

use ipnet::IpNet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file that was found sound.
pub(super) struct Document<'t> {
    root: DeValue<'t>,
}

impl<'t> Document<'t> {
    /// Reads a file; what is not TOML is an empty table.
    pub(super) fn read(bytes: &'t [u8]) -> Self {
        let table = std::str::from_utf8(bytes).ok().and_then(|text| DeTable::parse(text).ok());
        Self { root: DeValue::Table(table.map(Spanned::into_inner).unwrap_or_default()) }
    }

    /// What this key of the top has.
    pub(super) fn key(&self, name: &str) -> Part<'_> {
        Part { value: Some(&self.root), span: None }.key(name)
    }
}

/// A part of a file. One that is not there has the place of what it would stand in.
#[derive(Clone)]
pub(super) struct Part<'d> {
    value: Option<&'d DeValue<'d>>,
    span: Option<Range<usize>>,
}

impl<'d> Part<'d> {
    /// No part: a file as a whole.
    pub(super) fn whole() -> Self {
        Self { value: None, span: None }
    }

    /// What this key of the table has.
    pub(super) fn key(self, name: &str) -> Self {
        let found = self.value.and_then(DeValue::as_table).and_then(|table| table.get(name));
        self.down(found)
    }

    /// This element of the array.
    pub(super) fn at(self, index: usize) -> Self {
        let found = self.value.and_then(DeValue::as_array).and_then(|array| array.get(index));
        self.down(found)
    }

    fn down(self, found: Option<&'d Spanned<DeValue<'d>>>) -> Self {
        Self {
            value: found.map(Spanned::get_ref),
            span: found.map_or(self.span, |found| Some(found.span())),
        }
    }

    /// Each element of the array.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'d> {
        let elements = self.value.and_then(DeValue::as_array).map(|array| array.iter());
        elements
            .into_iter()
            .flatten()
            .map(|item| Self { value: Some(item.get_ref()), span: Some(item.span()) })
    }

    /// The CIDR blocks of a list, each with its place.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (IpNet, Self)> + use<'d> {
        self.items().filter_map(|item| Some((item.text()?.parse().ok()?, item)))
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&'d str> {
        self.value.and_then(DeValue::as_str)
    }

    /// Where it stands.
    pub(super) fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }
}
