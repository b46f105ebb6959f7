//! Somebody else's CSV file as rows of cells. A line is a row, so that a quote that is never closed harms one row only.

use super::{BadRow, ImportError};
use std::borrow::Cow;

/// The most columns of a header that an error lists.
const MAX_LISTED_COLUMNS: usize = 40;

/// A file whose encoding and header are right.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) file: String,
    separator: char,
    header: Vec<String>,
    text: String,
}

/// One row with as many cells as the header.
pub(super) struct Row<'a> {
    table: &'a Table,
    line: u32,
    /// As it stands in the file.
    raw: &'a str,
    cells: Vec<(usize, Cow<'a, str>)>,
}

impl Table {
    /// Reads a file's bytes: UTF-8 with or without a byte order mark, lines that end with `\n` or `\r\n`.
    pub(super) fn read(file: &str, bytes: Vec<u8>, separator: char) -> Result<Self, ImportError> {
        let refused = |problem: String| ImportError::File { file: file.into(), problem };
        let text = text(bytes).map_err(refused)?;
        let first = text.lines().next().filter(|line| !line.trim().is_empty());
        let first = first.ok_or_else(|| refused("the first line must be the header, but it is empty".into()))?;
        let cells = split(first, separator).map_err(|problem| refused(format!("line 1: {problem}")))?;
        let header: Vec<String> = cells.iter().map(|(_, cell)| cell.trim().to_owned()).collect();
        if let [only] = header.as_slice()
            && let Some(other) = [',', ';', '\t'].into_iter().find(|&c| c != separator && only.contains(c))
        {
            let problem = format!(
                "the header is one cell: the mapping says that {} separates cells, but this line has {}; correct `separator`",
                shown(separator),
                shown(other)
            );
            return Err(refused(problem));
        }
        Ok(Self { file: file.into(), separator, header, text })
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Result<usize, ImportError> {
        let refused = |problem: String| ImportError::File { file: self.file.clone(), problem };
        let mut places = self.header.iter().enumerate().filter(|(_, column)| *column == name).map(|(place, _)| place);
        let Some(place) = places.next() else {
            let columns: Vec<String> =
                self.header.iter().take(MAX_LISTED_COLUMNS).map(|name| format!("`{name}`")).collect();
            let more = if self.header.len() > MAX_LISTED_COLUMNS { " …" } else { "" };
            let problem = format!("no column `{name}`; the header has {}{more}", columns.join(", "));
            return Err(refused(problem));
        };
        match places.next() {
            Some(_) => {
                Err(refused(format!("the header has column `{name}` twice: nobody can tell which one is meant")))
            }
            None => Ok(place),
        }
    }

    /// The rows in the file's order, each good or bad. Empty lines are none.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row<'_>, BadRow>> {
        (1..).zip(self.text.lines()).skip(1).filter(|(_, raw)| !raw.is_empty()).map(|(line, raw)| {
            let bad = |problem| BadRow { file: self.file.clone(), line, column: 1, field: None, problem };
            let cells = split(raw, self.separator).map_err(bad)?;
            if cells.len() != self.header.len() {
                return Err(bad(format!("{} cells, but the header has {}", cells.len(), self.header.len())));
            }
            Ok(Row { table: self, line, raw, cells })
        })
    }
}

impl<'a> Row<'a> {
    /// The cell at a column's place, without spaces around it.
    pub(super) fn cell(&self, place: usize) -> &str {
        self.cells.get(place).map_or("", |(_, cell)| cell.trim())
    }

    /// File and line.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.table.file, self.line)
    }

    /// This row, wrong in the cell at a column's place.
    pub(super) fn bad(&self, place: usize, problem: impl Into<String>) -> BadRow {
        let start = self.cells.get(place).map_or(0, |(start, _)| *start);
        let column = self.raw.get(..start).unwrap_or("").chars().count() + 1;
        BadRow {
            file: self.table.file.clone(),
            line: self.line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
            field: self.table.header.get(place).cloned(),
            problem: problem.into(),
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err("this is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)".into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|&&b| b == b'\n').count() + 1;
        format!(
            "line {line} is not UTF-8: save the file as UTF-8 (iconv -f WINDOWS-1250 -t UTF-8, or whatever it is in)"
        )
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let text = if text.contains('\r') { text.replace("\r\n", "\n") } else { text };
    match text.find('\r') {
        Some(at) => {
            let line = text[..at].matches('\n').count() + 1;
            Err(format!("line {line} has a carriage return of its own: save the file with \\n or \\r\\n line ends"))
        }
        None => Ok(text),
    }
}

/// Cells of a line (RFC 4180) and the byte at which each starts.
fn split(line: &str, separator: char) -> Result<Vec<(usize, Cow<'_, str>)>, String> {
    let mut cells = Vec::new();
    let mut start = 0;
    loop {
        let rest = &line[start..];
        let (cell, length) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (cell, length) = unquote(quoted, separator)?;
                (Cow::Owned(cell), length + 1)
            }
            None => {
                let length = rest.find(separator).unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..length]), length)
            }
        };
        cells.push((start, cell));
        start += length;
        if start >= line.len() {
            return Ok(cells);
        }
        start += separator.len_utf8();
    }
}

