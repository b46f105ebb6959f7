//! Writes an export, streaming.

use super::{
    DEFINITION_FOLDER, ExportMeta, FORMAT, FileEntry, MANIFEST, MANIFEST_DIGEST, MAX_RECORD_BYTES, Manifest,
    PartitionEntry, RECORDS_FOLDER, Topic, manifest::hex_sha256,
};
use hattama_election::{definition::DefinitionFiles, digest::RecordDigest};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// Bytes gathered before they go to a file: some hundred records.
const BUFFER_BYTES: usize = 256 << 10;

/// Why an export cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file system says no.
    #[error("cannot write {path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something lies there already.
    #[error("{path} is not empty: an export goes into a folder of its own, name another one")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A record longer than any log takes.
    #[error(
        "record {record} of {file} has {bytes} bytes, more than {MAX_RECORD_BYTES}: it is from no log of this system"
    )]
    TooLong {
        /// The file.
        file: String,
        /// The record, from 0.
        record: u64,
        /// Its length.
        bytes: usize,
    },
    /// A partition is written twice.
    #[error("{file} is there already: each partition is exported once")]
    Twice {
        /// The file.
        file: String,
    },
    /// A partition was opened and not closed.
    #[error("{file} was not closed: the export is not complete and has no manifest")]
    Unclosed {
        /// The file.
        file: String,
    },
    /// The definition was not written.
    #[error("the definition is missing: an export without it can be checked by nobody")]
    NoDefinition,
    /// The manifest cannot be put into JSON.
    #[error("cannot encode the manifest: {0}")]
    Manifest(#[from] serde_json::Error),
}

/// An export being written. Without [`Self::finish`] there is no manifest, and no reader takes the folder for an export.
#[derive(Debug)]
pub struct ExportWriter {
    folder: PathBuf,
    definition: Vec<FileEntry>,
    records: Vec<PartitionEntry>,
    open: Option<String>,
}

/// A partition being written: [`Self::append`] each record from the genesis on, then [`Self::close`].
#[derive(Debug)]
pub struct PartitionWriter<'a> {
    export: &'a mut ExportWriter,
    output: BufWriter<File>,
    hasher: Sha256,
    entry: PartitionEntry,
}

impl ExportWriter {
    /// Starts an export in a folder, which is made when it is not there.
    ///
    /// # Errors
    /// When the folder is not empty or cannot be written.
    pub fn create(folder: &Path) -> Result<Self, ExportError> {
        fs::create_dir_all(folder).map_err(|source| io_error(folder, source))?;
        let mut entries = fs::read_dir(folder).map_err(|source| io_error(folder, source))?;
        if entries.next().is_some() {
            return Err(ExportError::NotEmpty { path: folder.to_owned() });
        }
        for name in [DEFINITION_FOLDER, RECORDS_FOLDER] {
            let path = folder.join(name);
            fs::create_dir(&path).map_err(|source| io_error(&path, source))?;
        }
        Ok(Self { folder: folder.to_owned(), definition: Vec::new(), records: Vec::new(), open: None })
    }

    /// Writes the definition's files as stored.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn definition(&mut self, files: &DefinitionFiles) -> Result<(), ExportError> {
        self.definition.clear();
        for name in files.names() {
            let bytes = files.get(name).unwrap_or_default();
            let file = format!("{DEFINITION_FOLDER}/{name}");
            write_file(&self.folder.join(&file), bytes)?;
            self.definition.push(FileEntry { file, bytes: bytes.len() as u64, sha256: hex_sha256(bytes) });
        }
        Ok(())
    }

    /// Starts a partition.
    ///
    /// # Errors
    /// When it was written already, or the file cannot be made.
    pub fn partition(&mut self, topic: Topic, partition: u32) -> Result<PartitionWriter<'_>, ExportError> {
        let file = topic.file(partition);
        if let Some(file) = &self.open {
            return Err(ExportError::Unclosed { file: file.clone() });
        }
        if self.records.iter().any(|entry| entry.file == file) {
            return Err(ExportError::Twice { file });
        }
        let path = self.folder.join(&file);
        let output = File::create_new(&path).map_err(|source| io_error(&path, source))?;
        self.open = Some(file.clone());
        Ok(PartitionWriter {
            export: self,
            output: BufWriter::with_capacity(BUFFER_BYTES, output),
            hasher: Sha256::new(),
            entry: PartitionEntry { file, topic, partition, records: 0, bytes: 0, sha256: String::new() },
        })
    }

    /// Writes the manifest and its digest: the export is complete.
    ///
    /// # Errors
    /// When the definition is missing, a partition is not closed, or a file cannot be written.
    pub fn finish(mut self, meta: ExportMeta) -> Result<Manifest, ExportError> {
        if let Some(file) = self.open {
            return Err(ExportError::Unclosed { file });
        }
        if self.definition.is_empty() {
            return Err(ExportError::NoDefinition);
        }
        self.records.sort_by_key(|entry| (entry.topic, entry.partition));
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            election: meta.election.to_string(),
            core_digest: meta.core_digest.to_string(),
            generation: meta.generation,
            build: meta.build,
            definition: self.definition,
            records: self.records,
        };
        let bytes = manifest.to_bytes()?;
        write_file(&self.folder.join(MANIFEST_DIGEST), Manifest::digest_line(&bytes).as_bytes())?;
        // Last, so that a folder with a manifest is a whole export.
        write_file(&self.folder.join(MANIFEST), &bytes)?;
        Ok(manifest)
    }
}

impl PartitionWriter<'_> {
    /// Appends the value of the next offset; the first is the genesis at offset 0.
    ///
    /// # Errors
    /// When it is longer than [`MAX_RECORD_BYTES`], or cannot be written.
    pub fn append(&mut self, value: &[u8]) -> Result<(), ExportError> {
        let length = match u32::try_from(value.len()) {
            Ok(length) if value.len() <= MAX_RECORD_BYTES => length.to_be_bytes(),
            _ => {
                let (file, record) = (self.entry.file.clone(), self.entry.records);
                return Err(ExportError::TooLong { file, record, bytes: value.len() });
            }
        };
        for part in [&length[..], value] {
            self.hasher.update(part);
            self.output
                .write_all(part)
                .map_err(|source| io_error(&self.export.folder.join(&self.entry.file), source))?;
        }
        self.entry.records += 1;
        self.entry.bytes += (length.len() + value.len()) as u64;
        Ok(())
    }

    /// Brings the file to the disk and enters it in the manifest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn close(self) -> Result<(), ExportError> {
        let Self { export, output, hasher, mut entry } = self;
        let path = export.folder.join(&entry.file);
        let file = output.into_inner().map_err(|error| io_error(&path, error.into_error()))?;
        file.sync_all().map_err(|source| io_error(&path, source))?;
        entry.sha256 = RecordDigest(hasher.finalize().into()).to_string();
        export.records.push(entry);
        export.open = None;
        Ok(())
    }
}

fn io_error(path: &Path, source: io::Error) -> ExportError {
    ExportError::Io { path: path.to_owned(), source }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let mut file = File::create_new(path).map_err(|source| io_error(path, source))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| io_error(path, source))
}
