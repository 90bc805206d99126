//! Changes to a file's table that let reading go on behind an error.
//!
//! Places are byte ranges of the file: each value of a [`DeTable`] has its own, a table that of its
//! header. What is filled in lies behind the end of any file, so that its errors can be told apart.

use super::suggest::quoted;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

/// Fillers count down from the largest number, which no file reaches.
const LAST: usize = usize::MAX;
const MOST: usize = 1 << 16;

/// Whether a place is of something that was filled in.
pub(super) fn is_filler(span: &Range<usize>) -> bool {
    span.start > LAST - MOST
}

/// A table that is being mended.
pub(super) struct Mender<'t> {
    table: Spanned<DeTable<'t>>,
    /// Keys that were cut, each with the place of its table.
    cuts: Vec<(Range<usize>, String)>,
    /// Values of keys that were renamed: nobody said that they are meant for the new name.
    guesses: Vec<Range<usize>>,
    fillers: Vec<Filler>,
}

/// What stands for a missing key.
struct Filler {
    table: Range<usize>,
    key: String,
    tried: usize,
}

impl<'t> Mender<'t> {
    pub(super) fn new(table: Spanned<DeTable<'t>>) -> Self {
        Self { table, cuts: Vec::new(), guesses: Vec::new(), fillers: Vec::new() }
    }

    pub(super) fn table(&self) -> &Spanned<DeTable<'t>> {
        &self.table
    }

    /// Whether the table at this place lost this key to a cut.
    pub(super) fn has_cut(&self, table: &Range<usize>, key: &str) -> bool {
        self.cuts.iter().any(|(place, name)| place == table && name == key)
    }

    /// Whether the place is of a value whose key was renamed.
    pub(super) fn is_guess(&self, span: &Range<usize>) -> bool {
        self.guesses.iter().any(|guess| guess.start <= span.start && span.end <= guess.end)
    }

    /// Gives the key at this place its known name, if that is free, or cuts it.
    pub(super) fn rename_or_cut(&mut self, span: &Range<usize>, known: Option<&str>) -> bool {
        let guesses = &mut self.guesses;
        each_table(self.table.get_mut(), 0..0, &mut |table, _| {
            let Some(key) = table.keys().find(|key| key.span() == *span).cloned() else {
                return false;
            };
            let value = table.remove(key.get_ref().as_ref());
            if let (Some(value), Some(known)) = (value, known)
                && !table.contains_key(known)
            {
                guesses.push(value.span());
                table.insert(Spanned::new(key.span(), known.to_owned().into()), value);
            }
            true
        })
    }

    /// Cuts the value at this place out of its table or array.
    pub(super) fn cut(&mut self, span: &Range<usize>) -> bool {
        let cuts = &mut self.cuts;
        each_table(self.table.get_mut(), 0..0, &mut |table, place| {
            let found = table.iter().find(|(_, value)| value.span() == *span);
            if let Some(key) = found.map(|(key, _)| key.get_ref().to_string()) {
                table.remove(key.as_str());
                cuts.push((place.clone(), key));
                return true;
            }
            table.iter_mut().any(|(_, value)| cut_element(value.get_mut(), span))
        })
    }

    /// Puts a filler for the missing key into the table at this place.
    pub(super) fn fill(&mut self, table: &Range<usize>, key: &str) -> bool {
        if self.fillers.len() == MOST {
            return false;
        }
        self.fillers.push(Filler { table: table.clone(), key: key.to_owned(), tried: 0 });
        let place = LAST - self.fillers.len() + 1;
        self.put(place, DeValue::String("".into()))
    }

    /// Tries another filler in place of one that the reader did not take; after the last one, cuts
    /// the table that it stands in.
    pub(super) fn refill(&mut self, span: &Range<usize>, message: &str) -> bool {
        let Some(filler) = self.fillers.get_mut(LAST - span.start) else { return false };
        filler.tried += 1;
        let word = message.starts_with("unknown variant").then(|| quoted(message).nth(1)).flatten();
        let value = match (filler.tried, word) {
            (1, Some(word)) => DeValue::String(word.to_owned().into()),
            (1, None) => DeValue::Array(DeArray::new()),
            (2, _) => DeValue::Table(DeTable::new()),
            (3, _) => DeValue::Integer(DeInteger::default()),
            (4, _) => DeValue::Boolean(false),
            _ => {
                let table = filler.table.clone();
                return self.cut(&table);
            }
        };
        self.put(span.start, value)
    }

    fn put(&mut self, place: usize, value: DeValue<'t>) -> bool {
        let Some(filler) = self.fillers.get(LAST - place) else { return false };
        let span = place..place;
        let mut entry = Some(Spanned::new(span.clone(), value));
        each_table(self.table.get_mut(), 0..0, &mut |table, own| {
            if *own != filler.table {
                return false;
            }
            if let Some(value) = entry.take() {
                table.insert(Spanned::new(span.clone(), filler.key.clone().into()), value);
            }
            true
        })
    }
}

/// Goes through a table and all below it, the outer ones first, until `act` says that it is done.
fn each_table<'t>(
    table: &mut DeTable<'t>,
    place: Range<usize>,
    act: &mut dyn FnMut(&mut DeTable<'t>, &Range<usize>) -> bool,
) -> bool {
    act(table, &place) || table.iter_mut().any(|(_, value)| each_table_in(value, act))
}

fn each_table_in<'t>(
    value: &mut Spanned<DeValue<'t>>,
    act: &mut dyn FnMut(&mut DeTable<'t>, &Range<usize>) -> bool,
) -> bool {
    let place = value.span();
    match value.get_mut() {
        DeValue::Table(table) => each_table(table, place, act),
        DeValue::Array(array) => array.iter_mut().any(|element| each_table_in(element, act)),
        _ => false,
    }
}

/// Cuts the element at this place out of an array, however deep in arrays it stands.
fn cut_element(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    let DeValue::Array(array) = value else { return false };
    if array.iter().any(|element| element.span() == *span) {
        *array = std::mem::replace(array, DeArray::new())
            .into_iter()
            .filter(|e| e.span() != *span)
            .collect();
        return true;
    }
    array.iter_mut().any(|element| cut_element(element.get_mut(), span))
}
