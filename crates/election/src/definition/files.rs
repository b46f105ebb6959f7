//! The seven files of a definition, as bytes.

use crate::digest::{CoreDigest, sha256};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// A definition's files as stored: name to bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DefinitionFiles {
    files: BTreeMap<String, Vec<u8>>,
}

/// A file of a definition could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}; a definition is a folder with the files {}", DefinitionFiles::NAMES.join(", "))]
pub struct ReadError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// A file of a definition could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct WriteError {
    /// Which file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl DefinitionFiles {
    /// The seven names, in ascending order.
    pub const NAMES: [&'static str; 7] = [
        "candidates.csv",
        "districts.csv",
        "election.toml",
        "lists.csv",
        "regions.csv",
        "stations.csv",
        "territories.csv",
    ];

    /// These files. The loader refuses others than the seven.
    #[must_use]
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { files }
    }

    /// Reads the seven files of a folder; whatever else lies there is for people. A file that is not there is left out:
    /// the loader names it.
    ///
    /// # Errors
    /// When the folder is none, or a file that is there cannot be read.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        std::fs::read_dir(folder).map_err(|source| ReadError { path: folder.to_owned(), source })?;
        let mut files = BTreeMap::new();
        for name in Self::NAMES {
            let path = folder.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => drop(files.insert(name.to_owned(), bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ReadError { path, source }),
            }
        }
        Ok(Self { files })
    }

    /// Writes the files into a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), WriteError> {
        std::fs::create_dir_all(folder).map_err(|source| WriteError { path: folder.to_owned(), source })?;
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|source| WriteError { path, source })?;
        }
        Ok(())
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Puts a file in place of another of this name.
    pub fn set(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.insert(name.to_owned(), bytes);
    }

    /// Takes a file out.
    pub fn remove(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// The names of the files that are there, in ascending order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

/// SHA-256 over the sorted lines `path SP sha256 LF` of the files as stored (design, D6).
#[must_use]
pub fn core_digest(files: &DefinitionFiles) -> CoreDigest {
    let mut hasher = Sha256::new();
    for (name, bytes) in &files.files {
        hasher.update(format!("{name} {}\n", CoreDigest(sha256(bytes))));
    }
    CoreDigest(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_digest_is_over_the_sorted_lines_of_path_and_sha256() {
        let mut files = DefinitionFiles::default();
        files.set("b.csv", b"b".to_vec());
        files.set("a.csv", b"".to_vec());
        let lines = "a.csv e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
                     b.csv 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n";
        assert_eq!(core_digest(&files), CoreDigest(sha256(lines.as_bytes())));
    }

    #[test]
    fn only_the_seven_files_of_a_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("regions.csv"), "x").unwrap();
        std::fs::write(folder.path().join("sources.md"), "x").unwrap();
        let files = DefinitionFiles::read(folder.path()).unwrap();
        assert_eq!(files.names().collect::<Vec<_>>(), ["regions.csv"]);
        assert!(DefinitionFiles::read(&folder.path().join("nowhere")).is_err());
    }
}
