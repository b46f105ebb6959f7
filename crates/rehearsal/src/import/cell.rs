//! What a cell may be read as: a count, a time, a text made from several cells.

use super::{
    BadRow, ImportError,
    mapping::ArrivalMap,
    table::{Row, Table},
};
use hattama_election::{instant::Instant, protocol::MAX_COUNT};
use std::collections::BTreeMap;

/// Look-up tables by name.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// The count in a cell; `thousands` may stand between groups of three digits.
pub(super) fn count(row: &Row<'_>, place: usize, thousands: &str) -> Result<u32, BadRow> {
    read_count(row.cell(place), thousands).map_err(|problem| row.bad(place, problem))
}

/// The instant in a cell of local time.
pub(super) fn instant(row: &Row<'_>, place: usize, map: &ArrivalMap) -> Result<Instant, BadRow> {
    let text = row.cell(place);
    let bad = |_| row.bad(place, format!("`{text}` is no time written like `{}`", map.format));
    let local = jiff::civil::DateTime::strptime(&map.format, text).map_err(bad)?;
    let utc = local.to_zoned(jiff::tz::TimeZone::UTC).map_err(bad)?.timestamp().as_second();
    Ok(Instant(utc - i64::from(map.utc_offset_minutes) * 60))
}

fn read_count(text: &str, thousands: &str) -> Result<u32, String> {
    let is_separator = |c: char| thousands.contains(c);
    let grouped = text.contains(is_separator);
    let digits: String = text.chars().filter(|c| !is_separator(*c)).collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(no_count(text));
    }
    if grouped && !is_grouped(text, is_separator) {
        return Err(format!("`{text}`: what separates thousands must stand between groups of three digits"));
    }
    match digits.parse() {
        Ok(count) if count <= MAX_COUNT => Ok(count),
        _ => Err(format!("{digits} is above {MAX_COUNT}: no station has so many")),
    }
}

/// 1 to 3 digits, then groups of three, all behind the same separator.
fn is_grouped(text: &str, is_separator: impl Fn(char) -> bool + Copy) -> bool {
    let separators: Vec<char> = text.chars().filter(|c| is_separator(*c)).collect();
    let mut groups = text.split(is_separator);
    let first = groups.next().unwrap_or("");
    (1..=3).contains(&first.len())
        && groups.all(|group| group.len() == 3)
        && separators.windows(2).all(|pair| pair[0] == pair[1])
}

fn no_count(text: &str) -> String {
    let other = text.chars().find(|c| !c.is_ascii_digit());
    let digits = text.chars().any(|c| c.is_ascii_digit());
    match other {
        _ if text.is_empty() => "a count is missing".into(),
        Some(c) if digits && c != '-' && c != '+' && !c.is_alphabetic() => {
            format!("`{text}` is no count; if `{}` separates thousands, add it to `thousands`", c.escape_debug())
        }
        _ => format!("`{text}` is no count"),
    }
}

/// A text made from cells: `{column}`, `{column|table}` looked up, `{column:4}` with zeros up to a width.
#[derive(Debug)]
pub(super) struct Template<'m> {
    parts: Vec<Part<'m>>,
}

#[derive(Debug)]
enum Part<'m> {
    Literal(&'m str),
    Cell { place: usize, width: usize, table: Option<(&'m str, &'m BTreeMap<String, String>)> },
}

