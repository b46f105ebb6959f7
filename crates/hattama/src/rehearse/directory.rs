//! The folder of a rehearsal: whose night lies in it, and whether this one may go on there.

use hattama_election::digest::CoreDigest;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Says whose night a folder holds.
const MARKER: &str = "rehearsal.json";
/// The same while it is written.
const UNFINISHED_MARKER: &str = "rehearsal.json.unfinished";
const FORMAT: &str = "hattama/rehearsal/1";

/// Whose night it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    format: String,
    /// Election id.
    pub election: String,
    /// Core digest of the definition.
    pub core_digest: String,
    /// Which night: `seed 2023`, or `recorded <digest>`.
    pub night: String,
    /// Generation of the log.
    pub generation: u32,
    /// Whether the log lies on a Kafka cluster, and only the journals in the folder.
    #[serde(default)]
    pub on_kafka: bool,
}

impl Marker {
    /// The marker of a night.
    pub fn new(election: &str, core_digest: &CoreDigest, night: String, generation: u32, on_kafka: bool) -> Self {
        Self {
            format: FORMAT.to_owned(),
            election: election.to_owned(),
            core_digest: core_digest.to_string(),
            night,
            generation,
            on_kafka,
        }
    }

    /// Where its log lies, in words.
    fn place(&self) -> &'static str {
        if self.on_kafka { "on Kafka" } else { "embedded" }
    }

    /// Whether it is the same night on the same kind of log, of whichever generation.
    pub fn is_night_of(&self, other: &Self) -> bool {
        *self == Self { generation: self.generation, ..other.clone() }
    }
}

/// A folder that this rehearsal may use.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    /// True when an earlier run of the same night lies in it.
    pub goes_on: bool,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds another night.
    #[error(
        "{} holds another night ({} {}, core {}, log {}): this one is {} {}, core {}, log {}; name another --log-dir, or delete it",
        path.display(), found.election, found.night, short(&found.core_digest), found.place(),
        wanted.election, wanted.night, short(&wanted.core_digest), wanted.place()
    )]
    AnotherNight {
        /// Which.
        path: PathBuf,
        /// What lies in it.
        found: Box<Marker>,
        /// What was asked for.
        wanted: Box<Marker>,
    },
    /// It holds something that is no rehearsal.
    #[error("{} is not empty and holds no rehearsal: name an empty folder, or one that a rehearsal made", path.display())]
    NoRehearsal {
        /// Which.
        path: PathBuf,
    },
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

impl Directory {
    /// Claims a folder for a night; with `anew` an earlier rehearsal in it is deleted first.
    pub fn claim(path: &Path, marker: &Marker, anew: bool) -> Result<Self, DirectoryError> {
        let io = |source| DirectoryError::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(io)?;
        let found = Self::marker(path)?;
        if found.is_none() && holds_anything(path).map_err(io)? {
            return Err(DirectoryError::NoRehearsal { path: path.to_owned() });
        }
        match found {
            Some(found) if !anew && found != *marker => Err(DirectoryError::AnotherNight {
                path: path.to_owned(),
                found: Box::new(found),
                wanted: Box::new(marker.clone()),
            }),
            Some(_) if !anew => Ok(Self { path: path.to_owned(), goes_on: true }),
            Some(_) => {
                fs::remove_dir_all(path).map_err(io)?;
                fs::create_dir_all(path).map_err(io)?;
                Self::mark(path, marker)
            }
            None => Self::mark(path, marker),
        }
    }

    /// The marker of a folder; none when it has none.
    pub fn marker(path: &Path) -> Result<Option<Marker>, DirectoryError> {
        let text = match fs::read_to_string(path.join(MARKER)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DirectoryError::Io { path: path.join(MARKER), source }),
        };
        let marker: Marker = serde_json::from_str(&text)
            .map_err(|error| DirectoryError::Io { path: path.join(MARKER), source: error.into() })?;
        Ok(Some(marker))
    }

    fn mark(path: &Path, marker: &Marker) -> Result<Self, DirectoryError> {
        let io = |source| DirectoryError::Io { path: path.join(MARKER), source };
        let text = serde_json::to_string_pretty(marker).map_err(|error| io(error.into()))?;
        // Written whole or not at all: whoever kills a rehearsal must be able to go on.
        let unfinished = path.join(UNFINISHED_MARKER);
        fs::write(&unfinished, text + "\n").map_err(io)?;
        fs::rename(&unfinished, path.join(MARKER)).map_err(io)?;
        Ok(Self { path: path.to_owned(), goes_on: false })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log lies.
    pub fn log(&self) -> PathBuf {
        log_of(&self.path)
    }

    /// Where a gateway's journal lies, from 1.
    pub fn gateway(&self, number: u8) -> PathBuf {
        self.path.join(format!("gateway-{number}"))
    }

    /// Where services that are processes of their own write their log lines.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Where the definition of the night is kept.
    pub fn definition(&self) -> PathBuf {
        definition_of(&self.path)
    }

    /// Where the night is exported to when it is over.
    pub fn export(&self) -> PathBuf {
        self.path.join("export")
    }
}

/// Where the log of a rehearsal's folder lies.
pub fn log_of(path: &Path) -> PathBuf {
    path.join("log")
}

/// Where the definition of a rehearsal's folder lies.
pub fn definition_of(path: &Path) -> PathBuf {
    path.join("definition")
}

/// True when something lies in a folder; a marker that was never finished is nothing.
fn holds_anything(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        if entry?.file_name() != UNFINISHED_MARKER {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(seed: u64) -> Marker {
        Marker::new("kz-2023", &CoreDigest([7; 32]), format!("seed {seed}"), 1, false)
    }

    #[test]
    fn a_folder_of_another_seed_is_refused_and_the_same_night_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d");
        assert!(!Directory::claim(&path, &marker(1), false).unwrap().goes_on);
        assert!(Directory::claim(&path, &marker(1), false).unwrap().goes_on);
        let error = Directory::claim(&path, &marker(2), false).unwrap_err().to_string();
        assert!(error.contains("seed 1") && error.contains("seed 2") && error.contains("--log-dir"), "{error}");
        assert!(!Directory::claim(&path, &marker(2), true).unwrap().goes_on);
    }

    #[test]
    fn a_folder_whose_marker_was_never_finished_is_used() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(UNFINISHED_MARKER), "{").unwrap();
        assert!(!Directory::claim(folder.path(), &marker(1), false).unwrap().goes_on);
        assert!(Directory::claim(folder.path(), &marker(1), false).unwrap().goes_on);
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        for anew in [false, true] {
            let error = Directory::claim(folder.path(), &marker(1), anew).unwrap_err();
            assert!(matches!(error, DirectoryError::NoRehearsal { .. }), "{error}");
        }
        assert!(folder.path().join("thesis.txt").exists());
    }
}
