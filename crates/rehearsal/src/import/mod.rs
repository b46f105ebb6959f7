//! Importing somebody else's files of a past election: by a mapping, into a definition and a recorded night
//! (`docs/import.md`).
//!
//! What is wrong with a whole file, or with the mapping, ends the import before anything is written. What is wrong with a
//! row leaves out that row alone, and the report names it.

mod cell;
mod definition;
mod error;
mod gathered;
mod mapping;
mod protocols;
mod source;
mod table;
pub(crate) mod toml_text;
mod turnout;

#[cfg(test)]
mod tests;

pub use error::{BadRow, ImportError};

use crate::recorded::{self, NightHead, RecordedNight, Said, Source, WriteNightError};
use gathered::Gathered;
use hattama_election::{
    definition::{Definition, DefinitionFiles, WriteError},
    digest::CoreDigest,
    ids::{AuthorityId, ElectionId},
    instant::Instant,
};
use mapping::{FilesMap, Mapping};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use table::Table;

/// The folder of the seven files below the one given.
pub const DEFINITION_FOLDER: &str = "definition";
/// The folder of the recorded night below the one given.
pub const NIGHT_FOLDER: &str = "night";
/// The most bad rows that a report lists; more are counted. Somebody has to read them.
pub const MAX_BAD_ROWS_LISTED: usize = 1_000;
/// How many rows are read between two words of progress.
const ROWS_BETWEEN_PROGRESS: u64 = 4_096;

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Rows of a file have been read.
    Reading {
        /// The file's name.
        file: String,
        /// How many so far.
        rows: u64,
    },
    /// The definition made from the mapping is being checked.
    Checking,
    /// A folder is being written.
    Writing {
        /// Which.
        folder: PathBuf,
    },
}

/// What an import has come to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// The election.
    pub election: ElectionId,
    /// The core of its definition.
    pub core_digest: CoreDigest,
    /// Stations.
    pub stations: u64,
    /// Of these, abroad by the mapping's marker.
    pub stations_abroad: u64,
    /// Of all stations, those whose register no row says: the definition has the mapping's `register_when_unknown` there.
    pub registers_unknown: u64,
    /// Protocols, repeats included.
    pub protocols: u64,
    /// Of these, equal in every byte to an earlier one: they count as duplicates.
    pub exact_repeats: u64,
    /// Protocols above revision 1, repeats left out.
    pub corrections: u64,
    /// Of the corrections, those whose revision before is not in the data.
    pub histories_incomplete: u64,
    /// Turnout reports.
    pub turnout_reports: u64,
    /// When the first arrived.
    pub first: Option<Instant>,
    /// When the last arrived.
    pub last: Option<Instant>,
    /// The files read.
    pub sources: Vec<Source>,
    /// Rows that were left out, at most [`MAX_BAD_ROWS_LISTED`].
    pub bad_rows: Vec<BadRow>,
    /// How many rows were left out in all.
    pub bad_rows_count: u64,
}

