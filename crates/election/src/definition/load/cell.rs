//! A value as it is written in a file, with the place where it stands; and what it may be read as.

use crate::{
    definition::errors::{Errors, Location},
    ids::InvalidId,
    instant::Instant,
    key::PublicKey,
    text::Text,
};
use std::{collections::HashMap, ops::RangeInclusive, str::FromStr};
use toml::Spanned;

/// The longest name: fits a line of a page in each language.
const MAX_NAME_BYTES: usize = 500;

/// A written value and its place.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    file: &'static str,
    field: &'static str,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    /// The cell of a table: the file's text from this row on, the line from 1, the cell from 0.
    Table(&'a str, u32, usize),
    /// In `election.toml`: its text and the byte.
    Toml(&'a str, usize),
}

/// The text of `election.toml`, to find places in it.
#[derive(Clone, Copy)]
pub(super) struct TomlText<'a>(pub(super) &'a str);

impl<'a> TomlText<'a> {
    /// A text value and its place.
    pub(super) fn cell(self, field: &'static str, value: &'a Spanned<String>) -> Cell<'a> {
        let place = Place::Toml(self.0, value.span().start);
        Cell { text: value.get_ref(), file: super::TOML, field, place }
    }

    /// The place of any value.
    pub(super) fn location<T>(self, field: &str, value: &Spanned<T>) -> Location {
        Location::of_byte(super::TOML, self.0.as_bytes(), value.span().start).named(field)
    }
}

impl<'a> Cell<'a> {
    /// The cell of a CSV file's row.
    pub(super) fn in_table(
        file: &'static str,
        field: &'static str,
        text: &'a str,
        from_row_on: &'a str,
        line: u32,
        cell: usize,
    ) -> Self {
        Self { text, file, field, place: Place::Table(from_row_on, line, cell) }
    }

    /// Where it stands. Searched for only when something is wrong.
    pub(super) fn location(&self) -> Location {
        match self.place {
            Place::Toml(text, byte) => Location::of_byte(self.file, text.as_bytes(), byte).named(self.field),
            Place::Table(text, line, cell) => {
                let row = text.lines().next().unwrap_or("");
                let column = u32::try_from(start_of_cell(row, cell) + 1).ok();
                Location { line: Some(line), column, ..Location::file(self.file) }.named(self.field)
            }
        }
    }

    /// The cell, unless it is empty.
    pub(super) fn if_any(self) -> Option<Self> {
        (!self.text.is_empty()).then_some(self)
    }

    /// The id that is written here.
    pub(super) fn id<T>(self, new: fn(&str) -> Result<T, InvalidId>, errors: &mut Errors) -> Option<T> {
        new(self.text).map_err(|error| errors.add(self.location(), error.to_string())).ok()
    }

    /// The instant that is written here.
    pub(super) fn instant(self, errors: &mut Errors) -> Option<Instant> {
        Instant::parse(self.text).map_err(|error| errors.add(self.location(), error.to_string())).ok()
    }

    /// The key that is written here.
    pub(super) fn key(self, errors: &mut Errors) -> Option<PublicKey> {
        PublicKey::parse(self.text).map_err(|error| errors.add(self.location(), error.to_string())).ok()
    }

    /// The number that is written here, when it lies in `range`.
    pub(super) fn number<T>(self, range: RangeInclusive<T>, errors: &mut Errors) -> Option<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let plain = !self.text.starts_with('+');
        match self.text.parse::<T>() {
            Ok(number) if plain && range.contains(&number) => Some(number),
            _ => {
                let (least, most) = range.into_inner();
                errors.add(self.location(), format!("`{}` is no number from {least} to {most}", self.text));
                None
            }
        }
    }

    /// One of these words.
    pub(super) fn one_of<T: Copy>(self, words: &[(&str, T)], errors: &mut Errors) -> Option<T> {
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == self.text) {
            return Some(*value);
        }
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        errors.add(self.location(), format!("`{}` is none of {}", self.text, list.join(", ")));
        None
    }
}

