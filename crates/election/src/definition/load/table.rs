//! A CSV file of the definition as rows of cells.

use super::cell::Cell;
use crate::definition::errors::{Errors, Location};

/// The most rows of `stations.csv`: ten times the largest country's stations would not fit one night's log.
pub(super) const MAX_STATIONS: usize = 1_000_000;
/// The most rows of `regions.csv`, `territories.csv` and `districts.csv` each: their indexes are 16 bits wide.
pub(super) const MAX_PLACES: usize = 10_000;
/// The most rows of `lists.csv` and `candidates.csv` each.
pub(super) const MAX_OPTION_ROWS: usize = 1_000_000;

/// A CSV file whose shape is right: header as documented, every row as wide as it.
pub(super) struct Table<'a, const N: usize> {
    file: &'static str,
    columns: [&'static str; N],
    text: &'a str,
    rows: Vec<Row>,
}

struct Row {
    line: u32,
    /// Where in the file it starts.
    byte: usize,
    record: csv::StringRecord,
}

impl<'a, const N: usize> Table<'a, N> {
    /// Reads a file; what is wrong with its shape goes to `errors`.
    pub(super) fn read(
        file: &'static str,
        columns: [&'static str; N],
        text: &'a str,
        most_rows: usize,
        errors: &mut Errors,
    ) -> Self {
        let mut table = Self { file, columns, text, rows: Vec::new() };
        if !table.check_header(errors) || !table.check_lines(errors) {
            return table;
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(text.as_bytes());
        for record in reader.records() {
            match record {
                Ok(record) => table.add(record, errors),
                Err(error) => errors.add(Location::file(file), error.to_string()),
            }
        }
        if table.rows.len() > most_rows {
            errors.add(Location::file(file), format!("{} rows, at most {most_rows}", table.rows.len()));
        }
        table
    }

    /// The rows, in the file's order, each as its cells in the order of the columns.
    pub(super) fn rows(&self) -> impl Iterator<Item = [Cell<'_>; N]> {
        self.rows.iter().map(move |row| {
            let from_row_on = self.text.get(row.byte..).unwrap_or("");
            std::array::from_fn(|i| {
                Cell::in_table(self.file, self.columns[i], row.record.get(i).unwrap_or(""), from_row_on, row.line, i)
            })
        })
    }

    fn check_header(&self, errors: &mut Errors) -> bool {
        let header = self.text.lines().next().unwrap_or("");
        let expected = self.columns.join(",");
        if header == expected {
            return true;
        }
        let location = Location { line: Some(1), ..Location::file(self.file) };
        errors.add_with_hint(location, format!("wrong header `{header}`"), format!("it must be `{expected}`"));
        false
    }

    /// A line is a row: the reader would skip empty lines, and let a quote that is never closed swallow the rest.
    fn check_lines(&self, errors: &mut Errors) -> bool {
        let mut good = true;
        for (line, text) in (1..).zip(self.text.lines()) {
            let location = || Location { line: Some(line), ..Location::file(self.file) };
            if text.is_empty() {
                errors.add(location(), "empty line");
                good = false;
            }
            if !text.bytes().filter(|&b| b == b'"').count().is_multiple_of(2) {
                errors.add_with_hint(location(), "a quote is not closed", "write a quote within quotes twice: \"\"");
                good = false;
            }
        }
        good
    }

    fn add(&mut self, record: csv::StringRecord, errors: &mut Errors) {
        let (line, byte) = record.position().map_or((0, 0), |position| (position.line(), position.byte()));
        let (line, byte) = (u32::try_from(line).unwrap_or(u32::MAX), usize::try_from(byte).unwrap_or(usize::MAX));
        if record.len() == N {
            return self.rows.push(Row { line, byte, record });
        }
        let location = Location { line: Some(line), ..Location::file(self.file) };
        let problem = format!("{} cells, but the header has {N}", record.len());
        errors.add_with_hint(location, problem, "put a cell with a comma in quotes");
    }
}
