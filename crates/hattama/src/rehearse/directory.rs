//! The folder of a rehearsal: whose night lies in it, and whether this one may go on there.

use hattama_election::digest::CoreDigest;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Says whose night a folder holds.
const MARKER: &str = "rehearsal.json";
/// The same while it is written.
const UNFINISHED_MARKER: &str = "rehearsal.json.unfinished";
/// Locked by whoever plays in the folder. It stays when the folder is begun anew, else two could hold a lock of one name.
const LOCK: &str = "rehearsal.lock";
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

/// A folder in which nobody else plays as long as this lives, wherever the log of the night lies.
#[derive(Debug)]
pub struct Locked {
    path: PathBuf,
    _lock: File,
}

/// A folder that this rehearsal may use.
#[derive(Debug)]
pub struct Directory {
    folder: Locked,
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
    /// Another rehearsal has it.
    #[error("{} is in use by another process, which plays a night in it: name another --log-dir, or wait until it is over", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
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

impl Locked {
    /// Locks a folder, and makes it where there is none. One that holds something else is left as it is.
    pub fn folder(path: &Path) -> Result<Self, DirectoryError> {
        let io = |source| DirectoryError::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(io)?;
        if Directory::marker(path)?.is_none() && holds_anything(path).map_err(io)? {
            return Err(DirectoryError::NoRehearsal { path: path.to_owned() });
        }
        let lock = File::options().create(true).append(true).open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// Deletes everything but the lock; the marker last, so that what is left of it remains a rehearsal's.
    fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == LOCK || entry.file_name() == MARKER {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_file(self.path.join(MARKER))
    }
}

impl Directory {
    /// Claims a folder for a night; with `anew` an earlier rehearsal in it is deleted first.
    pub fn claim(folder: Locked, marker: &Marker, anew: bool) -> Result<Self, DirectoryError> {
        let path = &folder.path;
        match Self::marker(path)? {
            Some(found) if !anew && found != *marker => Err(DirectoryError::AnotherNight {
                path: path.to_owned(),
                found: Box::new(found),
                wanted: Box::new(marker.clone()),
            }),
            Some(_) if !anew => Ok(Self { folder, goes_on: true }),
            Some(_) => {
                folder.empty().map_err(|source| DirectoryError::Io { path: path.clone(), source })?;
                Self::mark(folder, marker)
            }
            None => Self::mark(folder, marker),
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

    fn mark(folder: Locked, marker: &Marker) -> Result<Self, DirectoryError> {
        let path = &folder.path;
        let io = |source| DirectoryError::Io { path: path.join(MARKER), source };
        let text = serde_json::to_string_pretty(marker).map_err(|error| io(error.into()))?;
        // Written whole or not at all: whoever kills a rehearsal must be able to go on.
        let unfinished = path.join(UNFINISHED_MARKER);
        fs::write(&unfinished, text + "\n").map_err(io)?;
        fs::rename(&unfinished, path.join(MARKER)).map_err(io)?;
        Ok(Self { folder, goes_on: false })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.folder.path
    }

    /// Where the log lies.
    pub fn log(&self) -> PathBuf {
        log_of(self.path())
    }

    /// Where a gateway's journal lies, from 1.
    pub fn gateway(&self, number: u8) -> PathBuf {
        self.path().join(format!("gateway-{number}"))
    }

    /// Where services that are processes of their own write their log lines.
    pub fn logs(&self) -> PathBuf {
        self.path().join("logs")
    }

    /// Where the definition of the night is kept.
    pub fn definition(&self) -> PathBuf {
        definition_of(self.path())
    }

    /// Where the night is exported to when it is over.
    pub fn export(&self) -> PathBuf {
        self.path().join("export")
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

/// True when something lies in a folder; a lock and a marker that was never finished are nothing.
fn holds_anything(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if name != UNFINISHED_MARKER && name != LOCK {
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

    /// A night that is over at once.
    fn claim(path: &Path, marker: &Marker, anew: bool) -> Result<bool, DirectoryError> {
        Directory::claim(Locked::folder(path)?, marker, anew).map(|directory| directory.goes_on)
    }

    #[test]
    fn of_two_nights_that_start_in_one_folder_one_is_refused_also_while_the_other_begins_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let kafka = |seed: u64| Marker { on_kafka: true, ..marker(seed) };
        claim(folder.path(), &kafka(1), true).unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();

        let first = Locked::folder(folder.path()).unwrap();
        let refused = || {
            let error = Locked::folder(folder.path()).unwrap_err();
            assert!(matches!(error, DirectoryError::InUse { .. }), "{error}");
        };
        refused();
        let first = Directory::claim(first, &kafka(2), true).unwrap();
        assert!(!first.goes_on && !first.logs().exists(), "the earlier night is gone");
        refused();
        drop(first);
        assert!(claim(folder.path(), &kafka(2), false).unwrap(), "the lock went with the night");
    }

    #[test]
    fn a_folder_of_another_seed_is_refused_and_the_same_night_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d");
        assert!(!claim(&path, &marker(1), false).unwrap());
        assert!(claim(&path, &marker(1), false).unwrap());
        let error = claim(&path, &marker(2), false).unwrap_err().to_string();
        assert!(error.contains("seed 1") && error.contains("seed 2") && error.contains("--log-dir"), "{error}");
        assert!(!claim(&path, &marker(2), true).unwrap());
    }

    #[test]
    fn a_folder_whose_marker_was_never_finished_is_used() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(UNFINISHED_MARKER), "{").unwrap();
        assert!(!claim(folder.path(), &marker(1), false).unwrap());
        assert!(claim(folder.path(), &marker(1), false).unwrap());
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
        for anew in [false, true] {
            let error = claim(folder.path(), &marker(1), anew).unwrap_err();
            assert!(matches!(error, DirectoryError::NoRehearsal { .. }), "{error}");
        }
        assert!(folder.path().join("thesis.txt").exists());
    }
}