/// The text of a cell behind its first quote, and its bytes up to behind its last.
fn unquote(rest: &str, separator: char) -> Result<(String, usize), String> {
    let mut cell = String::new();
    let mut from = 0;
    while let Some(quote) = rest[from..].find('"').map(|quote| from + quote) {
        cell.push_str(&rest[from..quote]);
        let behind = &rest[quote + 1..];
        if behind.starts_with('"') {
            cell.push('"');
            from = quote + 2;
        } else if behind.is_empty() || behind.starts_with(separator) {
            return Ok((cell, quote + 1));
        } else {
            return Err("text behind the closing quote of a cell; a quote within quotes is written twice: \"\"".into());
        }
    }
    Err("a quote is not closed in this line; a cell may not hold a line end".into())
}

fn shown(separator: char) -> String {
    if separator == '\t' { "a tab".into() } else { format!("`{separator}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, separator: char) -> Result<Table, ImportError> {
        Table::read("f.csv", text.as_bytes().to_vec(), separator)
    }

    fn cells(line: &str) -> Result<Vec<(usize, String)>, String> {
        Ok(split(line, ',')?.into_iter().map(|(start, cell)| (start, cell.into_owned())).collect())
    }

    fn problem(bytes: &[u8], separator: char) -> String {
        Table::read("f.csv", bytes.to_vec(), separator).unwrap_err().to_string()
    }

    #[test]
    fn a_line_is_split_at_separators_outside_quotes() {
        let owned = |cells: &[(usize, &str)]| Ok(cells.iter().map(|(at, cell)| (*at, (*cell).to_owned())).collect());
        assert_eq!(cells("a,,c"), owned(&[(0, "a"), (2, ""), (3, "c")]));
        assert_eq!(cells("ș,\"b,\"\"b\"\"\",c,"), owned(&[(0, "ș"), (3, "b,\"b\""), (13, "c"), (15, "")]));
        assert_eq!(cells("\"\""), owned(&[(0, "")]));
        assert!(cells("a,\"b").unwrap_err().contains("not closed"));
        assert!(cells("\"b\"c,d").unwrap_err().contains("behind the closing quote"));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_dropped() {
        let table = table("\u{feff}a;b\r\n1;2\r\n\r\n3;4\r\n", ';').unwrap();
        assert_eq!((table.column("a").unwrap(), table.column("b").unwrap()), (0, 1));
        let rows: Vec<(u32, String)> =
            table.rows().map(|row| row.map(|row| (row.line, row.cell(1).to_owned())).unwrap()).collect();
        assert_eq!(rows, [(2, "2".to_owned()), (4, "4".to_owned())]);
    }

    #[test]
    fn what_is_no_utf_8_text_is_refused_with_its_line() {
        assert!(problem(b"a,b\n1,\xe3\n", ',').contains("line 2 is not UTF-8"));
        assert!(problem(b"\xff\xfea\0", ',').contains("UTF-16"));
        assert!(problem(b"a,b\r1,2\r", ',').contains("line 1 has a carriage return"));
        assert!(problem(b"\n1,2\n", ',').contains("the first line must be the header"));
    }

    #[test]
    fn another_separator_than_the_mapping_says_is_named() {
        assert!(problem(b"a;b\n1;2\n", ',').contains("`,` separates cells, but this line has `;`"));
        assert!(problem(b"a\tb\n", ';').contains("but this line has a tab"));
    }

    #[test]
    fn a_column_that_is_missing_or_there_twice_is_refused() {
        let table = table("a,b,b\n", ',').unwrap();
        assert!(table.column("c").unwrap_err().to_string().contains("no column `c`; the header has `a`, `b`, `b`"));
        assert!(table.column("b").unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn a_row_of_another_width_is_bad_and_the_next_one_is_not() {
        let table = table("a,b\n1\n\"1,2\n1,2\n", ',').unwrap();
        let rows: Vec<Result<u32, String>> =
            table.rows().map(|row| row.map(|row| row.line).map_err(|bad| bad.to_string())).collect();
        assert_eq!(rows[0], Err("f.csv:2:1: 1 cells, but the header has 2".to_owned()));
        assert!(rows[1].as_ref().unwrap_err().starts_with("f.csv:3:1: a quote is not closed"));
        assert_eq!(rows[2], Ok(4));
    }
}