/// Imports `data` by the mapping file `mapping`, and writes `definition/` and `night/` below `out`.
///
/// # Errors
/// When the mapping or a whole file is wrong, or the folder cannot be written. What is wrong with a row is in the report.
pub fn import(
    mapping: &Path,
    data: &[PathBuf],
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ImportError> {
    let path = mapping;
    let mapping = Mapping::read(path)?;
    let gathered = gather(&mapping, data, progress)?;
    progress(Progress::Checking);
    let files = definition::files(&mapping, &gathered)?;
    let definition = Definition::load(&files)?;
    let wrong_id = |error: hattama_election::ids::InvalidId| ImportError::Mapping {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let head = NightHead {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        signer: AuthorityId::new(mapping::IMPORTER).map_err(wrong_id)?,
        contests: vec![definition::layout(&mapping).map_err(wrong_id)?],
        sources: gathered.sources.clone(),
    };
    let report = report(&definition, &gathered);
    let night = RecordedNight { head, events: gathered.events };
    store(&files, &night, out, progress)?;
    Ok(report)
}

/// Reads all files: protocols first, since they say which stations there are.
fn gather(mapping: &Mapping, data: &[PathBuf], progress: &mut dyn FnMut(Progress)) -> Result<Gathered, ImportError> {
    let (protocols, turnout) = sort_files(mapping, data)?;
    let mut gathered = Gathered::default();
    for path in protocols {
        let table = open(path, &mapping.protocols.files, &mut gathered)?;
        let mut counter = RowCounter::new(&table.file, progress);
        protocols::read(mapping, &table, &mut gathered, || counter.count())?;
        let rows = counter.rows;
        set_rows(&mut gathered, rows);
    }
    for path in turnout {
        let Some(map) = &mapping.turnout else { continue };
        let table = open(path, &map.files, &mut gathered)?;
        let mut counter = RowCounter::new(&table.file, progress);
        turnout::read(mapping, map, &table, &mut gathered, || counter.count())?;
        let rows = counter.rows;
        set_rows(&mut gathered, rows);
    }
    if !gathered.events.iter().any(|event| matches!(event.said, Said::Protocol { .. })) {
        let first = gathered.bad_rows.listed.first().map_or_else(|| "there are no rows".into(), BadRow::to_string);
        return Err(ImportError::NothingRead { bad_rows: gathered.bad_rows.count, first });
    }
    if gathered.events.len() > recorded::MAX_EVENTS {
        let problem =
            format!("{} rows, and a recorded night has at most {}", gathered.events.len(), recorded::MAX_EVENTS);
        return Err(ImportError::File { file: "all files together".into(), problem });
    }
    gathered.sort();
    gathered.link_revisions();
    Ok(gathered)
}

/// The files of protocols and those of turnout, each in order of their names: the order given does not matter.
fn sort_files<'a>(mapping: &Mapping, data: &'a [PathBuf]) -> Result<(Vec<&'a PathBuf>, Vec<&'a PathBuf>), ImportError> {
    let (mut protocols, mut turnout) = (Vec::new(), Vec::new());
    for path in data {
        let name = file_name(path);
        if mapping.protocols.files.matches(&name) {
            protocols.push(path);
        } else if mapping.turnout.as_ref().is_some_and(|map| map.files.matches(&name)) {
            turnout.push(path);
        } else {
            let maps = [Some(&mapping.protocols.files), mapping.turnout.as_ref().map(|map| &map.files)];
            let patterns = maps.into_iter().flatten().map(|map| format!("`{}`", map.name)).collect();
            return Err(ImportError::UnknownFile { file: name, patterns });
        }
    }
    if protocols.is_empty() {
        return Err(ImportError::NoProtocols { pattern: mapping.protocols.files.name.clone() });
    }
    for files in [&mut protocols, &mut turnout] {
        files.sort_by_key(|path| file_name(path));
    }
    Ok((protocols, turnout))
}

fn open(path: &Path, files: &FilesMap, gathered: &mut Gathered) -> Result<Table, ImportError> {
    let source = source::read(path)?;
    let name = file_name(path);
    let table = Table::read(&name, source.bytes, files.separator)?;
    gathered.sources.push(Source { name, sha256: source.sha256, rows: 0 });
    Ok(table)
}

fn set_rows(gathered: &mut Gathered, rows: u64) {
    gathered.sources.iter_mut().next_back().into_iter().for_each(|source| source.rows = rows);
}

/// Counts a file's rows, and says now and then how many.
struct RowCounter<'p> {
    file: String,
    rows: u64,
    progress: &'p mut dyn FnMut(Progress),
}

impl<'p> RowCounter<'p> {
    fn new(file: &str, progress: &'p mut dyn FnMut(Progress)) -> Self {
        Self { file: file.to_owned(), rows: 0, progress }
    }

    fn count(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_BETWEEN_PROGRESS) {
            (self.progress)(Progress::Reading { file: self.file.clone(), rows: self.rows });
        }
    }
}

fn report(definition: &Definition, gathered: &Gathered) -> ImportReport {
    let mut report = ImportReport {
        election: definition.id.clone(),
        core_digest: definition.core_digest,
        stations: gathered.stations.len() as u64,
        stations_abroad: gathered.stations.values().filter(|station| station.abroad).count() as u64,
        registers_unknown: gathered.stations.values().filter(|station| station.register().is_none()).count() as u64,
        protocols: 0,
        exact_repeats: 0,
        corrections: 0,
        histories_incomplete: 0,
        turnout_reports: 0,
        first: gathered.events.first().map(|event| event.at),
        last: gathered.events.last().map(|event| event.at),
        sources: gathered.sources.clone(),
        bad_rows: gathered.bad_rows.listed.clone(),
        bad_rows_count: gathered.bad_rows.count,
    };
    let mut seen = BTreeSet::new();
    for event in &gathered.events {
        let Said::Protocol { content, supersedes } = &event.said else {
            report.turnout_reports += 1;
            continue;
        };
        report.protocols += 1;
        if !seen.insert((event.at, content.digest())) {
            report.exact_repeats += 1;
        } else if content.revision > 1 {
            report.corrections += 1;
            report.histories_incomplete += u64::from(supersedes.is_none());
        }
    }
    report
}

fn store(
    files: &DefinitionFiles,
    night: &RecordedNight,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ImportError> {
    let folder = out.join(DEFINITION_FOLDER);
    progress(Progress::Writing { folder: folder.clone() });
    files.write(&folder).map_err(|WriteError { path, source }| ImportError::Unwritable { path, source })?;
    let folder = out.join(NIGHT_FOLDER);
    progress(Progress::Writing { folder: folder.clone() });
    recorded::write(&folder, night).map_err(|WriteNightError { path, source }| ImportError::Unwritable { path, source })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
