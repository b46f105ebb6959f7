//! What is wrong with a definition: all of it at once, each with its place and, where there is one, a hint.

use std::{collections::HashMap, fmt};

/// The most errors that one load lists: more than anybody mends in one go, and one slip in a file of ten thousand rows
/// must not fill a screen for minutes.
pub const MAX_ERRORS: usize = 50;

/// The furthest that an id may be from a known one to be suggested.
const MAX_DISTANCE: usize = 3;

/// Why a definition was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadErrors {
    /// The errors found, by file and line; at most [`MAX_ERRORS`].
    pub errors: Vec<LoadError>,
    /// How many more there are.
    pub left_out: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// Where it stands.
    pub location: Location,
    /// What is wrong.
    pub problem: String,
    /// What to do, or what was likely meant.
    pub hint: Option<String>,
}

/// A place in a file of the definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file's name.
    pub file: String,
    /// The line, from 1; none when the whole file is meant.
    pub line: Option<u32>,
    /// The character in the line, from 1; none when the whole line is meant.
    pub column: Option<u32>,
    /// The name of the CSV column or TOML field, when it is about one.
    pub field: Option<String>,
}

impl Location {
    /// A whole file.
    #[must_use]
    pub fn file(file: &str) -> Self {
        Self { file: file.into(), line: None, column: None, field: None }
    }

    /// The place of a byte in a file's text.
    #[must_use]
    pub fn of_byte(file: &str, text: &[u8], byte: usize) -> Self {
        let before = &text[..byte.min(text.len())];
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
        // Characters, not bytes: what an editor shows. Bytes that continue a character do not start one.
        let column = before[start..].iter().filter(|&&b| b & 0b1100_0000 != 0b1000_0000).count() + 1;
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        Self { line: u32::try_from(line).ok(), column: u32::try_from(column).ok(), ..Self::file(file) }
    }

    /// The same place, with the name of its field.
    #[must_use]
    pub fn named(self, field: &str) -> Self {
        Self { field: (!field.is_empty()).then(|| field.into()), ..self }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        match &self.field {
            Some(field) if self.file.ends_with(".csv") => write!(f, " (column `{field}`)"),
            Some(field) => write!(f, " (field `{field}`)"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.problem)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        if self.left_out > 0 {
            write!(f, "\nand {} more", self.left_out)?;
        }
        Ok(())
    }
}

/// Collects errors while a definition is read.
#[derive(Debug, Default)]
pub(super) struct Errors {
    listed: Vec<LoadError>,
    left_out: usize,
    /// What was unknown: where it is listed, and how often it stood elsewhere. One id that is missing in one file is one
    /// slip, however many rows name it.
    unknown: HashMap<(String, String), (usize, usize)>,
}

impl Errors {
    /// Notes an error.
    pub(super) fn add(&mut self, location: Location, problem: impl Into<String>) {
        self.push(location, problem.into(), None);
    }

    /// Notes an error and what to do about it.
    pub(super) fn add_with_hint(&mut self, location: Location, problem: impl Into<String>, hint: impl Into<String>) {
        self.push(location, problem.into(), Some(hint.into()));
    }

    /// Notes that `text` names nothing known, and suggests the nearest of what is.
    pub(super) fn unknown<'k>(
        &mut self,
        location: Location,
        what: &str,
        text: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let key = (what.to_owned(), text.to_owned());
        if let Some((_, elsewhere)) = self.unknown.get_mut(&key) {
            *elsewhere += 1;
        } else if self.full() {
            self.left_out += 1;
        } else {
            self.unknown.insert(key, (self.listed.len(), 0));
            self.push(location, format!("unknown {what} `{text}`"), did_you_mean(text, known));
        }
    }

    fn push(&mut self, location: Location, problem: String, hint: Option<String>) {
        if self.full() {
            self.left_out += 1;
        } else {
            self.listed.push(LoadError { location, problem, hint });
        }
    }

    fn full(&self) -> bool {
        self.listed.len() >= MAX_ERRORS
    }

    /// True when nothing was wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// What was found, by file and line.
    pub(super) fn finish(mut self) -> LoadErrors {
        for (index, elsewhere) in self.unknown.into_values().filter(|(_, elsewhere)| *elsewhere > 0) {
            let places = if elsewhere == 1 { "place" } else { "places" };
            self.listed[index].problem += &format!(" (and in {elsewhere} more {places})");
        }
        self.listed.sort_by(|a, b| a.location.cmp(&b.location));
        LoadErrors { errors: self.listed, left_out: self.left_out }
    }
}

/// "did you mean …?" with the nearest of `known`, when one is near enough.
pub(super) fn did_you_mean<'k>(text: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let limit = MAX_DISTANCE.min(text.chars().count().div_ceil(2));
    let nearest = known.map(|id| (edit_distance(text, id), id)).min()?;
    (nearest.0 <= limit).then(|| format!("did you mean `{}`?", nearest.1))
}

/// How many characters must be put in, taken out or replaced to make one text of the other (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_id_is_suggested_and_a_far_one_is_not() {
        let known = ["kz-10", "kz-71", "abroad"];
        assert_eq!(did_you_mean("kz-1O", known.into_iter()).unwrap(), "did you mean `kz-10`?");
        assert_eq!(did_you_mean("nowhere-at-all", known.into_iter()), None);
        assert_eq!(did_you_mean("x", std::iter::empty()), None);
    }

    #[test]
    fn the_edit_distance_counts_insertions_deletions_and_replacements() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("қала", "қала"), 0);
    }

    #[test]
    fn a_place_is_counted_in_characters_from_one() {
        let text = "а,b\nқ,дx".as_bytes();
        let x = text.len() - 1;
        assert_eq!(Location::of_byte("f.csv", text, x).to_string(), "f.csv:2:4");
        assert_eq!(Location::of_byte("f.csv", text, 0).named("id").to_string(), "f.csv:1:1 (column `id`)");
    }

    #[test]
    fn errors_over_the_limit_are_counted() {
        let mut errors = Errors::default();
        (0..MAX_ERRORS + 3).for_each(|_| errors.add(Location::file("f.csv"), "wrong"));
        let errors = errors.finish();
        assert_eq!((errors.errors.len(), errors.left_out), (MAX_ERRORS, 3));
        assert!(errors.to_string().ends_with("f.csv: wrong\nand 3 more"));
    }
}
