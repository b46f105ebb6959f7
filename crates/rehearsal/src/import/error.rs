//! What keeps an import from being done at all, and what keeps one row out.

use hattama_election::definition::LoadErrors;
use std::{fmt, io, path::PathBuf};

/// Why nothing was imported. What is wrong with a single row is a [`BadRow`].
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A compressed file cannot be decompressed.
    #[error("cannot decompress {}: {problem}", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The mapping is wrong.
    #[error("mapping {}: {problem}; docs/import.md describes the file", path.display())]
    Mapping {
        /// The mapping.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A data file fits no name of the mapping.
    #[error("{file}: no section of the mapping is for a file of this name; they are for {}", patterns.join(" and "))]
    UnknownFile {
        /// The file's name.
        file: String,
        /// The names that the mapping has.
        patterns: Vec<String>,
    },
    /// No file with protocols was given.
    #[error("no file is named like `{pattern}` (protocols.files.name): without protocols there is nothing to import")]
    NoProtocols {
        /// The name of the mapping.
        pattern: String,
    },
    /// A whole file is not written as the mapping says.
    #[error("{file}: {problem}")]
    File {
        /// The file's name.
        file: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// No row could be used.
    #[error("not one protocol could be read; the first of {bad_rows} bad rows: {first}")]
    NothingRead {
        /// How many rows were bad.
        bad_rows: u64,
        /// The first of them.
        first: String,
    },
    /// What the mapping says makes no definition.
    #[error("the definition made from the mapping is refused; correct the mapping, or the data behind it:\n{0}")]
    Definition(#[from] LoadErrors),
    /// A rehearsal key is weak.
    #[error(transparent)]
    Key(#[from] hattama_election::key::InvalidKey),
    /// A file cannot be written.
    #[error("cannot write {}: {source}; check that the folder can be written", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A row that was left out, alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BadRow {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The character at which the cell starts, from 1; 1 when the whole row is meant.
    pub column: u32,
    /// The name of the column, when it is about one.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)?;
        self.field.iter().try_for_each(|field| write!(f, " (column `{field}`)"))?;
        write!(f, ": {}", self.problem)
    }
}