/// A name in three languages from the cells of a row.
pub(super) fn name([kk, ru, en]: [Cell<'_>; 3], errors: &mut Errors) -> Option<Text> {
    let mut good = true;
    for cell in [kk, ru, en] {
        if let Some(problem) = wrong_with_name(cell.text) {
            errors.add(cell.location(), problem);
            good = false;
        }
    }
    good.then(|| Text { kk: kk.text.into(), ru: ru.text.into(), en: en.text.into() })
}

/// Checks a name that is in one language only, and may be missing.
pub(super) fn check_optional_name(cell: Cell<'_>, errors: &mut Errors) {
    if let Some(problem) = cell.if_any().and_then(|cell| wrong_with_name(cell.text)) {
        errors.add(cell.location(), problem);
    }
}

/// Checks a name of `election.toml`.
pub(super) fn check_text(field: &str, text: &Spanned<Text>, toml: TomlText<'_>, errors: &mut Errors) {
    let Text { kk, ru, en } = text.get_ref();
    for (language, name) in [("kk", kk), ("ru", ru), ("en", en)] {
        if let Some(problem) = wrong_with_name(name) {
            errors.add(toml.location(&format!("{field}.{language}"), text), problem);
        }
    }
}

fn wrong_with_name(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("a name must not be empty: it is shown in all three languages".into());
    }
    if name.trim() != name {
        return Some(format!("`{name}` starts or ends with a space"));
    }
    if name.chars().any(char::is_control) {
        return Some("a name is one line, without control characters".into());
    }
    (name.len() > MAX_NAME_BYTES).then(|| format!("{} bytes, at most {MAX_NAME_BYTES}", name.len()))
}

/// The ids of one kind of thing, each with its place in the file's order.
pub(super) struct Known<'a> {
    what: &'static str,
    by_id: HashMap<&'a str, (usize, Cell<'a>)>,
}

impl<'a> Known<'a> {
    /// The ids of `cells`; one that is there twice goes to `errors`.
    pub(super) fn new(what: &'static str, cells: impl Iterator<Item = Cell<'a>>, errors: &mut Errors) -> Self {
        let mut by_id: HashMap<&str, (usize, Cell<'_>)> = HashMap::new();
        for (index, cell) in cells.enumerate() {
            match by_id.get(cell.text) {
                Some((_, first)) => {
                    let first = first.location().line.unwrap_or(0);
                    errors
                        .add(cell.location(), format!("{what} `{}` is there twice; first in line {first}", cell.text));
                }
                None => drop(by_id.insert(cell.text, (index, cell))),
            }
        }
        Self { what, by_id }
    }

    /// Whether there is a thing of this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// The place of the thing that the cell names.
    pub(super) fn find(&self, cell: Cell<'_>, errors: &mut Errors) -> Option<usize> {
        self.find_text(cell.text, || cell.location(), errors)
    }

    /// The place of the thing of this id.
    pub(super) fn find_text(&self, id: &str, at: impl Fn() -> Location, errors: &mut Errors) -> Option<usize> {
        if let Some((index, _)) = self.by_id.get(id) {
            return Some(*index);
        }
        errors.unknown(at(), self.what, id, self.by_id.keys().copied());
        None
    }
}

/// The character, from 0, at which a cell of a row starts.
fn start_of_cell(row: &str, cell: usize) -> usize {
    let (mut quoted, mut cells) = (false, 0);
    for (place, character) in row.chars().enumerate() {
        if cells == cell {
            return place;
        }
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells += 1,
            _ => {}
        }
    }
    row.chars().count()
}

#[cfg(test)]
mod tests {
    use super::start_of_cell;

    #[test]
    fn a_cell_starts_behind_the_commas_that_are_not_quoted() {
        assert_eq!(start_of_cell("a,\"қ,x\",c", 1), 2);
        assert_eq!(start_of_cell("a,\"қ,x\",c", 2), 8);
        assert_eq!(start_of_cell("a,", 1), 2);
    }
}