impl<'m> Template<'m> {
    /// Reads a template against a file's header.
    pub(super) fn new(text: &'m str, table: &Table, tables: &'m Tables) -> Result<Self, ImportError> {
        let wrong = |problem: &str| ImportError::File {
            file: table.file.clone(),
            problem: format!("the mapping's template `{text}`: {problem}"),
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('{') {
            let (inner, behind) = behind.split_once('}').ok_or_else(|| wrong("a `{` without its `}`"))?;
            let (inner, lookup) = match inner.split_once('|') {
                Some((inner, name)) => {
                    let entries = tables.get(name).ok_or_else(|| wrong(&format!("there is no [tables.{name}]")))?;
                    (inner, Some((name, entries)))
                }
                None => (inner, None),
            };
            let (column, width) = match inner.rsplit_once(':') {
                Some((column, width)) => (column, width.parse().map_err(|_| wrong("a width is a number"))?),
                None => (inner, 0),
            };
            parts.push(Part::Literal(literal));
            parts.push(Part::Cell { place: table.column(column)?, width, table: lookup });
            rest = behind;
        }
        parts.push(Part::Literal(rest));
        Ok(Self { parts })
    }

    /// The text that a row makes.
    pub(super) fn fill(&self, row: &Row<'_>) -> Result<String, BadRow> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Cell { place, width, table } => {
                    let cell = row.cell(*place);
                    let cell = match table {
                        None => cell,
                        Some((name, entries)) => entries.get(cell).ok_or_else(|| {
                            row.bad(*place, format!("[tables.{name}] of the mapping has no `{cell}`"))
                        })?,
                    };
                    let missing = width.saturating_sub(cell.chars().count());
                    text.extend(std::iter::repeat_n('0', missing));
                    text.push_str(cell);
                }
            }
        }
        Ok(text)
    }

    /// An id that a row makes: as [`Self::fill`], with small ASCII letters.
    pub(super) fn id<Id, E: std::fmt::Display>(
        &self,
        row: &Row<'_>,
        new: fn(&str) -> Result<Id, E>,
    ) -> Result<Id, BadRow> {
        let text = self.fill(row)?.to_ascii_lowercase();
        new(&text).map_err(|error| row.bad(self.first_place(), error.to_string()))
    }

    /// The first column that it takes from: where an error points.
    pub(super) fn first_place(&self) -> usize {
        let places = self.parts.iter().find_map(|part| match part {
            Part::Cell { place, .. } => Some(*place),
            Part::Literal(_) => None,
        });
        places.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hattama_election::ids::StationId;

    #[test]
    fn thousands_may_be_separated_by_what_the_mapping_names() {
        let thousands = " \u{a0}.'";
        for (text, count) in
            [("0", 0), ("12", 12), ("1 234", 1_234), ("1\u{a0}234\u{a0}567", 1_234_567), ("12.345", 12_345)]
        {
            assert_eq!(read_count(text, thousands), Ok(count), "{text}");
        }
        for wrong in ["1 23", "1234 567", "1.5", " 123", ".123", "1 234.567", "12,5", "-1", "+1", "1e3", "", "99999999"]
        {
            assert!(read_count(wrong, thousands).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_separator_that_the_mapping_does_not_name_is_proposed() {
        assert!(read_count("1 234", "").unwrap_err().contains("if ` ` separates thousands, add it"));
        assert!(!read_count("-5", "").unwrap_err().contains("thousands"));
    }

    #[test]
    fn a_template_pads_looks_up_and_makes_letters_small() {
        let table = Table::read("f.csv", "county,nr\nAB,7\n9,12\n".into(), ',').unwrap();
        let tables: Tables = [("codes".to_owned(), [("AB".to_owned(), "X1".to_owned())].into())].into();
        let template = Template::new("{county|codes}-{nr:3}", &table, &tables).unwrap();
        let filled: Vec<_> = table.rows().map(|row| template.id(&row.unwrap(), StationId::new)).collect();
        assert_eq!(filled[0].as_ref().unwrap().as_str(), "x1-007");
        assert_eq!(
            filled[1].as_ref().unwrap_err().to_string(),
            "f.csv:3:1 (column `county`): [tables.codes] of the mapping has no `9`"
        );
        for wrong in ["{county", "{county|none}", "{county:x}", "{nothing}"] {
            assert!(Template::new(wrong, &table, &tables).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_local_time_becomes_an_instant() {
        let table = Table::read("f.csv", "at\n09.06.2024 14:33\n2024-06-09\n".into(), ',').unwrap();
        let map = ArrivalMap { column: "at".into(), format: "%d.%m.%Y %H:%M".into(), utc_offset_minutes: 180 };
        let read: Vec<_> = table.rows().map(|row| instant(&row.unwrap(), 0, &map)).collect();
        assert_eq!(read[0], Ok(Instant::parse("2024-06-09T14:33:00+03:00").unwrap()));
        assert!(read[1].as_ref().unwrap_err().problem.contains("%d.%m.%Y"));
    }
}
