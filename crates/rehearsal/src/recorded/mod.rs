//! A recorded night: what stations of a past election sent, when, and in which order (`docs/import.md`).
//!
//! A folder of two files. `night.toml` says which definition the night belongs to, who signs, where the figures come from
//! and how they are laid out; `events.csv` has one row for each submission, in the order of arrival. Everything is signed
//! by the importer, when it is played: the stations' own signatures are not in anybody's files.

mod event;
mod row;
mod script;
mod write;

pub use event::{RecordedEvent, Said};
pub use write::{WriteNightError, write};

use hattama_election::{
    definition::Definition,
    digest::CoreDigest,
    form::LineMeaning,
    ids::{AuthorityId, ContestId, ElectionId, OptionId},
};
use serde::Deserialize;
use std::{
    io,
    path::{Path, PathBuf},
};

/// The layout of the two files; another one is another format.
pub const FORMAT: &str = "hattama/recorded-night/1";
/// What the night is.
pub const HEAD_FILE: &str = "night.toml";
/// What was sent.
pub const EVENTS_FILE: &str = "events.csv";
/// The first line of [`EVENTS_FILE`].
pub const EVENTS_HEADER: &str = "at,kind,station,of,revision,supersedes,figures";
/// The most events of a night: those of a million stations.
pub const MAX_EVENTS: usize = 10_000_000;

/// A whole recorded night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedNight {
    /// What it is.
    pub head: NightHead,
    /// What was sent, in the order of arrival.
    pub events: Vec<RecordedEvent>,
}

/// What a recorded night is: `night.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NightHead {
    /// The election.
    pub election: ElectionId,
    /// The definition that it was imported with: its bytes mean nothing under another one.
    pub core_digest: CoreDigest,
    /// The authority that signs everything.
    pub signer: AuthorityId,
    /// How each contest's figures are laid out.
    pub contests: Vec<ContestLayout>,
    /// The files that it was made from.
    pub sources: Vec<Source>,
}

/// The order of a contest's figures: lines, options, against all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestLayout {
    /// The contest.
    pub id: ContestId,
    /// Its lines.
    pub lines: Vec<LineMeaning>,
    /// Its options in ballot order.
    pub options: Vec<OptionId>,
    /// Whether "against all" follows.
    pub against_all: bool,
}

/// A file that figures were taken from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes as given, in hexadecimal.
    pub sha256: String,
    /// Its rows, bad ones too.
    pub rows: u64,
}

/// Why a night cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadNightError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; a recorded night is a folder with {HEAD_FILE} and {EVENTS_FILE}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file says what it must not.
    #[error("{}{}: {problem}; import the night again", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
    },
    /// The night is of another definition.
    #[error(
        "the night is of {night}, but the definition is {definition}: play it with the definition imported beside it"
    )]
    Foreign {
        /// Election and core of the night.
        night: String,
        /// Election and core of the definition.
        definition: String,
    },
}

/// Reads the night in a folder.
///
/// # Errors
/// When a file is missing or not as [`write()`] leaves it.
pub fn read(folder: &Path) -> Result<RecordedNight, ReadNightError> {
    let head_path = folder.join(HEAD_FILE);
    let head = read_head(&text_of(&head_path)?).map_err(|problem| ReadNightError::Wrong {
        path: head_path,
        line: None,
        problem,
    })?;
    let path = folder.join(EVENTS_FILE);
    let text = text_of(&path)?;
    let events = read_events(&text, &head).map_err(|(line, problem)| ReadNightError::Wrong {
        path,
        line: Some(line),
        problem,
    })?;
    Ok(RecordedNight { head, events })
}

impl RecordedNight {
    /// Refuses another definition than the one that the night was imported with.
    ///
    /// # Errors
    /// When election or core differ.
    pub fn check(&self, definition: &Definition) -> Result<(), ReadNightError> {
        let shown = |election: &ElectionId, core: &CoreDigest| format!("{election} with core {}", core.short());
        if self.head.election == definition.id && self.head.core_digest == definition.core_digest {
            return Ok(());
        }
        Err(ReadNightError::Foreign {
            night: shown(&self.head.election, &self.head.core_digest),
            definition: shown(&definition.id, &definition.core_digest),
        })
    }
}

fn text_of(path: &Path) -> Result<String, ReadNightError> {
    std::fs::read_to_string(path).map_err(|source| ReadNightError::Unreadable { path: path.to_owned(), source })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadToml {
    format: String,
    election: String,
    core_digest: String,
    signer: String,
    contests: Vec<ContestToml>,
    sources: Vec<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContestToml {
    id: String,
    lines: Vec<LineMeaning>,
    options: Vec<String>,
    against_all: bool,
}

fn read_head(text: &str) -> Result<NightHead, String> {
    let head: HeadToml = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    if head.format != FORMAT {
        return Err(format!("its format is `{}`, and this build reads `{FORMAT}`", head.format));
    }
    let said = |error: hattama_election::ids::InvalidId| error.to_string();
    let contest = |contest: ContestToml| {
        let options = contest.options.iter().map(|option| OptionId::new(option)).collect::<Result<_, _>>();
        Ok(ContestLayout {
            id: ContestId::new(&contest.id).map_err(said)?,
            lines: contest.lines,
            options: options.map_err(said)?,
            against_all: contest.against_all,
        })
    };
    Ok(NightHead {
        election: ElectionId::new(&head.election).map_err(said)?,
        core_digest: CoreDigest::from_hex(&head.core_digest).ok_or("core_digest: no SHA-256 digest")?,
        signer: AuthorityId::new(&head.signer).map_err(said)?,
        contests: head.contests.into_iter().map(contest).collect::<Result<_, String>>()?,
        sources: head.sources,
    })
}

fn read_events(text: &str, head: &NightHead) -> Result<Vec<RecordedEvent>, (usize, String)> {
    let mut lines = (1..).zip(text.lines());
    if lines.next().is_none_or(|(_, header)| header != EVENTS_HEADER) {
        return Err((1, format!("the header must be `{EVENTS_HEADER}`")));
    }
    let mut events: Vec<RecordedEvent> = Vec::new();
    for (number, line) in lines {
        let event = row::read(line, head).map_err(|problem| (number, problem))?;
        if events.last().is_some_and(|before| before.at > event.at) {
            return Err((number, "earlier than the row before".into()));
        }
        if events.len() == MAX_EVENTS {
            return Err((number, format!("more than {MAX_EVENTS} events")));
        }
        events.push(event);
    }
    Ok(events)
}
